"""Signers and the transactions that leave by them."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Now

from ostium_service.types import Network, TxHash

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

NETWORKS = [(network.value, network.value) for network in Network]


class Signer(models.Model):
    """An address whose key lives in Vault, and the nonce its next transaction takes.

    The row is the lock of the nonce: it is held only while signing and storing (milliseconds), never across the
    network. `next_nonce` only grows (a trigger holds it); it is 0 for a key made here, and for a registered one empty
    until the first use, which sets it from the chain.
    """

    class Purpose(models.TextChoices):
        DELEGATE = "delegate"
        RELAYER = "relayer"

    class State(models.TextChoices):
        ACTIVE = "active"
        HALTED = "halted"
        # May only close what is open: its Safes are being moved to another delegate.
        RETIRING = "retiring"
        # Signs nothing and is never used again.
        RETIRED = "retired"

    network = models.CharField(max_length=10, choices=NETWORKS)
    address = models.CharField(max_length=42)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    halted_reason = models.CharField(max_length=200, blank=True)
    next_nonce = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    if TYPE_CHECKING:
        events: RelatedManager["SignerEvent"]
        transactions: RelatedManager["OutboundTransaction"]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "address"], name="one_signer_per_address"),
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "halted", "retiring", "retired"]), name="signer_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.purpose} {self.address} ({self.state})"


class SignerEvent(models.Model):
    """Append-only: who stopped, resumed or retired a signer, when and why."""

    signer = models.ForeignKey(Signer, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(db_default=Now(), editable=False)
    what = models.CharField(max_length=40)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=200)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.what} by {self.actor}: {self.reason}"


class OutboundTransaction(models.Model):
    """One intent to change the chain, bound to one nonce for ever. Its attempts are the bytes that may be out."""

    class State(models.TextChoices):
        SIGNED = "SIGNED"
        SENT = "SENT"
        UNKNOWN = "UNKNOWN"
        MINED = "MINED"
        FINAL = "FINAL"
        REVERTED = "REVERTED"
        EXPIRED = "EXPIRED"
        CANCELLED = "CANCELLED"
        REPLACED = "REPLACED"

    UNDECIDED = (State.SIGNED, State.SENT, State.UNKNOWN)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    signer = models.ForeignKey(Signer, on_delete=models.PROTECT, related_name="transactions")
    kind = models.CharField(max_length=40)
    nonce = models.BigIntegerField()
    to = models.CharField(max_length=42)
    data = models.BinaryField()
    gas_limit = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.SIGNED)
    deadline = models.DateTimeField()
    # Why its nonce shall be spent by a self-transfer instead: empty while the call may still be sent.
    given_up = models.CharField(max_length=40, blank=True)
    mined_hash = models.CharField(max_length=66, blank=True)
    block_number = models.BigIntegerField(null=True)
    block_hash = models.CharField(max_length=66, blank=True)
    gas_used = models.BigIntegerField(null=True)
    effective_gas_price = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    # The block was `safe` and still held it; nothing about this row is looked at any more.
    confirmed_at = models.DateTimeField(null=True)
    # How often its block vanished: whoever drew conclusions under an earlier count has to draw them again.
    vanished = models.IntegerField(default=0)

    signed_hash = ""
    """Known to whoever has just signed the call, and stored with its attempt: spares a question under the lock."""

    if TYPE_CHECKING:
        attempts: RelatedManager["TransactionAttempt"]
        events: RelatedManager["TransactionEvent"]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signer", "nonce"], name="one_transaction_per_nonce"),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        *("SIGNED", "SENT", "UNKNOWN", "MINED", "FINAL"),
                        *("REVERTED", "EXPIRED", "CANCELLED", "REPLACED"),
                    ]
                ),
                name="outbound_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["signer", "nonce"],
                name="outbound_undecided",
                condition=models.Q(state__in=["SIGNED", "SENT", "UNKNOWN"]),
            ),
            models.Index(
                fields=["block_number"],
                name="outbound_unconfirmed",
                condition=models.Q(state__in=["MINED", "REVERTED", "EXPIRED", "CANCELLED"], confirmed_at__isnull=True),
            ),
            models.Index(fields=["vanished"], name="outbound_vanished", condition=models.Q(vanished__gt=0)),
            models.Index(fields=["decided_at"], name="outbound_replaced", condition=models.Q(state="REPLACED")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} nonce {self.nonce} {self.state}"

    @property
    def network(self) -> Network:
        """The network of its signer."""
        return Network(self.signer.network)

    @property
    def is_decided(self) -> bool:
        """Whether the chain has said what became of it (or its nonce went to bytes that are not ours)."""
        return self.state not in self.UNDECIDED

    @property
    def succeeded(self) -> bool:
        """Whether the call itself was mined with status 1."""
        return self.state in {self.State.MINED, self.State.FINAL}

    @property
    def tx_hash(self) -> TxHash:
        """The hash it was mined under, else the one of the call's newest bytes."""
        if self.mined_hash or self.signed_hash:
            return TxHash(self.mined_hash or self.signed_hash)
        newest = self.attempts.filter(purpose=TransactionAttempt.Purpose.CALL).latest("id")
        return TxHash(newest.tx_hash)


class TransactionAttempt(models.Model):
    """Signed bytes under the transaction's nonce: the call, again with a higher fee, or the self-transfer instead.

    All are kept with their hashes, since any of them may be the one that is mined. A trigger refuses a call once the
    transaction was given up, and anything once its nonce was spent otherwise.
    """

    class Purpose(models.TextChoices):
        CALL = "call"
        CANCEL = "cancel"

    transaction = models.ForeignKey(OutboundTransaction, on_delete=models.PROTECT, related_name="attempts")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    tx_hash = models.CharField(max_length=66, unique=True)
    raw = models.BinaryField()
    max_fee_per_gas = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.purpose} {self.tx_hash}"


class TransactionEvent(models.Model):
    """Append-only story of a transaction: one row per move, with the reason and the evidence for it."""

    transaction = models.ForeignKey(OutboundTransaction, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(db_default=Now(), editable=False)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    reason = models.CharField(max_length=80)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_state or '-'} -> {self.to_state}: {self.reason}"

"""Delegations, the Safe transactions that change them, and what happened to both."""

import uuid

from django.db import models
from django.db.models import Q

from ostium_service.types import Address, Network
from relay.models import OutboundTransaction

NETWORKS = [(network.value, network.value) for network in Network]


class Delegation(models.Model):
    """A user's wish that one of our delegates trades for a Safe, and what the chain says about it.

    ACTIVE and REVOKED are written only after reading `delegations(safe)`. Preparing a transaction never changes a row
    that is live: the prepared transaction is a row of its own. FAILED and REVOKED are ends; a new wish is a new row.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING"
        ACTIVE = "ACTIVE"
        REVOKED = "REVOKED"
        FAILED = "FAILED"

    LIVE = (Status.PENDING, Status.ACTIVE)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.CharField(max_length=128)
    network = models.CharField(max_length=10, choices=NETWORKS)
    safe_address = models.CharField(max_length=42)
    delegate_address = models.CharField(max_length=42)
    trading_contract = models.CharField(max_length=42)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    suspended = models.BooleanField(default=False)
    suspended_by = models.CharField(max_length=300, blank=True)
    suspended_at = models.DateTimeField(null=True)
    suspend_reason = models.CharField(max_length=500, blank=True)
    approval = models.ForeignKey(
        "SafeTransaction",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The approval that made the row ACTIVE; until then the one prepared last.",
    )
    approval_tx_hash = models.CharField(max_length=66, blank=True)
    revoke_tx_hash = models.CharField(max_length=66, blank=True)
    last_error = models.CharField(max_length=80, blank=True, help_text="A stable token, never upstream text.")
    chain_block = models.BigIntegerField(
        null=True, help_text="Block of the chain read that decided the status; an older read changes nothing."
    )
    doubted_block = models.BigIntegerField(
        null=True, help_text="Block of a read that contradicts ACTIVE; nothing is signed until a later block was read."
    )
    chain_delegate = models.CharField(
        max_length=42, blank=True, help_text="The venue's delegate of the Safe when it was read last; empty for none."
    )
    chain_allowance = models.DecimalField(
        max_digits=78, decimal_places=0, null=True, help_text="USDC x 1e6 that tradingStorage may spend; empty: unread."
    )
    checked_at = models.DateTimeField(null=True, help_text="When the chain was read last; empty: never.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "ostium_delegations"
        constraints = [
            models.UniqueConstraint(
                fields=["network", "safe_address"], condition=Q(status="ACTIVE"), name="one_active_delegation_per_safe"
            ),
            models.UniqueConstraint(
                fields=["user_id", "network", "safe_address", "delegate_address"],
                condition=Q(status__in=["PENDING", "ACTIVE"]),
                name="one_live_delegation_per_wish",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "ACTIVE", "REVOKED", "FAILED"]), name="delegation_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["network", "safe_address"], name="delegation_by_safe"),
            models.Index(fields=["user_id", "network"], name="delegation_by_user"),
            models.Index(fields=["-created_at"], name="delegation_newest"),
            models.Index(fields=["network", "delegate_address", "status"], name="delegation_by_delegate"),
            models.Index(
                fields=["network", "checked_at"], condition=Q(doubted_block__isnull=False), name="delegation_in_doubt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.safe_address} -> {self.delegate_address} ({self.status})"

    @property
    def safe(self) -> Address:
        """The Safe, which is the trader at the venue."""
        return Address(self.safe_address)

    @property
    def delegate(self) -> Address:
        """The address whose key signs for the Safe."""
        return Address(self.delegate_address)


class SafeTransaction(models.Model):
    """One Safe transaction built for a delegation, from its preparation to its end on chain.

    An allowance alone (`ALLOWANCE`) changes no delegation; it belongs to the one whose trades will spend it.
    `safe_tx_hash` is computed here from `safe_tx_data`; nothing else is ever executed under it. `owners` and
    `threshold` are those seen while preparing; execution reads them anew.
    """

    class Kind(models.TextChoices):
        APPROVE = "approve"
        REVOKE = "revoke"
        ALLOWANCE = "allowance"

    class State(models.TextChoices):
        PREPARED = "prepared"
        SUBMITTED = "submitted"
        EXECUTED = "executed"
        FAILED = "failed"
        STALE = "stale"

    class Submitter(models.TextChoices):
        RELAY = "relay"
        CLIENT = "client"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, related_name="safe_transactions")
    network = models.CharField(max_length=10, choices=NETWORKS)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    safe_tx_hash = models.CharField(max_length=66)
    safe_tx_data = models.JSONField(help_text="Every field of the SafeTx as the API gives it.")
    nonce = models.BigIntegerField(help_text="The Safe's own nonce.")
    safe_version = models.CharField(max_length=10)
    owners = models.JSONField()
    threshold = models.IntegerField()
    allowance = models.BigIntegerField(null=True, help_text="USDC x 1e6 approved with it; empty for none.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREPARED)
    submitted_by = models.CharField(max_length=10, choices=Submitter.choices, blank=True)
    outbound = models.ForeignKey(OutboundTransaction, on_delete=models.PROTECT, null=True, related_name="+")
    last_error = models.CharField(max_length=80, blank=True, help_text="A stable token, never upstream text.")
    expires_at = models.DateTimeField(null=True, help_text="After this its signatures are void and nothing runs it.")
    prepared_block = models.BigIntegerField(null=True, help_text="Block the Safe was read at; its story is newer.")
    taken_by = models.CharField(max_length=66, blank=True, help_text="Hash of the transaction that took the nonce.")
    looked_at = models.DateTimeField(null=True, help_text="When the worker's sweep looked for its end last.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delegation", "safe_tx_hash"], name="one_row_per_safe_transaction"),
            # Two users may prepare the same transaction of one Safe; only one of them gets it relayed.
            models.UniqueConstraint(
                fields=["network", "safe_tx_hash"],
                condition=Q(state="submitted", submitted_by="relay"),
                name="one_relay_per_safe_transaction",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "submitted", "executed", "failed", "stale"]),
                name="safe_transaction_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(state="submitted"), name="safe_transaction_unfinished")
        ]

    def __str__(self) -> str:
        return f"{self.kind} nonce {self.nonce} {self.state}"


class Confirmation(models.Model):
    """One owner's signature of a prepared Safe transaction, verified before it was stored and before it is used."""

    safe_transaction = models.ForeignKey(SafeTransaction, on_delete=models.PROTECT, related_name="confirmations")
    owner = models.CharField(max_length=42)
    kind = models.CharField(max_length=20)
    signature = models.BinaryField(help_text="The owner's part alone, as a Safe takes it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["safe_transaction", "owner"], name="one_confirmation_per_owner"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.owner} ({self.kind})"


class WatchMark(models.Model):
    """Up to which block the venue's delegation events of a network were read."""

    network = models.CharField(max_length=10, choices=NETWORKS, primary_key=True)
    block = models.BigIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.network} {self.block}"


class DelegationEvent(models.Model):
    """Append-only story of a delegation: what happened, who asked, and what it was decided on.

    A database trigger refuses UPDATE and DELETE.
    """

    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, related_name="events")
    safe_transaction = models.ForeignKey(SafeTransaction, on_delete=models.PROTECT, null=True, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    what = models.CharField(max_length=40)
    actor = models.CharField(max_length=300, help_text="Who asked: user and request, the worker, or a command.")
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.what}"

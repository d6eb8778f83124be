"""The ledger of trading writes."""

import uuid
from typing import TYPE_CHECKING

from django.db import models

from ostium_service.types import Network
from relay.models import OutboundTransaction

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Operation(models.TextChoices):
    """What a caller may ask for; part of the idempotency scope."""

    OPEN = "open"
    CLOSE = "close"
    UPDATE_SL = "update_sl"
    UPDATE_TP = "update_tp"
    ADD_COLLATERAL = "add_collateral"
    REMOVE_COLLATERAL = "remove_collateral"
    CANCEL_ORDER = "cancel_order"
    UPDATE_ORDER = "update_order"
    RECLAIM = "reclaim"
    FAUCET = "faucet"
    FAUCET_PAYMENT = "faucet_payment"


class ExecutionState(models.TextChoices):
    """RECEIVED -> SIGNED -> SENT -> MINED -> SETTLED, or one of the four ends without effect."""

    RECEIVED = "RECEIVED"
    SIGNED = "SIGNED"
    SENT = "SENT"
    MINED = "MINED"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    REVERTED = "REVERTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


FAILED_STATES = (
    ExecutionState.REJECTED,
    ExecutionState.REVERTED,
    ExecutionState.CANCELLED,
    ExecutionState.EXPIRED,
)
FINAL_STATES = (ExecutionState.SETTLED, *FAILED_STATES)
UNFINISHED_STATES = tuple(state for state in ExecutionState if state not in FINAL_STATES)


class PerpsExecution(models.Model):
    """One accepted intent to trade, and everything known about what became of it.

    `request` holds the validated parameters and `terms` the operation's own answer fields, both with numbers as decimal
    strings. A row is claimed under its idempotency key and its signature before anything else happens; `lease_token`
    names the process that works on it until it is signed, so that a late one is refused. States move in
    `services/ledger.py` only.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.CharField(max_length=20, choices=Operation.choices)
    network = models.CharField(max_length=10, choices=[(network.value, network.value) for network in Network])
    trader_address = models.CharField(max_length=42)
    delegate_address = models.CharField(max_length=42, blank=True)
    idempotency_key = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)
    request = models.JSONField()
    terms = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ExecutionState.choices, default=ExecutionState.RECEIVED)
    transaction = models.OneToOneField(
        OutboundTransaction, null=True, on_delete=models.PROTECT, related_name="execution"
    )
    tx_hash = models.CharField(max_length=66, blank=True)
    pair_id = models.IntegerField(null=True)
    order_id = models.CharField(max_length=100, blank=True)
    trade_id = models.CharField(max_length=80, blank=True)
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=80, blank=True)
    lease_token = models.UUIDField(default=uuid.uuid4)
    leased_until = models.DateTimeField()
    request_id = models.CharField(max_length=128)
    # The signed request's; empty for what the service asked for itself, and for rows older than the field.
    signature = models.CharField(max_length=64, default="", db_default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    signed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    mined_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(auto_now_add=True)
    # The oracle's transaction that ended the row, and its block, believed by its hash until that block is safe. Empty
    # for a row that its own transaction ended.
    settlement_tx_hash = models.CharField(max_length=66, default="", db_default="", blank=True)
    settlement_block = models.BigIntegerField(null=True)
    settlement_block_hash = models.CharField(max_length=66, default="", db_default="", blank=True)
    settlement_confirmed_at = models.DateTimeField(null=True)
    # Up to which block the oracle's answer was looked for in vain, for a row that is looked at late.
    searched_to = models.BigIntegerField(null=True)
    # The transaction's count of vanished blocks under which this row's conclusions were drawn.
    vanished = models.IntegerField(default=0)

    if TYPE_CHECKING:
        events: RelatedManager["ExecutionEvent"]

    class Meta:
        db_table = "perps_executions"
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "network", "trader_address", "idempotency_key"],
                condition=~models.Q(state="REJECTED"),
                name="one_execution_per_key",
            ),
            models.UniqueConstraint(
                fields=["operation", "network", "trader_address", "signature"],
                condition=~models.Q(signature="") & ~models.Q(state="REJECTED"),
                name="one_execution_per_signature",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in ExecutionState]), name="execution_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["RECEIVED", "REJECTED"]) | models.Q(transaction__isnull=False),
                name="execution_beyond_received_has_transaction",
            ),
        ]
        indexes = [
            models.Index(
                fields=["checked_at"],
                name="execution_unfinished",
                condition=models.Q(state__in=["RECEIVED", "SIGNED", "SENT", "MINED"]),
            ),
            models.Index(
                fields=["network", "settlement_block"],
                name="execution_unconfirmed",
                condition=models.Q(settlement_block__isnull=False, settlement_confirmed_at__isnull=True),
            ),
            models.Index(fields=["network", "trader_address", "-created_at"], name="execution_by_trader"),
            models.Index(fields=["network", "order_id"], name="execution_by_order", condition=~models.Q(order_id="")),
            models.Index(
                fields=["network", "trader_address", "operation", "created_at"],
                name="execution_retries",
                condition=models.Q(operation__in=["reclaim", "faucet_payment"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.network} {self.trader_address} {self.state}"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STATES


class ExecutionEvent(models.Model):
    """Append-only story of an execution: one row per state change, with the reason and the evidence for it."""

    execution = models.ForeignKey(PerpsExecution, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    reason = models.CharField(max_length=80)
    evidence = models.JSONField(default=dict)

    class Meta:
        db_table = "perps_execution_events"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_state or '-'} -> {self.to_state}: {self.reason}"

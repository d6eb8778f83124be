"""Rows for the staff pages: a delegation with its Safe, a settled trade with its story, a halted signer."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from delegations.models import Confirmation, Delegation, DelegationEvent, SafeTransaction
from positions.models import ExecutionEvent, PerpsExecution
from relay.models import OutboundTransaction, Signer, TransactionAttempt, TransactionEvent
from safeguards.models import Grant
from staff.models import GasReading, PositionReading

SAFE = "0x52908400098527886E0F7030069857D2E4169EE7"
DELEGATE = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
OWNERS = ["0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26"]
TRADING = "0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe"


@dataclass(frozen=True)
class StaffRows:
    """What was made."""

    delegation: Delegation
    execution: PerpsExecution
    signer: Signer


def make_rows() -> StaffRows:
    """An ACTIVE delegation that has traded once, and a second signer that was halted."""
    now = timezone.now()
    signer = Signer.objects.create(network="testnet", address=DELEGATE, purpose=Signer.Purpose.DELEGATE, next_nonce=8)
    Signer.objects.create(
        network="testnet",
        address=TRADING,
        purpose=Signer.Purpose.RELAYER,
        state=Signer.State.HALTED,
        halted_reason="foreign_nonce",
    )
    GasReading.objects.create(signer=signer, wei=Decimal(10**15), read_at=now)
    delegation = _make_delegation()
    _make_reading(delegation)
    return StaffRows(delegation, _make_trade(delegation, signer), signer)


def _make_delegation() -> Delegation:
    row = Delegation.objects.create(
        user_id="user-7",
        network="testnet",
        safe_address=SAFE,
        delegate_address=DELEGATE,
        trading_contract=TRADING,
        status=Delegation.Status.ACTIVE,
        approval_tx_hash="0x" + "a1" * 32,
        chain_delegate=DELEGATE,
        chain_allowance=Decimal(25_000_000_000),
        chain_block=1200,
        checked_at=timezone.now(),
    )
    approval = SafeTransaction.objects.create(
        delegation=row,
        network="testnet",
        kind=SafeTransaction.Kind.APPROVE,
        safe_tx_hash="0x" + "b2" * 32,
        safe_tx_data={"to": TRADING, "data": "0x", "nonce": 0},
        nonce=0,
        safe_version="1.4.1",
        owners=OWNERS,
        threshold=2,
        state=SafeTransaction.State.EXECUTED,
    )
    for owner in OWNERS:
        Confirmation.objects.create(safe_transaction=approval, owner=owner, kind="eip712", signature=b"\x01" * 65)
    row.approval = approval
    row.save(update_fields=["approval"])
    Grant.objects.create(network="testnet", trader=SAFE, delegate=DELEGATE, state=Grant.State.ACTIVE)
    for what in ("approve_prepared", "approve_executed"):
        DelegationEvent.objects.create(delegation=row, what=what, actor="user-7 request r-1", evidence={"nonce": 0})
    return row


def _make_reading(delegation: Delegation) -> None:
    PositionReading.objects.create(
        network="testnet",
        trader=delegation.safe_address,
        positions=[
            {
                "market": "BTC-USD",
                "side": "long",
                "collateral": "1200.00",
                "leverage": "10",
                "openPrice": "64321.5",
                "pnl": "-12.5",
            }
        ],
        collateral=Decimal(1200),
        notional=Decimal(12000),
        block=1200,
        read_at=timezone.now(),
    )


def _make_trade(delegation: Delegation, signer: Signer) -> PerpsExecution:
    execution = PerpsExecution.objects.create(
        operation="open",
        network="testnet",
        trader_address=delegation.safe_address,
        delegate_address=delegation.delegate_address,
        idempotency_key="first-trade",
        fingerprint="f" * 64,
        request={"market": "BTC-USD", "collateral": "1200"},
        order_id="800001",
        request_id="r-2",
        leased_until=timezone.now(),
        ended_at=timezone.now(),
    )
    ExecutionEvent.objects.create(execution=execution, to_state="RECEIVED", reason="claimed", evidence={})
    tx_hash = "0x" + "c3" * 32
    sent = OutboundTransaction.objects.create(
        signer=signer,
        kind="open",
        nonce=7,
        to=TRADING,
        data=b"\x00",
        gas_limit=900_000,
        state=OutboundTransaction.State.MINED,
        deadline=timezone.now() + timedelta(minutes=1),
        block_number=1190,
    )
    TransactionAttempt.objects.create(
        transaction=sent, purpose="call", tx_hash=tx_hash, raw=b"\x02", max_fee_per_gas=40_000_000
    )
    for state, reason in (("SIGNED", "stored"), ("SENT", "accepted"), ("MINED", "receipt")):
        TransactionEvent.objects.create(transaction=sent, to_state=state, reason=reason, evidence={"block": 1190})
    for state in ("SIGNED", "SENT", "MINED", "SETTLED"):
        ExecutionEvent.objects.create(
            execution=execution, to_state=state, reason="step", evidence={"orderId": "800001"}
        )
        PerpsExecution.objects.filter(pk=execution.pk).update(transaction=sent, tx_hash=tx_hash, state=state)
    execution.refresh_from_db()
    return execution

"""Following a signed execution to its end. Every step may be repeated, from any process, at any time."""

import time
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from django.utils import timezone

from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.types import Network, TxHash
from positions.models import ExecutionState, PerpsExecution
from positions.selectors import find_stalled, find_vanished
from positions.services.ledger import abandon_execution, move_execution
from positions.services.settlement import Settlement, read_placement, read_reclaim, read_settlement
from relay import services as relay
from relay.models import OutboundTransaction

logger = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
STALLED_AFTER = timedelta(seconds=8)
"""An unfinished row that nobody has looked at for this long is the sweep's."""

SWEEP_ROWS = 200
RECLAIM_LOOKED_FOR_AFTER = timedelta(seconds=20)
"""The oracle answers within seconds; only later is it worth asking whether the order was paid back instead."""

FAILED_TRANSACTIONS: Mapping[str, tuple[str, str]] = {
    OutboundTransaction.State.REVERTED: (ExecutionState.REVERTED, "REVERTED"),
    OutboundTransaction.State.EXPIRED: (ExecutionState.EXPIRED, "NOT_SENT_IN_TIME"),
    OutboundTransaction.State.CANCELLED: (ExecutionState.EXPIRED, "NOT_ALLOWED_ANY_MORE"),
    OutboundTransaction.State.REPLACED: (ExecutionState.EXPIRED, "NONCE_USED_ELSEWHERE"),
}


def advance_execution(*, execution_id: UUID) -> PerpsExecution:
    """One step towards the end: the transaction first, then the oracle's answer.

    A row left unsigned by a dead process ends REJECTED once its lease has run out. Upstream trouble leaves the row as
    it is for the next step.
    """
    execution = PerpsExecution.objects.get(pk=execution_id)
    if execution.state == ExecutionState.RECEIVED:
        return abandon_execution(execution_id=execution_id)
    if execution.state in {ExecutionState.SIGNED, ExecutionState.SENT} and execution.transaction_id is not None:
        execution = reflect_transaction(
            execution=execution, transaction=relay.advance(transaction_id=execution.transaction_id)
        )
    if execution.state == ExecutionState.MINED:
        execution = _settle(execution)
    return execution


def wait_for_outcome(*, execution: PerpsExecution, deadline: float) -> PerpsExecution:
    """`advance_execution` until the row is final or `time.monotonic()` reaches `deadline`."""
    while not execution.is_final and time.monotonic() + POLL_SECONDS < deadline:
        execution = advance_execution(execution_id=execution.pk)
        if not execution.is_final:
            time.sleep(POLL_SECONDS)
    return execution


def reflect_transaction(*, execution: PerpsExecution, transaction: OutboundTransaction) -> PerpsExecution:
    """Bring the row to where its transaction is; a mined one only with its own event read from the receipt."""
    states = OutboundTransaction.State
    if transaction.state in FAILED_TRANSACTIONS:
        to, reason = FAILED_TRANSACTIONS[transaction.state]
        return move_execution(execution_id=execution.pk, to=to, reason=reason)
    if transaction.state in {states.SENT, states.UNKNOWN} and execution.state == ExecutionState.SIGNED:
        return move_execution(
            execution_id=execution.pk, to=ExecutionState.SENT, reason=f"transaction {transaction.state}"
        )
    if transaction.succeeded:
        try:
            return _reflect_receipt(execution, transaction)
        except GatewayError as error:
            _log_trouble(execution, error)
    return execution


def follow_execution(*, execution_id: UUID) -> PerpsExecution:
    """The worker's step: `advance_execution`, and a note of when it was made for the sweep."""
    structlog.contextvars.bind_contextvars(execution_id=str(execution_id))
    PerpsExecution.objects.filter(pk=execution_id).update(checked_at=timezone.now())
    return advance_execution(execution_id=execution_id)


def sweep_executions() -> int:
    """Take one step with every unfinished execution that nobody has looked at lately; the number of rows looked at.

    This is what finds rows of lost jobs and dead processes. One row's failure does not stop the others.
    """
    reopen_vanished()
    rows = find_stalled(before=timezone.now() - STALLED_AFTER, limit=SWEEP_ROWS)
    for execution_id in rows:
        try:
            follow_execution(execution_id=execution_id)
        except Exception:
            logger.exception("sweep_step_failed", execution_id=str(execution_id))
    return len(rows)


def reopen_vanished() -> None:
    """Follow again every execution whose conclusions were drawn from a block that has vanished since."""
    for execution in find_vanished(limit=SWEEP_ROWS):
        transaction = execution.transaction
        if transaction is None:
            continue
        move_execution(
            execution_id=execution.pk,
            to=ExecutionState.SENT,
            reason="the block of its transaction has vanished",
            evidence={"result": execution.result},
            vanished=transaction.vanished,
            result=None,
            ended_at=None,
        )


def _reflect_receipt(execution: PerpsExecution, transaction: OutboundTransaction) -> PerpsExecution:
    receipt = composition.arbitrum(Network(execution.network)).receipt(TxHash(transaction.mined_hash))
    if receipt is None or not receipt.succeeded:
        return execution
    placement = read_placement(execution=execution, receipt=receipt)
    if placement is None:
        # A success without our event means that the venue's code is not what we know: a person has to look.
        logger.error("placement_event_missing", execution_id=str(execution.pk), tx_hash=receipt.tx_hash)
        return execution
    row = move_execution(
        execution_id=execution.pk,
        to=ExecutionState.MINED,
        reason="receipt with status 1",
        evidence={"block": receipt.block_number, "blockHash": receipt.block_hash, "gasUsed": receipt.gas_used},
        order_id=placement.order_id,
        trade_id=placement.trade_id or execution.trade_id,
        tx_hash=receipt.tx_hash,
        vanished=transaction.vanished,
    )
    if placement.result is None or row.state != ExecutionState.MINED:
        return row
    return move_execution(
        execution_id=row.pk, to=ExecutionState.SETTLED, reason="settled by its receipt", result=dict(placement.result)
    )


def _settle(execution: PerpsExecution) -> PerpsExecution:
    transaction = execution.transaction
    if transaction is None or transaction.block_number is None or not execution.order_id.isdigit():
        return execution
    try:
        settlement = read_settlement(execution=execution, from_block=transaction.block_number)
        if settlement is None and _is_overdue(execution):
            settlement = read_reclaim(execution=execution, from_block=transaction.block_number)
    except GatewayError as error:
        _log_trouble(execution, error)
        return execution
    return execution if settlement is None else _end(execution, settlement)


def _end(execution: PerpsExecution, settlement: Settlement) -> PerpsExecution:
    to = ExecutionState.CANCELLED if settlement.cancel_reason else ExecutionState.SETTLED
    return move_execution(
        execution_id=execution.pk,
        to=to,
        reason=settlement.cancel_reason or "settled by the oracle",
        result=dict(settlement.result),
        trade_id=settlement.trade_id,
    )


def _is_overdue(execution: PerpsExecution) -> bool:
    return execution.mined_at is not None and timezone.now() - execution.mined_at > RECLAIM_LOOKED_FOR_AFTER


def _log_trouble(execution: PerpsExecution, error: GatewayError) -> None:
    logger.warning(
        "execution_step_failed", execution_id=str(execution.pk), system=error.system.value, token=error.token
    )

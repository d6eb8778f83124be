"""Following a signed execution to its end. Every step may be repeated, from any process, at any time."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from ostium_service import composition
from ostium_service.database import in_one_unit
from ostium_service.gateways.arbitrum import Receipt
from ostium_service.gateways.failures import GatewayError
from ostium_service.types import Network, TxHash
from positions.cancel_reasons import RECLAIMED
from positions.models import ExecutionState, PerpsExecution
from positions.selectors import find_by_transaction
from positions.services.alarms import compare_protection, compare_trade
from positions.services.ledger import abandon_execution, move_execution
from positions.services.placement import Placement, read_placement
from positions.services.searching import find_settlement
from positions.services.settlement import Settlement
from relay import services as relay
from relay.models import OutboundTransaction

logger = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
OVERDUE_AFTER = timedelta(seconds=15)
"""The oracle answers within seconds, with a tail of ten; later an order may have been taken back, or may have to be."""

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


def wait_for_outcome(
    *, execution: PerpsExecution, deadline: float, step: Callable[[UUID], PerpsExecution] | None = None
) -> PerpsExecution:
    """`step` (`advance_execution` unless given) until the row is final or `time.monotonic()` reaches `deadline`."""
    while not execution.is_final and time.monotonic() + POLL_SECONDS < deadline:
        execution = step(execution.pk) if step else advance_execution(execution_id=execution.pk)
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


def _reflect_receipt(execution: PerpsExecution, transaction: OutboundTransaction) -> PerpsExecution:
    receipt = composition.arbitrum(Network(execution.network)).receipt(TxHash(transaction.mined_hash))
    if receipt is None or not receipt.succeeded:
        return execution
    placement = read_placement(execution=execution, receipt=receipt)
    if placement is None:
        # A success without our event means that the venue's code is not what we know: a person has to look.
        logger.error("placement_event_missing", execution_id=str(execution.pk), tx_hash=receipt.tx_hash)
        return execution
    compare_trade(execution=execution, found=placement.trade_id)
    return _write_placement(execution, receipt, placement, transaction.vanished)


@in_one_unit
def _write_placement(
    execution: PerpsExecution, receipt: Receipt, placement: Placement, vanished: int
) -> PerpsExecution:
    """MINED, and SETTLED with it where the receipt is the end.

    Both or none: between the two, a reclaim would find its own event and take itself for an order that was paid back.
    """
    row = move_execution(
        execution_id=execution.pk,
        to=ExecutionState.MINED,
        reason="receipt with status 1",
        evidence={"block": receipt.block_number, "blockHash": receipt.block_hash, "gasUsed": receipt.gas_used},
        order_id=placement.order_id,
        trade_id=placement.trade_id or execution.trade_id,
        tx_hash=receipt.tx_hash,
        vanished=vanished,
    )
    if placement.result is None or row.state != ExecutionState.MINED:
        return row
    return move_execution(
        execution_id=row.pk, to=ExecutionState.SETTLED, reason="settled by its receipt", result=dict(placement.result)
    )


def _settle(execution: PerpsExecution) -> PerpsExecution:
    transaction = execution.transaction
    if transaction is None or transaction.block_number is None:
        return execution
    try:
        if not execution.order_id.isdigit():
            # No oracle is asked for it: the receipt has the result, or another execution will have it.
            return _reflect_receipt(execution, transaction)
        settlement = find_settlement(
            execution=execution, from_block=transaction.block_number, may_be_reclaimed=is_overdue(execution)
        )
    except GatewayError as error:
        _log_trouble(execution, error)
        return execution
    return execution if settlement is None else _end(execution, settlement)


def _end(execution: PerpsExecution, settlement: Settlement) -> PerpsExecution:
    to = ExecutionState.CANCELLED if settlement.cancel_reason else ExecutionState.SETTLED
    compare_protection(execution=execution, settlement=settlement)
    return move_execution(
        execution_id=execution.pk,
        to=to,
        reason=settlement.cancel_reason or "settled by the oracle",
        evidence=_describe_evidence(execution, settlement),
        result=dict(settlement.result),
        trade_id=settlement.trade_id,
        settlement_tx_hash=settlement.log.tx_hash,
        settlement_block=settlement.log.block_number,
        settlement_block_hash=settlement.log.block_hash,
    )


def _describe_evidence(execution: PerpsExecution, settlement: Settlement) -> dict[str, Any]:
    """The transaction that ended the order, with its block, and the execution of ours that it was, if it was one."""
    log = settlement.log
    told = {"txHash": log.tx_hash, "block": log.block_number, "blockHash": log.block_hash}
    if settlement.cancel_reason != RECLAIMED:
        return told
    reclaim = find_by_transaction(network=Network(execution.network), tx_hash=log.tx_hash)
    return told if reclaim is None else {**told, "executionId": str(reclaim.pk)}


def is_overdue(execution: PerpsExecution) -> bool:
    """Whether the oracle has had its time and more."""
    return execution.mined_at is not None and timezone.now() - execution.mined_at > OVERDUE_AFTER


def _log_trouble(execution: PerpsExecution, error: GatewayError) -> None:
    logger.warning(
        "execution_step_failed", execution_id=str(execution.pk), system=error.system.value, token=error.token
    )

"""What a caller is told about an execution."""

from collections.abc import Mapping
from typing import Any

from ostium_service.http import errors
from ostium_service.moments import format_time
from ostium_service.types import Network
from positions.models import ExecutionState, PerpsExecution

STATUSES: Mapping[str, str] = {
    ExecutionState.SIGNED: "submitted",
    ExecutionState.SENT: "submitted",
    ExecutionState.MINED: "mined",
    ExecutionState.SETTLED: "settled",
}
FAILURES: Mapping[str, type[errors.ServiceError]] = {
    ExecutionState.CANCELLED: errors.OrderCancelled,
    ExecutionState.REVERTED: errors.TxReverted,
    ExecutionState.EXPIRED: errors.ExecutionExpired,
}


def describe_outcome(*, execution: PerpsExecution, replayed: bool = False) -> dict[str, Any]:
    """The answer fields of a write as they are known now.

    Raises OrderCancelled, TxReverted or ExecutionExpired for one known to have failed.
    """
    failure = FAILURES.get(execution.state)
    if failure is not None:
        raise failure(
            details={
                "executionId": str(execution.pk),
                "txHash": execution.tx_hash,
                "reason": execution.reason,
            },
            headers={"Idempotency-Replayed": "true"} if replayed else None,
        )
    return {
        "executionId": str(execution.pk),
        "status": STATUSES[execution.state],
        **describe_chain(execution),
        "orderId": execution.order_id or None,
        "network": execution.network,
        "traderAddress": execution.trader_address,
        "delegateAddress": execution.delegate_address,
        **_complete_terms(execution),
        "result": execution.result,
    }


def describe_chain(execution: PerpsExecution) -> dict[str, Any]:
    """The transaction's hash, twice under its two names, and the chain it is on."""
    network = Network(execution.network)
    tx_hash = execution.tx_hash or None
    return {"txHash": tx_hash, "transactionHash": tx_hash, "chain": network.chain, "chainId": network.chain_id}


def describe_execution(*, execution: PerpsExecution) -> dict[str, Any]:
    """The ledger's row with its whole story, for `executions/get`."""
    return {
        "executionId": str(execution.pk),
        "operation": execution.operation,
        "status": STATUSES.get(execution.state, execution.state.lower()),
        "network": execution.network,
        "traderAddress": execution.trader_address,
        "delegateAddress": execution.delegate_address or None,
        **describe_chain(execution),
        "orderId": execution.order_id or execution.terms.get("orderId"),
        "tradeId": execution.trade_id or None,
        "request": execution.request,
        "terms": execution.terms,
        "result": execution.result,
        "error": _describe_error(execution),
        "createdAt": format_time(execution.created_at),
        "signedAt": format_time(execution.signed_at),
        "sentAt": format_time(execution.sent_at),
        "minedAt": format_time(execution.mined_at),
        "endedAt": format_time(execution.ended_at),
        "events": [
            {"state": event.to_state.lower(), "at": format_time(event.at), "reason": event.reason}
            for event in execution.events.all()
        ],
    }


def _complete_terms(execution: PerpsExecution) -> dict[str, Any]:
    """The operation's fields; one that was not known when signed comes from the result."""
    result = execution.result or {}
    return {name: result.get(name) if value is None else value for name, value in execution.terms.items()}


def _describe_error(execution: PerpsExecution) -> dict[str, str] | None:
    failure = FAILURES.get(execution.state)
    code = execution.error_code or (failure.code if failure is not None else "")
    return {"code": code, "reason": execution.reason} if code else None

"""What became of an order, by any of its three names."""

import re
from typing import Any

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import (
    REQ_ID_PENDING_MARKET_ORDER,
)
from ostium_service.http import errors
from ostium_service.parallel import gather
from ostium_service.types import Address, Network
from positions.models import ExecutionState, PerpsExecution
from positions.selectors import find_by_order, was_cancelled
from positions.services.limit_orders import LIMIT_PREFIX, parse_slot_name, read_resting_order
from positions.services.order_views import describe_pending, describe_resting, describe_row, describe_trade

_NUMBER = re.compile(r"[0-9]{1,20}")
STATUSES = {
    ExecutionState.MINED: "pending",
    ExecutionState.SETTLED: "executed",
    ExecutionState.CANCELLED: "cancelled",
}


def track_order(*, network: Network, order_id: str) -> dict[str, Any]:
    """Status, order and trade of a price request (digits), or of a resting order (`limit-<n>`, or the index's name).

    status is pending, executed or cancelled for a price request; open, cancelled (by us) or closed for a resting
    order. Refused with OrderNotFound, or OrderTrackingFailed when neither chain nor index answers.
    """
    ledger = find_by_order(network=network, order_id=order_id)
    try:
        if _NUMBER.fullmatch(order_id):
            found = _track_request(network, int(order_id), ledger)
        else:
            found = _track_resting(network, order_id, ledger)
    except (GatewayError, Reverted) as error:
        raise errors.OrderTrackingFailed(details={"reason": getattr(error, "token", "reverted")}) from error
    return {"network": network, "orderId": order_id, **found, "executionId": str(ledger.pk) if ledger else None}


def _track_request(network: Network, number: int, ledger: PerpsExecution | None) -> dict[str, Any]:
    """The chain knows whether it still waits, the index how it ended, our own row what it was while the index lags."""
    storage = composition.contract_addresses(network).trading_storage
    call = Call(to=storage, data=REQ_ID_PENDING_MARKET_ORDER.encode(number))
    pending, row = gather(
        lambda: REQ_ID_PENDING_MARKET_ORDER.decode(composition.arbitrum(network).call(call)),
        lambda: composition.subgraph(network).order(number),
    )
    if pending is not None:
        return {"status": "pending", "order": describe_pending(number, pending), "trade": None}
    if row is not None and not row.is_pending:
        trade = None if row.trade_id is None else composition.subgraph(network).trade(row.trade_id)
        return {
            "status": "cancelled" if row.is_cancelled else "executed",
            "order": describe_row(row),
            "trade": describe_trade(trade),
        }
    if ledger is None or ledger.state not in STATUSES:
        raise errors.OrderNotFound
    return {"status": STATUSES[ExecutionState(ledger.state)], "order": _describe_ledger(ledger), "trade": None}


def _track_resting(network: Network, order_id: str, ledger: PerpsExecution | None) -> dict[str, Any]:
    slot = parse_slot_name(order_id)
    number = None
    if slot is None:
        if ledger is None or ledger.pair_id is None or ledger.result is None:
            raise errors.OrderNotFound
        slot = (Address(ledger.trader_address), ledger.pair_id, int(ledger.result["tradeIndex"]))
        number = int(order_id.removeprefix(LIMIT_PREFIX))
    resting = read_resting_order(network=network, trader=slot[0], pair_id=slot[1], index=slot[2])
    if resting is not None and number in {None, resting.number}:
        return {
            "status": "open",
            "order": {**describe_resting(resting), "traderAddress": resting.order.trader},
            "trade": None,
        }
    if ledger is None:
        raise errors.OrderNotFound
    is_cancelled = was_cancelled(network=network, trader=ledger.trader_address, order_id=ledger.order_id)
    return {"status": "cancelled" if is_cancelled else "closed", "order": _describe_ledger(ledger), "trade": None}


def _describe_ledger(execution: PerpsExecution) -> dict[str, Any]:
    return {
        "orderId": execution.order_id,
        "tradeId": execution.trade_id or None,
        "orderAction": execution.operation.capitalize(),
        "traderAddress": execution.trader_address,
        **execution.terms,
        "cancelReason": execution.reason or None,
        "result": execution.result,
        "initiatedTx": execution.tx_hash,
    }

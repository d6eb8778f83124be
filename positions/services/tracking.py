"""What became of an order, by any of its three names."""

import re
from dataclasses import dataclass
from typing import Any

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import REQ_ID_PENDING_MARKET_ORDER
from ostium_service.gateways.ostium_subgraph import LimitRow, OrderRow, TradeRow
from ostium_service.http import errors
from ostium_service.parallel import gather
from ostium_service.types import Address, Network
from positions.models import ExecutionState, PerpsExecution
from positions.selectors import find_by_order, was_cancelled
from positions.services.limit_orders import LIMIT_PREFIX, parse_limit_name, parse_slot_name, read_resting_order
from positions.services.order_views import (
    describe_limit,
    describe_pending,
    describe_resting,
    describe_row,
    describe_trade,
)

_NUMBER = re.compile(r"[0-9]{1,20}")
STATUSES = {
    ExecutionState.MINED: "pending",
    ExecutionState.SETTLED: "executed",
    ExecutionState.CANCELLED: "cancelled",
}


def track_order(*, network: Network, order_id: str) -> dict[str, Any]:
    """Status, order and trade of a price request (digits), or of a resting order (`limit-<n>`, or the index's name).

    status is pending, executed or cancelled for a price request; open, cancelled (by us) or closed for a resting
    order, whoever placed it. Refused with OrderNotFound, or OrderTrackingFailed when those who may know of it do not
    answer.
    """
    try:
        if _NUMBER.fullmatch(order_id):
            ledger = find_by_order(network=network, order_id=order_id)
            found = _track_request(network, int(order_id), ledger)
        else:
            ledger, found = _track_resting(network, order_id)
    except (GatewayError, Reverted) as error:
        raise errors.OrderTrackingFailed(details={"reason": getattr(error, "token", "reverted")}) from error
    return {"network": network, "orderId": order_id, **found, "executionId": str(ledger.pk) if ledger else None}


def _track_request(network: Network, number: int, ledger: PerpsExecution | None) -> dict[str, Any]:
    """The chain knows whether it still waits, the index how it ended, our own row what it was while the index lags."""
    storage = composition.contract_addresses(network).trading_storage
    call = Call(to=storage, data=REQ_ID_PENDING_MARKET_ORDER.encode(number))
    pending, told = gather(
        lambda: REQ_ID_PENDING_MARKET_ORDER.decode(composition.arbitrum(network).call(call)),
        lambda: _ask_index(network, number),
    )
    if pending is not None:
        return {"status": "pending", "order": describe_pending(number, pending), "trade": None}
    if isinstance(told, Ended):
        return {
            "status": "cancelled" if told.row.is_cancelled else "executed",
            "order": describe_row(told.row),
            "trade": describe_trade(told.trade),
        }
    if ledger is not None and ledger.state in STATUSES:
        return {"status": STATUSES[ExecutionState(ledger.state)], "order": _describe_ledger(ledger), "trade": None}
    if isinstance(told, GatewayError):
        raise told
    if told is None:
        raise errors.OrderNotFound
    # A trigger's request waits too, but is no market order; of a market order it is the index that lags.
    return {"status": "pending", "order": describe_row(told), "trade": None}


@dataclass(frozen=True, slots=True)
class Ended:
    """A price request that has been answered, with its position as far as the index knows it."""

    row: OrderRow
    trade: TradeRow | None


def _ask_index(network: Network, number: int) -> Ended | OrderRow | GatewayError | None:
    """What the index has of a request; its failure is handed back, since the others may know enough."""
    index = composition.subgraph(network)
    try:
        row = index.order(number)
        if row is None or row.is_pending:
            return row
        return Ended(row, None if row.trade_id is None else index.trade(row.trade_id))
    except GatewayError as error:
        return error


def _track_resting(network: Network, order_id: str) -> tuple[PerpsExecution | None, dict[str, Any]]:
    """By our own row, else by the index's, to the slot; what the slot holds now only the chain says."""
    ledger = find_by_order(network=network, order_id=order_id)
    slot, number, row = parse_slot_name(order_id), None, None
    if slot is None:
        number = parse_limit_name(order_id)
        slot, row = _find_slot(network, number, ledger)
    resting = read_resting_order(network=network, trader=slot[0], pair_id=slot[1], index=slot[2])
    if resting is not None and number in {None, resting.number}:
        order = {**describe_resting(resting), "traderAddress": resting.order.trader}
        made = ledger or find_by_order(network=network, order_id=resting.order_id)
        return made, {"status": "open", "order": order, "trade": None}
    if ledger is None and row is None:
        row = composition.subgraph(network).limit(*slot)
        if row is None or row.unique_id is None:
            raise errors.OrderNotFound
        ledger = find_by_order(network=network, order_id=f"{LIMIT_PREFIX}{row.unique_id}")
    return ledger, _describe_ended(network, ledger, row)


def _find_slot(
    network: Network, number: int | None, ledger: PerpsExecution | None
) -> tuple[tuple[Address, int, int], LimitRow | None]:
    """Trader, pair and index of the order with the contract's number; OrderNotFound when nobody knows of it."""
    if ledger is not None and ledger.pair_id is not None and ledger.result is not None:
        return (Address(ledger.trader_address), ledger.pair_id, int(ledger.result["tradeIndex"])), None
    row = None if number is None else composition.subgraph(network).limit_by_number(number)
    if row is None:
        raise errors.OrderNotFound
    return (row.trader, row.pair_id, row.index), row


def _describe_ended(network: Network, ledger: PerpsExecution | None, row: LimitRow | None) -> dict[str, Any]:
    if ledger is None:
        assert row is not None  # noqa: S101  one of the two has named the order
        return {"status": "closed", "order": describe_limit(row), "trade": None}
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

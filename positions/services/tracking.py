"""What became of an order, by any of its three names."""

import re
from datetime import UTC, datetime
from typing import Any

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import (
    REQ_ID_PENDING_MARKET_ORDER,
    OrderType,
    PendingMarketOrder,
)
from ostium_service.gateways.ostium_subgraph import OrderRow, TradeRow
from ostium_service.http import errors
from ostium_service.money import LEVERAGE_DECIMALS, PERCENT_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, Network
from positions.models import ExecutionState, PerpsExecution
from positions.selectors import find_by_order
from positions.services.answers import format_time
from positions.services.limit_orders import LIMIT_PREFIX, RestingOrder, parse_slot_name, read_resting_order

_NUMBER = re.compile(r"[0-9]{1,20}")
STATUSES = {
    ExecutionState.MINED: "pending",
    ExecutionState.SETTLED: "executed",
    ExecutionState.CANCELLED: "cancelled",
}


def track_order(*, network: Network, order_id: str) -> dict[str, Any]:
    """Status, order and trade of a price request (digits), or of a resting order (`limit-<n>`, or the index's name).

    status is pending, executed or cancelled for a price request; open or closed for a resting order. Refused with
    OrderNotFound, or OrderTrackingFailed when neither chain nor index answers.
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
        return {"status": "pending", "order": _describe_pending(number, pending), "trade": None}
    if row is not None and not row.is_pending:
        trade = None if row.trade_id is None else composition.subgraph(network).trade(row.trade_id)
        return {
            "status": "cancelled" if row.is_cancelled else "executed",
            "order": _describe_row(row),
            "trade": _describe_trade(trade),
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
        return {"status": "open", "order": _describe_resting(resting), "trade": None}
    if ledger is None:
        raise errors.OrderNotFound
    return {"status": "closed", "order": _describe_ledger(ledger), "trade": None}


def _describe_pending(number: int, pending: PendingMarketOrder) -> dict[str, Any]:
    return {
        "orderId": str(number),
        "orderAction": "Close" if pending.percentage else "Open",
        "traderAddress": pending.trade.trader,
        "pairId": pending.trade.pair_id,
        "price": units_string(pending.wanted_price, PRICE_DECIMALS),
        "collateral": units_string(pending.trade.collateral, USDC_DECIMALS) if pending.trade.collateral else None,
        "closePercentage": units_string(pending.percentage, PERCENT_DECIMALS) if pending.percentage else None,
        "requestBlock": pending.block,
    }


def _describe_row(row: OrderRow) -> dict[str, Any]:
    return {
        "orderId": str(row.id),
        "tradeId": None if row.trade_id is None else str(row.trade_id),
        "limitId": row.limit_id,
        "orderType": row.order_type,
        "orderAction": row.order_action,
        "traderAddress": row.trader,
        "pairId": row.pair_id,
        "side": "long" if row.is_buy else "short",
        "cancelReason": row.cancel_reason,
        "price": _optional(row.price_after_impact or row.price, PRICE_DECIMALS),
        "collateral": units_string(row.collateral, USDC_DECIMALS),
        "leverage": units_string(row.leverage, LEVERAGE_DECIMALS),
        "closePercentage": _optional(row.close_percent, PERCENT_DECIMALS),
        "usdcSentToTrader": _optional(row.amount_sent_to_trader, USDC_DECIMALS),
        "initiatedAt": _format_seconds(row.initiated_at),
        "executedAt": _format_seconds(row.executed_at),
        "initiatedTx": row.initiated_tx,
        "executedTx": row.executed_tx,
    }


def _describe_trade(trade: TradeRow | None) -> dict[str, Any] | None:
    if trade is None:
        return None
    return {
        "tradeId": str(trade.trade_id),
        "pairId": trade.pair_id,
        "tradeIndex": trade.index,
        "side": "long" if trade.is_buy else "short",
        "isOpen": trade.is_open,
        "collateral": units_string(trade.collateral, USDC_DECIMALS),
        "leverage": units_string(trade.leverage, LEVERAGE_DECIMALS),
        "openPrice": units_string(trade.open_price, PRICE_DECIMALS),
        "closePrice": _optional(trade.close_price, PRICE_DECIMALS),
        "slPrice": _optional(trade.stop_loss_price or None, PRICE_DECIMALS),
        "tpPrice": _optional(trade.take_profit_price or None, PRICE_DECIMALS),
        "openedAt": _format_seconds(trade.timestamp),
    }


def _describe_resting(resting: RestingOrder) -> dict[str, Any]:
    order = resting.order
    return {
        "orderId": f"{LIMIT_PREFIX}{resting.number}",
        "orderType": OrderType(order.order_type).name.lower(),
        "traderAddress": order.trader,
        "pairId": order.pair_id,
        "tradeIndex": order.index,
        "side": "long" if order.is_long else "short",
        "triggerPrice": units_string(order.target_price, PRICE_DECIMALS),
        "collateral": units_string(order.collateral, USDC_DECIMALS),
        "leverage": units_string(order.leverage, LEVERAGE_DECIMALS),
        "slPrice": _optional(order.stop_loss or None, PRICE_DECIMALS),
        "tpPrice": _optional(order.take_profit or None, PRICE_DECIMALS),
        "createdAt": _format_seconds(order.created_at),
    }


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


def _optional(units: int | None, decimals: int) -> str | None:
    return None if units is None else units_string(units, decimals)


def _format_seconds(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(datetime.fromtimestamp(seconds, tz=UTC))

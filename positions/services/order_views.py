"""Orders as callers see them."""

from typing import Any

from ostium_service.gateways.ostium_contracts import OrderType, PendingMarketOrder
from ostium_service.gateways.ostium_subgraph import LimitRow, OrderRow, TradeRow
from ostium_service.moments import format_seconds
from ostium_service.money import LEVERAGE_DECIMALS, PERCENT_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, units_string
from positions.services.limit_orders import LIMIT_PREFIX, RestingOrder


def describe_resting(resting: RestingOrder) -> dict[str, Any]:
    """A resting limit or stop order. A stop-loss or take-profit that is unset is null."""
    order = resting.order
    return {
        "orderId": resting.order_id,
        "pairId": order.pair_id,
        "tradeIndex": order.index,
        "side": "long" if order.is_long else "short",
        "orderType": OrderType(order.order_type).name.lower(),
        "triggerPrice": units_string(order.target_price, PRICE_DECIMALS),
        "collateral": units_string(order.collateral, USDC_DECIMALS),
        "leverage": units_string(order.leverage, LEVERAGE_DECIMALS),
        "slPrice": units_string(order.stop_loss, PRICE_DECIMALS) if order.stop_loss else None,
        "tpPrice": units_string(order.take_profit, PRICE_DECIMALS) if order.take_profit else None,
        "createdAt": format_seconds(order.created_at),
    }


def describe_pending(number: int, pending: PendingMarketOrder) -> dict[str, Any]:
    """A market order that waits for the oracle; of a close the contract keeps the slot only."""
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


def describe_row(row: OrderRow) -> dict[str, Any]:
    """A price request as the index has it."""
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
        "initiatedAt": format_seconds(row.initiated_at),
        "executedAt": format_seconds(row.executed_at),
        "initiatedTx": row.initiated_tx,
        "executedTx": row.executed_tx,
    }


def describe_limit(row: LimitRow) -> dict[str, Any]:
    """A limit or stop order as the index has it; whether it is a limit or a stop its own word tells."""
    return {
        "orderId": None if row.unique_id is None else f"{LIMIT_PREFIX}{row.unique_id}",
        "pairId": row.pair_id,
        "tradeIndex": row.index,
        "side": "long" if row.is_buy else "short",
        "orderType": row.limit_type.lower(),
        "triggerPrice": units_string(row.open_price, PRICE_DECIMALS),
        "collateral": units_string(row.collateral, USDC_DECIMALS),
        "leverage": units_string(row.leverage, LEVERAGE_DECIMALS),
        "slPrice": _optional(row.stop_loss_price or None, PRICE_DECIMALS),
        "tpPrice": _optional(row.take_profit_price or None, PRICE_DECIMALS),
        "createdAt": format_seconds(row.initiated_at),
        "traderAddress": row.trader,
    }


def describe_trade(trade: TradeRow | None) -> dict[str, Any] | None:
    """A position as the index has it, open or closed."""
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
        "openedAt": format_seconds(trade.timestamp),
    }


def _optional(units: int | None, decimals: int) -> str | None:
    return None if units is None else units_string(units, decimals)

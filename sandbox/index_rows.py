"""Rows of trades, limits and orders for the index, built from decoded chain data."""

from collections.abc import Mapping
from typing import Any

from sandbox.entities import CLOSE_ACTIONS, OPEN_ORDER_TYPES
from sandbox.node import BlockHead

Row = Mapping[str, Any]
UNITS_PER_USDC = 10**12
"""From USDC (1e6) to base units (1e18)."""
ONE = 10**18
IMPACT_TO_PERCENT = 10**16
"""Events carry the impact as 1e18 per 1 %, orders as 1e2 per 1 %."""
PROFIT_TO_PERCENT = 10**4
"""Events carry the profit as 1e6 per 1 %, orders as 1e2 per 1 %."""
WHOLE = 10_000
NO_BUILDER = "0x0000000000000000000000000000000000000000"


def to_notional(*, collateral: int, leverage: int) -> int:
    """USDC 1e6 of a position: collateral x leverage."""
    return collateral * leverage // 100


def to_base_units(*, notional: int, price: int) -> int:
    """Base units (1e18) of a notional (1e6) at a price (1e18)."""
    return notional * UNITS_PER_USDC * ONE // price if price else 0


def cut_toward_zero(value: int, divisor: int) -> int:
    """Division that treats gains and losses alike."""
    return value // divisor if value >= 0 else -(-value // divisor)


def builder_fields(builder: Row | None) -> dict[str, Any]:
    """Builder and fee (1e6 per 1 %), or neither."""
    if builder is None or builder["builder"] == NO_BUILDER:
        return {"builder": None, "builderFee": None}
    return {"builder": builder["builder"].lower(), "builderFee": builder["builderFee"]}


def limit_key(*, trader: str, pair: int, index: int) -> str:
    """The id of a limit row."""
    return f"{trader.lower()}_{pair}_{index}"


def to_trade(
    *, order_id: int, trade: Row, base_units: int, kind: str, block: BlockHead, initial: Row, builder: Row
) -> Row:
    """A position that was just opened; `initial` holds its accumulators at open."""
    sign = -1 if initial["isRolloverSignNegative"] else 1
    return {
        "id": str(order_id),
        "tradeID": order_id,
        "trader": trade["trader"].lower(),
        "index": trade["index"],
        "tradeType": kind,
        "isOpen": True,
        "isBuy": trade["buy"],
        "isDayTrade": trade["isDayTrade"],
        "collateral": trade["collateral"],
        "notional": to_notional(collateral=trade["collateral"], leverage=trade["leverage"]),
        "tradeNotional": base_units,
        "leverage": trade["leverage"],
        "highestLeverage": trade["leverage"],
        "openPrice": trade["openPrice"],
        "closePrice": None,
        "takeProfitPrice": trade["tp"],
        "stopLossPrice": trade["sl"],
        "funding": initial["funding"],
        "rollover": sign * initial["rollover"],
        "closeInitiated": False,
        "timestamp": block.timestamp,
        "pair": str(trade["pairIndex"]),
        **builder,
    }


def to_limit(*, trade: Row, order_type: int, unique_id: int, block: BlockHead, builder: Mapping[str, Any]) -> Row:
    """A limit or stop order that was just placed."""
    notional = to_notional(collateral=trade["collateral"], leverage=trade["leverage"])
    return {
        "id": limit_key(trader=trade["trader"], pair=trade["pairIndex"], index=trade["index"]),
        "uniqueId": unique_id,
        "orderId": None,
        "trader": trade["trader"].lower(),
        "index": trade["index"],
        "limitType": OPEN_ORDER_TYPES[order_type],
        "isActive": True,
        "isBuy": trade["buy"],
        "isDayTrade": trade["isDayTrade"],
        "collateral": trade["collateral"],
        "leverage": trade["leverage"],
        "notional": notional,
        "tradeNotional": to_base_units(notional=notional, price=trade["openPrice"]),
        "openPrice": trade["openPrice"],
        "takeProfitPrice": trade["tp"],
        "stopLossPrice": trade["sl"],
        "initiatedAt": block.timestamp,
        "updatedAt": block.timestamp,
        "block": block.number,
        "executionStarted": False,
        "pair": str(trade["pairIndex"]),
        **builder,
    }


def to_pending_order(*, order_id: int, block: BlockHead, transaction_hash: str, fields: Row) -> Row:
    """An order whose price was just requested. `fields` says what kind, whose and how much."""
    return {
        "id": str(order_id),
        "tradeID": None,
        "limitID": None,
        "isDayTrade": False,
        "isPending": True,
        "isCancelled": False,
        "cancelReason": None,
        "priceAfterImpact": None,
        "priceImpactP": None,
        "closePercent": None,
        "profitPercent": None,
        "totalProfitPercent": None,
        "amountSentToTrader": None,
        "devFee": 0,
        "vaultFee": 0,
        "oracleFee": 0,
        "liquidationFee": 0,
        "fundingFee": 0,
        "rolloverFee": 0,
        "closeFee": 0,
        "builder": None,
        "builderFee": None,
        "initiatedAt": block.timestamp,
        "executedAt": None,
        "initiatedTx": transaction_hash,
        "executedTx": None,
        "initiatedBlock": block.number,
        "executedBlock": None,
        **fields,
    }


def size_fields(row: Row, *, percent: int = WHOLE) -> dict[str, Any]:
    """The size of an order on a trade or limit row, or on `percent` (1e2) of it."""
    return {
        "trader": row["trader"],
        "pair": row["pair"],
        "isBuy": row["isBuy"],
        "isDayTrade": row["isDayTrade"],
        "leverage": row["leverage"],
        "collateral": row["collateral"] * percent // WHOLE,
        "notional": row["notional"] * percent // WHOLE,
        "tradeNotional": row["tradeNotional"] * percent // WHOLE,
    }


def settled_fields(*, block: BlockHead, transaction_hash: str) -> dict[str, Any]:
    """When and where an order was answered."""
    return {
        "isPending": False,
        "executedAt": block.timestamp,
        "executedTx": transaction_hash,
        "executedBlock": block.number,
    }


def close_result(*, event: Row, collateral: int, sent: int) -> dict[str, Any]:
    """What a close came to; `collateral` is the share that was closed, `sent` what the trader got (1e6)."""
    total = cut_toward_zero((sent - collateral) * WHOLE, collateral) if collateral else 0
    return {
        "priceAfterImpact": event["price"],
        "priceImpactP": event["priceImpactP"] // IMPACT_TO_PERCENT,
        "profitPercent": cut_toward_zero(event["percentProfit"], PROFIT_TO_PERCENT),
        "totalProfitPercent": total,
        "amountSentToTrader": sent,
    }


def close_action(kind: int) -> str:
    """The order action of a trigger type."""
    return CLOSE_ACTIONS[kind]

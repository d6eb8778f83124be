"""The index's entities and their fields, as the venue's subgraph names them.

A field is scaled as the chain scales it; the exceptions are percentages of orders (see `index_orders`). Every number
leaves as a string. The schema in `subgraph` is generated from this table.
"""

from collections.abc import Mapping

PAIR_FIELDS = (
    "id: ID! from: String! to: String! feed: Bytes! overnightMaxLeverage: BigInt! maxLeverage: BigInt! "
    "longOI: BigInt! shortOI: BigInt! maxOI: BigInt! makerFeeP: BigInt! takerFeeP: BigInt! makerMaxLeverage: BigInt! "
    "curFundingLong: BigInt! curFundingShort: BigInt! curRollover: BigInt! totalOpenTrades: BigInt! "
    "totalOpenLimitOrders: BigInt! accRollover: BigInt! lastRolloverBlock: BigInt! rolloverFeePerBlock: BigInt! "
    "accRolloverLong: BigInt! accRolloverShort: BigInt! lastRolloverLongPure: BigInt! brokerPremium: BigInt! "
    "isNegativeRolloverAllowed: Boolean! accFundingLong: BigInt! accFundingShort: BigInt! lastFundingBlock: BigInt! "
    "maxFundingFeePerBlock: BigInt! lastFundingRate: BigInt! hillInflectionPoint: BigInt! hillPosScale: BigInt! "
    "hillNegScale: BigInt! springFactor: BigInt! sFactorUpScaleP: BigInt! sFactorDownScaleP: BigInt! "
    "lastTradePrice: BigInt! spreadP: BigInt! buyVolume: BigInt! sellVolume: BigInt! decayRate: BigInt! "
    "netVolThreshold: BigInt! priceImpactK: BigInt! lastUpdateTimestamp: BigInt! group: Group! fee: Fee!"
)

GROUP_FIELDS = (
    "id: ID! name: String! minLeverage: BigInt! maxLeverage: BigInt! maxCollateralP: BigInt! "
    "longCollateral: BigInt! shortCollateral: BigInt!"
)

FEE_FIELDS = "id: ID! name: String! minLevPos: BigInt! oracleFee: BigInt! liqFeeP: BigInt!"

META_DATA_FIELDS = (
    "id: ID! liqMarginThresholdP: BigInt! maxNegativePnlOnOpenP: BigInt! isTradingPaused: Boolean! "
    "isCallbackPaused: Boolean! totalTrades: BigInt! totalUsers: BigInt!"
)

TRADE_FIELDS = (
    "id: ID! tradeID: BigInt! trader: Bytes! index: BigInt! tradeType: String! isOpen: Boolean! isBuy: Boolean! "
    "isDayTrade: Boolean! collateral: BigInt! notional: BigInt! tradeNotional: BigInt! leverage: BigInt! "
    "highestLeverage: BigInt! openPrice: BigInt! closePrice: BigInt takeProfitPrice: BigInt! stopLossPrice: BigInt! "
    "funding: BigInt! rollover: BigInt! closeInitiated: Boolean! timestamp: BigInt! builder: Bytes builderFee: BigInt "
    "pair: Pair!"
)

LIMIT_FIELDS = (
    "id: ID! uniqueId: BigInt! orderId: BigInt trader: Bytes! index: BigInt! limitType: String! isActive: Boolean! "
    "isBuy: Boolean! isDayTrade: Boolean! collateral: BigInt! leverage: BigInt! notional: BigInt! "
    "tradeNotional: BigInt! openPrice: BigInt! takeProfitPrice: BigInt! stopLossPrice: BigInt! initiatedAt: BigInt! "
    "updatedAt: BigInt! block: BigInt! executionStarted: Boolean! builder: Bytes builderFee: BigInt pair: Pair!"
)

ORDER_FIELDS = (
    "id: ID! tradeID: BigInt limitID: String trader: Bytes! orderType: String! orderAction: String! isBuy: Boolean! "
    "isDayTrade: Boolean! isPending: Boolean! isCancelled: Boolean! cancelReason: String price: BigInt! "
    "priceAfterImpact: BigInt priceImpactP: BigInt collateral: BigInt! notional: BigInt! tradeNotional: BigInt! "
    "leverage: BigInt! closePercent: BigInt profitPercent: BigInt totalProfitPercent: BigInt "
    "amountSentToTrader: BigInt devFee: BigInt! vaultFee: BigInt! oracleFee: BigInt! liquidationFee: BigInt! "
    "fundingFee: BigInt! rolloverFee: BigInt! closeFee: BigInt! builder: Bytes builderFee: BigInt "
    "initiatedAt: BigInt! executedAt: BigInt initiatedTx: Bytes! executedTx: Bytes initiatedBlock: BigInt! "
    "executedBlock: BigInt pair: Pair!"
)


def split_fields(text: str) -> dict[str, str]:
    """`name: Type` pairs of one of the tables above."""
    words = text.split()
    return {name.removesuffix(":"): kind for name, kind in zip(words[::2], words[1::2], strict=True)}


# GraphQL type -> (single query, list query, fields)
ENTITIES: Mapping[str, tuple[str, str, dict[str, str]]] = {
    "Pair": ("pair", "pairs", split_fields(PAIR_FIELDS)),
    "Group": ("group", "groups", split_fields(GROUP_FIELDS)),
    "Fee": ("fee", "fees", split_fields(FEE_FIELDS)),
    "MetaData": ("metaData", "metaDatas", split_fields(META_DATA_FIELDS)),
    "Trade": ("trade", "trades", split_fields(TRADE_FIELDS)),
    "Limit": ("limit", "limits", split_fields(LIMIT_FIELDS)),
    "Order": ("order", "orders", split_fields(ORDER_FIELDS)),
}

CANCEL_REASONS = (
    "NONE",
    "PAUSED",
    "MARKET_CLOSED",
    "SLIPPAGE",
    "TP_REACHED",
    "SL_REACHED",
    "EXPOSURE_LIMITS",
    "PRICE_IMPACT",
    "MAX_LEVERAGE",
    "NO_TRADE",
    "UNDER_LIQUIDATION",
    "NOT_HIT",
    "GAIN_LOSS",
    "DAY_TRADE_NOT_ALLOWED",
    "CLOSE_DAY_TRADE_NOT_ALLOWED",
    "WRONG_TRADE",
)
"""By the contract's number."""

CLOSE_ACTIONS = ("TakeProfit", "StopLoss", "Liquidation", "Open", "CloseDayTrade", "RemoveCollateral", "Close")
"""Order actions by the contract's trigger type."""

OPEN_ORDER_TYPES = ("Market", "Limit", "Stop")
"""Order types by the contract's number; the texts for limit and stop orders are ours (no captured data shows them)."""

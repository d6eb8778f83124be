// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Shared value types. The order of the members is part of every selector and topic, so it is fixed by the
// public ABI. Scales: USDC 1e6, prices 1e18, leverage 1e2, percentages 1e2 unless a member says otherwise.

enum OpenOrderType {
    MARKET,
    LIMIT,
    STOP
}

/// What may close or lock a position; OPEN locks a resting limit or stop order.
enum LimitOrder {
    TP,
    SL,
    LIQ,
    OPEN,
    CLOSE_DAY_TRADE,
    REMOVE_COLLATERAL,
    PENDING_CLOSE
}

/// Second field of PriceRequestedV2.
enum RequestType {
    MARKET_OPEN,
    MARKET_CLOSE,
    LIMIT_OPEN,
    LIMIT_CLOSE,
    REMOVE_COLLATERAL
}

enum AutomationOrderStatus {
    PENDING_TRIGGER,
    IN_TIMEOUT,
    NO_LIMIT,
    NO_TRADE,
    NO_SL,
    NO_TP,
    SUCCESS,
    PAUSED,
    BACKDATED_EXECUTION
}

enum CancelReason {
    NONE,
    PAUSED,
    MARKET_CLOSED,
    SLIPPAGE,
    TP_REACHED,
    SL_REACHED,
    EXPOSURE_LIMITS,
    PRICE_IMPACT,
    MAX_LEVERAGE,
    NO_TRADE,
    UNDER_LIQUIDATION,
    NOT_HIT,
    GAIN_LOSS,
    DAY_TRADE_NOT_ALLOWED,
    CLOSE_DAY_TRADE_NOT_ALLOWED,
    WRONG_TRADE
}

struct Trade {
    uint256 collateral;
    uint192 openPrice;
    uint192 tp;
    uint192 sl;
    address trader;
    uint32 leverage;
    uint16 pairIndex;
    uint8 index;
    bool buy;
    bool isDayTrade;
}

/// Times are unix seconds; oiNotional is in base units (1e18).
struct TradeInfo {
    uint256 tradeId;
    uint256 oiNotional;
    uint32 initialLeverage;
    uint32 tpLastUpdated;
    uint32 slLastUpdated;
    uint32 createdAt;
    bool deprecatedBeingMarketClosed;
}

struct OpenLimitOrder {
    uint256 collateral;
    uint192 targetPrice;
    uint192 tp;
    uint192 sl;
    address trader;
    uint32 leverage;
    uint32 createdAt;
    uint32 lastUpdated;
    uint16 pairIndex;
    OpenOrderType orderType;
    uint8 index;
    bool buy;
    bool isDayTrade;
}

/// block is the L2 height of the request; percentage (1e2) is 0 for an open.
struct PendingMarketOrderV2 {
    uint256 block;
    uint192 wantedPrice;
    uint32 slippageP;
    Trade trade;
    uint16 percentage;
}

/// tradeId carries the limit order's own id when orderType is OPEN.
struct PendingAutomationOrder {
    address trader;
    uint16 pairIndex;
    uint8 index;
    LimitOrder orderType;
    uint256 tradeId;
}

struct PendingRemoveCollateral {
    uint256 removeAmount;
    address trader;
    uint16 pairIndex;
    uint8 index;
    uint256 tradeId;
}

/// builderFee: 1e6 per 1 % of the notional.
struct BuilderFee {
    address builder;
    uint32 builderFee;
}

struct Group {
    bytes32 name;
    uint32 maxLeverage;
    uint16 minLeverage;
    uint16 maxCollateralP;
}

struct Fee {
    bytes32 name;
    uint64 minLevPos;
    uint64 oracleFee;
    uint16 liqFeeP;
}

struct Pair {
    bytes32 from;
    bytes32 to;
    bytes32 feed;
    uint64 tradeSizeRef;
    uint32 overnightMaxLeverage;
    uint32 maxLeverage;
    uint8 groupIndex;
    uint8 feeIndex;
    string oracle;
}

/// makerFeeP and takerFeeP: 1e6 per 1 % of the notional; vaultFeePercent: plain percent of the fee.
struct PairOpeningFees {
    uint32 makerFeeP;
    uint32 takerFeeP;
    uint32 usageFeeP;
    uint16 utilizationThresholdP;
    uint16 makerMaxLeverage;
    uint8 vaultFeePercent;
}

/// Accumulators and rates are 1e18 per unit of notional; rates are per L2 block.
struct PairRolloverFeesV2 {
    int256 accPerOiLong;
    int256 accPerOiShort;
    int256 lastLongPure;
    uint256 brokerPremium;
    uint64 maxRolloverFeePerBlock;
    uint32 lastUpdateBlock;
    bool isNegativeRolloverAllowed;
}

struct InitialAccFees {
    uint256 rollover;
    int256 funding;
    bool openedAfterUpdate;
    bool isRolloverSignNegative;
}

/// An oracle answer; prices are 0 when the feed said that the market is closed.
struct PriceUpKeepAnswer {
    uint256 orderId;
    int192 price;
    int192 bid;
    int192 ask;
    bool isDayTradingClosed;
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./TradingBase.sol";

/// openTrade, and what may happen to a resting order (facts 2.3). Conditions are tested in the order of the facts.
abstract contract OpenOrders is TradingBase {
    /// 0.5 %, in 1e6 per 1 %.
    uint32 private constant MAX_BUILDER_FEE = 500000;

    event MarketOpenOrderInitiated(uint256 indexed orderId, address indexed trader, uint16 indexed pairIndex);
    event OpenLimitPlacedV2(
        address indexed trader,
        uint16 indexed pairIndex,
        uint8 index,
        Trade trade,
        OpenOrderType orderType,
        BuilderFee builderFee
    );
    event OpenLimitUpdated(
        address indexed trader, uint16 indexed pairIndex, uint8 index, uint192 newPrice, uint192 newTp, uint192 newSl
    );
    event OpenLimitCanceled(address indexed trader, uint16 indexed pairIndex, uint8 index);
    event OracleFeeChargedLimitCancelled(address indexed trader, uint16 pairIndex, uint256 amount);

    error BelowFees();
    error MaxTradesPerPairReached(address trader, uint16 pairIndex);
    error NoLimitFound(address trader, uint16 pairIndex, uint8 index);
    error PairNotListed(uint16 index);

    /// t.trader and t.index are ignored: the trade belongs to the effective sender and gets its index when it is
    /// executed. slippageP: 1e2 percent, 0 for limit and stop. The collateral moves at once.
    function openTrade(Trade calldata t, BuilderFee calldata bf, OpenOrderType orderType, uint256 slippageP)
        external
        notDone
        notPaused
    {
        address trader = _msgSender();
        _requireSaneOrder(t, bf, orderType, slippageP);
        _requireRoom(trader, t.pairIndex);
        _requireSize(t, bf);
        _requireSides(t.openPrice, t.tp, t.sl, t.buy);
        _store().transferUsdc(trader, address(_store()), t.collateral);
        Trade memory stored = t;
        stored.trader = trader;
        stored.isDayTrade = t.isDayTrade && _pairs().pairOvernightMaxLeverage(t.pairIndex) > 0;
        if (orderType == OpenOrderType.MARKET) _placeMarket(stored, bf, slippageP);
        else _placeLimit(stored, bf, orderType);
    }

    /// Pays the collateral back less one oracle fee.
    function cancelOpenLimitOrder(uint16 pairIndex, uint8 index) external {
        address trader = _msgSender();
        OpenLimitOrder memory o = _openLimit(trader, pairIndex, index);
        _requireNoTrigger(trader, pairIndex, index, LimitOrder.OPEN);
        ITradingStorage store = _store();
        store.unregisterOpenLimitOrder(trader, pairIndex, index);
        uint256 fee = _pairs().pairOracleFee(pairIndex);
        if (fee > o.collateral) fee = o.collateral;
        store.handleOracleFee(fee);
        store.transferUsdc(address(store), trader, o.collateral - fee);
        emit OracleFeeChargedLimitCancelled(trader, pairIndex, fee);
        emit OpenLimitCanceled(trader, pairIndex, index);
    }

    /// All three values are overwritten; 0 clears tp or sl.
    function updateOpenLimitOrder(uint16 pairIndex, uint8 index, uint192 price, uint192 tp, uint192 sl) external {
        address trader = _msgSender();
        if (price == 0) revert WrongParams();
        OpenLimitOrder memory o = _openLimit(trader, pairIndex, index);
        _requireSides(price, tp, sl, o.buy);
        _requireNoTrigger(trader, pairIndex, index, LimitOrder.OPEN);
        (o.targetPrice, o.tp, o.sl, o.lastUpdated) = (price, tp, sl, uint32(block.timestamp));
        _store().updateOpenLimitOrder(o);
        emit OpenLimitUpdated(trader, pairIndex, index, price, tp, sl);
    }

    function _requireSaneOrder(
        Trade calldata t,
        BuilderFee calldata bf,
        OpenOrderType orderType,
        uint256 slippageP
    ) private view {
        if (!_pairs().isPairIndexListed(t.pairIndex)) revert PairNotListed(t.pairIndex);
        if (t.openPrice == 0) revert WrongParams();
        bool market = orderType == OpenOrderType.MARKET;
        if (market ? slippageP == 0 || slippageP >= 1e4 : slippageP != 0) revert WrongParams();
        if (bf.builder != address(0) && bf.builderFee > MAX_BUILDER_FEE) revert WrongParams();
    }

    /// Open trades, pending market opens and resting orders share one limit per pair.
    function _requireRoom(address trader, uint16 pairIndex) private view {
        ITradingStorage store = _store();
        uint256 used = uint256(store.openTradesCount(trader, pairIndex))
            + store.pendingMarketOpenCount(trader, pairIndex) + store.openLimitOrdersCount(trader, pairIndex);
        if (used >= store.maxTradesPerPair()) revert MaxTradesPerPairReached(trader, pairIndex);
        if (store.pendingOrderIdsCount(trader) >= store.maxPendingMarketOrders()) {
            revert MaxPendingMarketOrdersReached(trader);
        }
    }

    /// The fee that is tested is always the taker fee, whatever the execution will charge.
    function _requireSize(Trade calldata t, BuilderFee calldata bf) private view {
        IPairsStorage pairs = _pairs();
        if (
            t.leverage == 0 || t.leverage < pairs.pairMinLeverage(t.pairIndex)
                || t.leverage > _maxLeverage(t.pairIndex, t.isDayTrade)
        ) revert WrongLeverage(t.leverage);
        if (t.collateral > maxAllowedCollateral) revert AboveMaxAllowedCollateral();
        uint256 size = TradeMath.notional(t.collateral, t.leverage);
        uint256 fees = size * _infos().pairOpeningFees(t.pairIndex).takerFeeP / 1e6 / 100;
        fees += pairs.pairOracleFee(t.pairIndex);
        if (bf.builder != address(0)) fees += TradeMath.builderFee(size, bf.builderFee);
        if (fees >= t.collateral) revert BelowFees();
        if ((t.collateral - fees) * t.leverage / 100 < pairs.pairMinLevPos(t.pairIndex)) revert BelowMinLevPos();
    }

    function _placeMarket(Trade memory t, BuilderFee calldata bf, uint256 slippageP) private {
        uint192 wantedPrice = t.openPrice;
        (t.openPrice, t.index) = (0, 0);
        uint256 orderId = _router().getPrice(t.pairIndex, RequestType.MARKET_OPEN, block.timestamp);
        PendingMarketOrderV2 memory o =
            PendingMarketOrderV2(ChainUtils.blockNumber(), wantedPrice, uint32(slippageP), t, 0);
        _store().storePendingMarketOrder(o, orderId, true, bf);
        emit MarketOpenOrderInitiated(orderId, t.trader, t.pairIndex);
    }

    function _placeLimit(Trade memory t, BuilderFee calldata bf, OpenOrderType orderType) private {
        ITradingStorage store = _store();
        t.index = store.firstEmptyOpenLimitIndex(t.trader, t.pairIndex);
        OpenLimitOrder memory o;
        (o.collateral, o.targetPrice, o.tp, o.sl) = (t.collateral, t.openPrice, t.tp, t.sl);
        (o.trader, o.leverage, o.pairIndex, o.index) = (t.trader, t.leverage, t.pairIndex, t.index);
        (o.orderType, o.buy, o.isDayTrade) = (orderType, t.buy, t.isDayTrade);
        (o.createdAt, o.lastUpdated) = (uint32(block.timestamp), uint32(block.timestamp));
        store.storeOpenLimitOrder(o, bf);
        emit OpenLimitPlacedV2(t.trader, t.pairIndex, t.index, t, orderType, bf);
    }

    function _openLimit(address trader, uint16 pairIndex, uint8 index) private view returns (OpenLimitOrder memory) {
        ITradingStorage store = _store();
        if (!store.hasOpenLimitOrder(trader, pairIndex, index)) revert NoLimitFound(trader, pairIndex, index);
        return store.getOpenLimitOrder(trader, pairIndex, index);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./CallbacksBase.sol";

/// Opens: market orders, and limit and stop orders fired by the keeper (facts 3.2, 3.3, 3.5).
abstract contract OpeningCallbacks is CallbacksBase {
    event MarketOpenExecuted(uint256 indexed orderId, Trade t, uint256 priceImpactP, uint256 tradeNotional);
    event MarketOpenCanceled(
        uint256 indexed orderId, address indexed trader, uint256 indexed pairIndex, CancelReason cancelReason
    );
    event LimitOpenExecuted(
        uint256 indexed orderId, uint256 limitIndex, Trade t, uint256 priceImpactP, uint256 tradeNotional
    );
    event AutomationOpenOrderCanceled(
        uint256 indexed orderId, address indexed trader, uint256 indexed pairIndex, CancelReason cancelReason
    );
    event DevFeeCharged(uint256 indexed tradeId, address indexed trader, uint256 amount);
    event VaultOpeningFeeCharged(uint256 indexed tradeId, address indexed trader, uint256 amount);
    event BuilderFeeCharged(uint256 indexed tradeId, address indexed trader, address indexed builder, uint256 amount);

    function openTradeMarketCallback(PriceUpKeepAnswer calldata a) external {
        PendingMarketOrderV2 memory o = _store().reqID_pendingMarketOrder(a.orderId);
        if (o.block == 0) return;
        _requirePriceUpKeep(o.trade.pairIndex);
        CancelReason reason = _marketOpenObstacle(o, a);
        if (reason != CancelReason.NONE) _cancelMarketOpen(a.orderId, o.trade, reason);
        else _executeMarketOpen(o.trade, a);
    }

    function executeAutomationOpenOrderCallback(PriceUpKeepAnswer calldata a) external {
        PendingAutomationOrder memory p = _store().reqID_pendingAutomationOrder(a.orderId);
        if (p.trader == address(0)) return;
        _requirePriceUpKeep(p.pairIndex);
        CancelReason reason = _automationOpenObstacle(p, a);
        if (reason != CancelReason.NONE) _cancelAutomationOpen(a.orderId, p, reason);
        else _executeLimitOpen(p, a);
    }

    function _marketOpenObstacle(PendingMarketOrderV2 memory o, PriceUpKeepAnswer memory a)
        private
        view
        returns (CancelReason)
    {
        Trade memory t = o.trade;
        if (!_hasPrices(a)) return CancelReason.MARKET_CLOSED;
        if (t.isDayTrade && a.isDayTradingClosed) return CancelReason.DAY_TRADE_NOT_ALLOWED;
        if (isPaused) return CancelReason.PAUSED;
        uint256 executed = _executionPrice(a, true, t.buy);
        if (TradeMath.slipped(executed, o.wantedPrice, o.slippageP, t.buy)) return CancelReason.SLIPPAGE;
        return _openObstacle(t, a);
    }

    /// Order of checks after the market checks: hit first, then what a market open is tested for.
    function _automationOpenObstacle(PendingAutomationOrder memory p, PriceUpKeepAnswer memory a)
        private
        view
        returns (CancelReason)
    {
        ITradingStorage store = _store();
        if (!store.hasOpenLimitOrder(p.trader, p.pairIndex, p.index)) return CancelReason.NO_TRADE;
        if (store.limitOrderIds(p.trader, p.pairIndex, p.index) != p.tradeId) return CancelReason.WRONG_TRADE;
        OpenLimitOrder memory o = store.getOpenLimitOrder(p.trader, p.pairIndex, p.index);
        if (!_hasPrices(a)) return CancelReason.MARKET_CLOSED;
        if (o.isDayTrade && a.isDayTradingClosed) return CancelReason.DAY_TRADE_NOT_ALLOWED;
        if (isPaused) return CancelReason.PAUSED;
        if (!_isHit(o, a)) return CancelReason.NOT_HIT;
        return _openObstacle(_tradeOf(o), a);
    }

    /// A limit looks at the price it would be executed at, a stop at mid.
    function _isHit(OpenLimitOrder memory o, PriceUpKeepAnswer memory a) private pure returns (bool) {
        if (o.orderType == OpenOrderType.LIMIT) {
            uint256 executed = _executionPrice(a, true, o.buy);
            return o.buy ? executed <= o.targetPrice : executed >= o.targetPrice;
        }
        return o.buy ? _mid(a) >= o.targetPrice : _mid(a) <= o.targetPrice;
    }

    function _openObstacle(Trade memory t, PriceUpKeepAnswer memory a) private view returns (CancelReason) {
        uint256 executed = _executionPrice(a, true, t.buy);
        if (t.tp > 0 && (t.buy ? executed >= t.tp : executed <= t.tp)) return CancelReason.TP_REACHED;
        if (t.sl > 0 && (t.buy ? executed <= t.sl : executed >= t.sl)) return CancelReason.SL_REACHED;
        if (!_isWithinExposure(t, _mid(a))) return CancelReason.EXPOSURE_LIMITS;
        uint256 lossP = TradeMath.impactP(_mid(a), executed) * t.leverage / 100;
        if (lossP > uint256(_infos().maxNegativePnlOnOpenP()) * 1e18) return CancelReason.PRICE_IMPACT;
        if (t.leverage > _maxLeverage(t.pairIndex, t.isDayTrade)) return CancelReason.MAX_LEVERAGE;
        return CancelReason.NONE;
    }

    /// The pair's open-interest cap on that side, and the group's collateral cap (facts 3.2).
    function _isWithinExposure(Trade memory t, uint256 mid) private view returns (bool) {
        ITradingStorage store = _store();
        IPairsStorage pairs = _pairs();
        uint256 side = TradeMath.oiValue(store.openInterest(t.pairIndex, t.buy ? 0 : 1), mid);
        if (side + t.collateral * t.leverage / 100 > store.openInterest(t.pairIndex, 2)) return false;
        return pairs.groupCollateral(t.pairIndex, t.buy) + t.collateral <= pairs.groupMaxCollateral(t.pairIndex);
    }

    function _cancelMarketOpen(uint256 orderId, Trade memory t, CancelReason reason) internal {
        ITradingStorage store = _store();
        store.unregisterPendingMarketOrder(orderId, true);
        uint256 fee = _pairs().pairOracleFee(t.pairIndex);
        if (fee > t.collateral) fee = t.collateral;
        store.handleOracleFee(fee);
        _pay(t.trader, t.collateral - fee);
        emit OracleFeeCharged(orderId, t.trader, fee);
        emit MarketOpenCanceled(orderId, t.trader, t.pairIndex, reason);
    }

    /// The order itself stays where it is and nothing is charged (facts 3.5).
    function _cancelAutomationOpen(uint256 orderId, PendingAutomationOrder memory p, CancelReason reason) internal {
        ITradingStorage store = _store();
        store.unregisterTrigger(p.trader, p.pairIndex, p.index, LimitOrder.OPEN);
        store.unregisterPendingAutomationOrder(orderId);
        emit AutomationOpenOrderCanceled(orderId, p.trader, p.pairIndex, reason);
    }

    function _executeMarketOpen(Trade memory t, PriceUpKeepAnswer memory a) private {
        ITradingStorage store = _store();
        BuilderFee memory bf = store.getBuilderData(t.trader, t.pairIndex, a.orderId);
        store.unregisterPendingMarketOrder(a.orderId, true);
        uint256 oi = _register(t, bf, a);
        emit MarketOpenExecuted(a.orderId, t, TradeMath.impactP(_mid(a), t.openPrice), oi);
    }

    function _executeLimitOpen(PendingAutomationOrder memory p, PriceUpKeepAnswer memory a) private {
        ITradingStorage store = _store();
        Trade memory t = _tradeOf(store.getOpenLimitOrder(p.trader, p.pairIndex, p.index));
        BuilderFee memory bf = store.getBuilderData(p.trader, p.pairIndex, p.index);
        store.unregisterTrigger(p.trader, p.pairIndex, p.index, LimitOrder.OPEN);
        store.unregisterPendingAutomationOrder(a.orderId);
        store.unregisterOpenLimitOrder(p.trader, p.pairIndex, p.index);
        uint256 oi = _register(t, bf, a);
        emit LimitOpenExecuted(a.orderId, p.index, t, TradeMath.impactP(_mid(a), t.openPrice), oi);
    }

    /// Fees, then the stored numbers, in the order of facts 3.3. Changes `t` into what is stored.
    function _register(Trade memory t, BuilderFee memory bf, PriceUpKeepAnswer memory a)
        private
        returns (uint256 oi)
    {
        ITradingStorage store = _store();
        t.collateral -= _chargeOpening(t, bf, a);
        t.openPrice = _executionPrice(a, true, t.buy);
        t.tp = TradeMath.correctTp(t.openPrice, t.leverage, t.tp, t.buy);
        t.sl = TradeMath.correctSl(t.openPrice, t.leverage, t.sl, t.buy, maxSl_P);
        t.index = store.firstEmptyTradeIndex(t.trader, t.pairIndex);
        oi = TradeMath.oiNotional(t.collateral, t.leverage, t.openPrice);
        uint32 time = uint32(block.timestamp);
        store.storeTrade(t, TradeInfo(a.orderId, oi, t.leverage, time, time, time, false));
        _infos().storeTradeInitialAccFees(a.orderId, t.trader, t.pairIndex, t.index, t.buy);
    }

    function _chargeOpening(Trade memory t, BuilderFee memory bf, PriceUpKeepAnswer memory a)
        private
        returns (uint256 total)
    {
        ITradingStorage store = _store();
        uint256 size = TradeMath.notional(t.collateral, t.leverage);
        (uint256 devFee, uint256 vaultFee) =
            store.handleOpeningFees(t.pairIndex, _mid(a), size, t.leverage, t.buy);
        uint256 oracleFee = _pairs().pairOracleFee(t.pairIndex);
        uint256 builderFee = bf.builder == address(0) ? 0 : TradeMath.builderFee(size, bf.builderFee);
        store.handleOracleFee(oracleFee);
        _pay(_vault(), vaultFee);
        emit DevFeeCharged(a.orderId, t.trader, devFee);
        emit VaultOpeningFeeCharged(a.orderId, t.trader, vaultFee);
        emit OracleFeeCharged(a.orderId, t.trader, oracleFee);
        if (builderFee > 0) {
            _pay(bf.builder, builderFee);
            emit BuilderFeeCharged(a.orderId, t.trader, bf.builder, builderFee);
        }
        total = devFee + vaultFee + oracleFee + builderFee;
    }

    function _tradeOf(OpenLimitOrder memory o) private pure returns (Trade memory) {
        return
            Trade(o.collateral, 0, o.tp, o.sl, o.trader, o.leverage, o.pairIndex, 0, o.buy, o.isDayTrade);
    }
}

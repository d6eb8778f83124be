// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./CallbacksBase.sol";

/// Closes: market orders, and TP, SL, liquidation and day-trade close fired by the keeper (facts 3.4, 3.5).
/// Neither is stopped by a pause.
abstract contract ClosingCallbacks is CallbacksBase {
    event MarketCloseExecutedV2(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        uint256 price,
        uint256 priceImpactP,
        int256 percentProfit,
        uint256 usdcSentToTrader,
        uint256 percentageClosed
    );
    event MarketCloseCanceled(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint256 pairIndex,
        uint256 index,
        CancelReason cancelReason
    );
    event LimitCloseExecuted(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        LimitOrder orderType,
        uint256 price,
        uint256 priceImpactP,
        int256 percentProfit,
        uint256 usdcSentToTrader
    );
    event AutomationCloseOrderCanceled(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint256 pairIndex,
        LimitOrder orderType,
        CancelReason cancelReason
    );
    event FeesChargedV2(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        int256 rolloverFees,
        int256 fundingFees
    );
    event CloseFeeCharged(uint256 indexed orderId, uint256 indexed tradeId, address trader, uint256 closeFee);
    event VaultLiqFeeCharged(uint256 indexed orderId, uint256 indexed tradeId, address indexed trader, uint256 amount);
    event OracleFeeRefunded(
        uint256 indexed tradeId, address indexed trader, uint16 pairIndex, uint256 amount
    );

    function closeTradeMarketCallback(PriceUpKeepAnswer calldata a) external {
        PendingMarketOrderV2 memory o = _store().reqID_pendingMarketOrder(a.orderId);
        if (o.block == 0) return;
        _requirePriceUpKeep(o.trade.pairIndex);
        CancelReason reason = _marketCloseObstacle(o, a);
        if (reason != CancelReason.NONE) _cancelMarketClose(a.orderId, o.trade, reason);
        else _executeMarketClose(o, a);
    }

    function executeAutomationCloseOrderCallback(PriceUpKeepAnswer calldata a) external {
        PendingAutomationOrder memory p = _store().reqID_pendingAutomationOrder(a.orderId);
        if (p.trader == address(0)) return;
        _requirePriceUpKeep(p.pairIndex);
        (CancelReason reason, Trade memory t) = _automationCloseObstacle(p, a);
        if (reason != CancelReason.NONE) _cancelAutomationClose(a.orderId, p, reason);
        else _executeAutomationClose(p, t, a);
    }

    function _marketCloseObstacle(PendingMarketOrderV2 memory o, PriceUpKeepAnswer memory a)
        private
        view
        returns (CancelReason)
    {
        ITradingStorage store = _store();
        Trade memory t = store.getOpenTrade(o.trade.trader, o.trade.pairIndex, o.trade.index);
        if (t.leverage == 0) return CancelReason.NO_TRADE;
        if (!_hasPrices(a)) return CancelReason.MARKET_CLOSED;
        uint256 tradeId = store.getOpenTradeInfo(t.trader, t.pairIndex, t.index).tradeId;
        if (tradeId != store.pendingMarketCloseTradeIds(a.orderId)) return CancelReason.WRONG_TRADE;
        uint256 executed = _executionPrice(a, false, t.buy);
        if (TradeMath.slipped(executed, o.wantedPrice, o.slippageP, !t.buy)) return CancelReason.SLIPPAGE;
        return CancelReason.NONE;
    }

    function _automationCloseObstacle(PendingAutomationOrder memory p, PriceUpKeepAnswer memory a)
        private
        view
        returns (CancelReason, Trade memory t)
    {
        ITradingStorage store = _store();
        t = store.getOpenTrade(p.trader, p.pairIndex, p.index);
        if (t.leverage == 0) return (CancelReason.NO_TRADE, t);
        if (!_hasPrices(a)) return (CancelReason.MARKET_CLOSED, t);
        TradeInfo memory info = store.getOpenTradeInfo(p.trader, p.pairIndex, p.index);
        if (info.tradeId != p.tradeId) return (CancelReason.WRONG_TRADE, t);
        if (p.orderType == LimitOrder.CLOSE_DAY_TRADE) {
            bool due = t.isDayTrade && a.isDayTradingClosed;
            return (due ? CancelReason.NONE : CancelReason.CLOSE_DAY_TRADE_NOT_ALLOWED, t);
        }
        return (_isCloseHit(p.orderType, t, info.initialLeverage, a) ? CancelReason.NONE : CancelReason.NOT_HIT, t);
    }

    /// TP looks at the price it would be executed at, SL and LIQ at mid.
    function _isCloseHit(LimitOrder orderType, Trade memory t, uint32 initialLeverage, PriceUpKeepAnswer memory a)
        private
        view
        returns (bool)
    {
        if (orderType == LimitOrder.TP) {
            uint256 executed = _executionPrice(a, false, t.buy);
            return t.tp > 0 && (t.buy ? executed >= t.tp : executed <= t.tp);
        }
        if (orderType == LimitOrder.SL) return t.sl > 0 && (t.buy ? _mid(a) <= t.sl : _mid(a) >= t.sl);
        return _valuate(t, initialLeverage, t.collateral, a).liquidated;
    }

    /// Nothing changes except that the oracle fee stays paid.
    function _cancelMarketClose(uint256 orderId, Trade memory t, CancelReason reason) internal {
        ITradingStorage store = _store();
        uint256 tradeId = store.pendingMarketCloseTradeIds(orderId);
        store.unregisterPendingMarketOrder(orderId, false);
        store.unregisterTrigger(t.trader, t.pairIndex, t.index, LimitOrder.PENDING_CLOSE);
        emit MarketCloseCanceled(orderId, tradeId, t.trader, t.pairIndex, t.index, reason);
    }

    function _cancelAutomationClose(uint256 orderId, PendingAutomationOrder memory p, CancelReason reason) internal {
        ITradingStorage store = _store();
        store.unregisterTrigger(p.trader, p.pairIndex, p.index, p.orderType);
        store.unregisterPendingAutomationOrder(orderId);
        emit AutomationCloseOrderCanceled(orderId, p.tradeId, p.trader, p.pairIndex, p.orderType, reason);
    }

    /// usdcSentToTrader is the computed value even when the position was liquidated and the trader got nothing
    /// (facts 3.4); a full close gives the oracle fee of the request back.
    function _executeMarketClose(PendingMarketOrderV2 memory o, PriceUpKeepAnswer memory a) private {
        ITradingStorage store = _store();
        Trade memory t = store.getOpenTrade(o.trade.trader, o.trade.pairIndex, o.trade.index);
        uint256 tradeId = store.pendingMarketCloseTradeIds(a.orderId);
        store.unregisterPendingMarketOrder(a.orderId, false);
        store.unregisterTrigger(t.trader, t.pairIndex, t.index, LimitOrder.PENDING_CLOSE);
        Valuation memory v = _settle(t, t.collateral * o.percentage / 1e4, a);
        emit MarketCloseExecutedV2(a.orderId, tradeId, v.price, v.impactP, v.profitP, v.value, o.percentage);
        if (o.percentage == 1e4) _refundOracleFee(tradeId, t);
    }

    /// A position found under its margin is reported as a liquidation whatever fired it (facts 3.5).
    function _executeAutomationClose(PendingAutomationOrder memory p, Trade memory t, PriceUpKeepAnswer memory a)
        private
    {
        ITradingStorage store = _store();
        store.unregisterTrigger(p.trader, p.pairIndex, p.index, p.orderType);
        store.unregisterPendingAutomationOrder(a.orderId);
        Valuation memory v = _settle(t, t.collateral, a);
        LimitOrder outcome = v.liquidated ? LimitOrder.LIQ : p.orderType;
        uint256 sent = v.liquidated ? 0 : v.value;
        emit LimitCloseExecuted(a.orderId, p.tradeId, outcome, v.price, v.impactP, v.profitP, sent);
    }

    /// Closes `collateral` of the position and moves the money: winnings come from the vault, losses go to it.
    function _settle(Trade memory t, uint256 collateral, PriceUpKeepAnswer memory a)
        private
        returns (Valuation memory v)
    {
        ITradingStorage store = _store();
        TradeInfo memory info = store.getOpenTradeInfo(t.trader, t.pairIndex, t.index);
        v = _valuate(t, info.initialLeverage, collateral, a);
        emit FeesChargedV2(a.orderId, info.tradeId, t.trader, v.rollover, 0);
        if (v.liquidated) {
            _pay(_vault(), collateral);
            emit VaultLiqFeeCharged(a.orderId, info.tradeId, t.trader, v.value);
        } else {
            uint256 closeFee = _closeFee(collateral, t.leverage, v.value, info.createdAt);
            v.value -= closeFee;
            if (closeFee > 0) emit CloseFeeCharged(a.orderId, info.tradeId, t.trader, closeFee);
            _payOut(t.trader, collateral, v.value);
        }
        store.unregisterTrade(t.trader, t.pairIndex, t.index, collateral);
    }

    function _payOut(address trader, uint256 collateral, uint256 value) private {
        if (value > collateral) {
            IVault(_vault()).sendAssets(value - collateral, trader);
            _pay(trader, collateral);
        } else {
            _pay(_vault(), collateral - value);
            _pay(trader, value);
        }
    }

    /// Linear decay on profitable closes, never more than the profit (facts 3.8).
    function _closeFee(uint256 collateral, uint32 leverage, uint256 value, uint32 createdAt)
        private
        view
        returns (uint256 fee)
    {
        uint256 age = block.timestamp - createdAt;
        if (value <= collateral || age >= closeFeeDecayWindow) return 0;
        uint256 profit = value - collateral;
        uint256 rate = uint256(closeFeeStartingP) * (closeFeeDecayWindow - age) / closeFeeDecayWindow;
        fee = collateral * leverage / 100 * rate / 1e6 / 100;
        if (fee > profit) fee = profit;
    }

    function _refundOracleFee(uint256 tradeId, Trade memory t) private {
        uint256 fee = _pairs().pairOracleFee(t.pairIndex);
        _store().refundOracleFee(fee);
        _pay(t.trader, fee);
        emit OracleFeeRefunded(tradeId, t.trader, t.pairIndex, fee);
    }
}

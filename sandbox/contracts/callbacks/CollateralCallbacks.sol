// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./CallbacksBase.sol";

/// The oracle's answer to a collateral removal (facts 2.3, 3.1). The oracle fee stays paid either way.
abstract contract CollateralCallbacks is CallbacksBase {
    event RemoveCollateralExecuted(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint16 pairIndex,
        uint256 removeAmount,
        uint32 leverage,
        uint192 tp,
        uint192 sl
    );
    event RemoveCollateralRejected(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint16 pairIndex,
        uint256 removeAmount,
        CancelReason reason
    );

    function handleRemoveCollateral(PriceUpKeepAnswer calldata a) external {
        PendingRemoveCollateral memory r = _store().getPendingRemoveCollateral(a.orderId);
        if (r.trader == address(0)) return;
        _requirePriceUpKeep(r.pairIndex);
        (CancelReason reason, Trade memory t, uint32 initialLeverage) = _removalObstacle(r, a);
        if (reason != CancelReason.NONE) _rejectRemoval(a.orderId, r, reason);
        else _executeRemoval(a.orderId, r, t, initialLeverage);
    }

    /// `t` comes back as the position would be after the removal.
    function _removalObstacle(PendingRemoveCollateral memory r, PriceUpKeepAnswer memory a)
        private
        view
        returns (CancelReason, Trade memory t, uint32 initialLeverage)
    {
        t = _store().getOpenTrade(r.trader, r.pairIndex, r.index);
        TradeInfo memory info = _store().getOpenTradeInfo(r.trader, r.pairIndex, r.index);
        initialLeverage = info.initialLeverage;
        if (t.leverage == 0) return (CancelReason.NO_TRADE, t, 0);
        if (!_hasPrices(a)) return (CancelReason.MARKET_CLOSED, t, 0);
        if (info.tradeId != r.tradeId) return (CancelReason.WRONG_TRADE, t, 0);
        if (isPaused) return (CancelReason.PAUSED, t, 0);
        if (r.removeAmount >= t.collateral) return (CancelReason.NOT_HIT, t, 0);
        Valuation memory v = _valuate(t, initialLeverage, t.collateral, a);
        bool capped = v.profitP >= TradeMath.maxProfitP(t.leverage, initialLeverage);
        if (capped) return (CancelReason.GAIN_LOSS, t, 0);
        t.leverage = uint32(t.collateral * t.leverage / (t.collateral - r.removeAmount));
        t.collateral -= r.removeAmount;
        if (t.leverage > _maxLeverage(t.pairIndex, t.isDayTrade)) return (CancelReason.MAX_LEVERAGE, t, 0);
        if (_valuate(t, initialLeverage, t.collateral, a).liquidated) return (CancelReason.UNDER_LIQUIDATION, t, 0);
        return (CancelReason.NONE, t, initialLeverage);
    }

    function _rejectRemoval(uint256 orderId, PendingRemoveCollateral memory r, CancelReason reason) internal {
        _forgetRemoval(orderId, r);
        emit RemoveCollateralRejected(orderId, r.tradeId, r.trader, r.pairIndex, r.removeAmount, reason);
    }

    /// TP and SL move with the higher leverage when they would otherwise be out of bounds.
    function _executeRemoval(
        uint256 orderId,
        PendingRemoveCollateral memory r,
        Trade memory t,
        uint32 initialLeverage
    ) private {
        _forgetRemoval(orderId, r);
        t.tp = TradeMath.correctTp(t.openPrice, TradeMath.max(t.leverage, initialLeverage), t.tp, t.buy);
        t.sl = TradeMath.correctSl(t.openPrice, t.leverage, t.sl, t.buy, maxSl_P);
        _store().updateTrade(t);
        _pay(t.trader, r.removeAmount);
        emit RemoveCollateralExecuted(
            orderId, r.tradeId, r.trader, r.pairIndex, r.removeAmount, t.leverage, t.tp, t.sl
        );
    }

    function _forgetRemoval(uint256 orderId, PendingRemoveCollateral memory r) private {
        ITradingStorage store = _store();
        store.unregisterTrigger(r.trader, r.pairIndex, r.index, LimitOrder.REMOVE_COLLATERAL);
        store.unregisterPendingRemoveCollateral(orderId);
    }
}

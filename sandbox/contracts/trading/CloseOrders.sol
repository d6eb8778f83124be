// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./TradingBase.sol";

/// closeTradeMarket and the way out when the oracle never answers (facts 2.3, 3.6).
abstract contract CloseOrders is TradingBase {
    event MarketCloseOrderInitiatedV2(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint16 pairIndex,
        uint16 closePercentage
    );
    event MarketOpenTimeoutExecutedV2(uint256 indexed orderId, PendingMarketOrderV2 order);
    event MarketCloseTimeoutExecutedV2(uint256 indexed orderId, uint256 indexed tradeId, PendingMarketOrderV2 order);
    event MarketCloseFailed(uint256 indexed tradeId, address indexed trader, uint16 indexed pairIndex);
    event OracleFeeRefunded(
        uint256 indexed tradeId, address indexed trader, uint16 pairIndex, uint256 amount
    );

    error NoTradeToTimeoutFound(uint256 orderId);
    error NotCloseMarketTimeoutOrder(uint256 orderId);
    error NotOpenMarketTimeoutOrder(uint256 orderId);
    error NotYourOrder(uint256 orderId, address trader);
    error WaitTimeout(uint256 orderId);

    /// Works while paused. closePercentage 1e2, 0 meaning all of it; slippageP 1e2 percent, up to and including
    /// 100 %. The oracle fee is pulled from the trader's wallet, for full closes too.
    function closeTradeMarket(
        uint16 pairIndex,
        uint8 index,
        uint16 closePercentage,
        uint192 marketPrice,
        uint32 slippageP
    ) external notDone {
        if (closePercentage > 1e4 || marketPrice == 0 || slippageP == 0 || slippageP > 1e4) revert WrongParams();
        address trader = _msgSender();
        Trade memory t = _openTrade(trader, pairIndex, index);
        ITradingStorage store = _store();
        if (store.pendingOrderIdsCount(trader) >= store.maxPendingMarketOrders()) {
            revert MaxPendingMarketOrdersReached(trader);
        }
        _requireUnlocked(t);
        uint16 percentage = closePercentage == 0 ? 1e4 : closePercentage;
        _requireRemainder(t, percentage);
        _placeClose(t, percentage, marketPrice, slippageP);
    }

    /// Gives the whole collateral of an unanswered open back, without a fee. It does not execute the trade.
    function openTradeMarketTimeout(uint256 _order) external {
        PendingMarketOrderV2 memory o = _pendingOwnOrder(_order);
        if (o.percentage != 0) revert NotOpenMarketTimeoutOrder(_order);
        _requireWaited(_order, o.block);
        ITradingStorage store = _store();
        store.unregisterPendingMarketOrder(_order, true);
        store.transferUsdc(address(store), o.trade.trader, o.trade.collateral);
        emit MarketOpenTimeoutExecutedV2(_order, o);
    }

    /// Removes an unanswered close and refunds its oracle fee. With `retry` the close is asked for again with the
    /// old price and slippage; should that fail, MarketCloseFailed is all that tells.
    function closeTradeMarketTimeout(uint256 _order, bool retry) external {
        PendingMarketOrderV2 memory o = _pendingOwnOrder(_order);
        if (o.percentage == 0) revert NotCloseMarketTimeoutOrder(_order);
        _requireWaited(_order, o.block);
        Trade memory t = o.trade;
        ITradingStorage store = _store();
        uint256 tradeId = store.pendingMarketCloseTradeIds(_order);
        store.unregisterPendingMarketOrder(_order, false);
        store.unregisterTrigger(t.trader, t.pairIndex, t.index, LimitOrder.PENDING_CLOSE);
        _refundOracleFee(tradeId, t);
        if (retry && !_retryClose(o)) emit MarketCloseFailed(tradeId, t.trader, t.pairIndex);
        emit MarketCloseTimeoutExecutedV2(_order, tradeId, o);
    }

    function _requireRemainder(Trade memory t, uint16 percentage) private view {
        if (percentage == 1e4) return;
        uint256 remainder = t.collateral - t.collateral * percentage / 1e4;
        if (remainder * t.leverage / 100 < _pairs().pairMinLevPos(t.pairIndex)) revert BelowMinLevPos();
    }

    function _placeClose(Trade memory t, uint16 percentage, uint192 wantedPrice, uint32 slippageP) private {
        ITradingStorage store = _store();
        uint256 tradeId = _tradeId(t);
        uint256 orderId = _router().getPrice(t.pairIndex, RequestType.MARKET_CLOSE, block.timestamp);
        Trade memory key;
        (key.trader, key.pairIndex, key.index) = (t.trader, t.pairIndex, t.index);
        PendingMarketOrderV2 memory o =
            PendingMarketOrderV2(ChainUtils.blockNumber(), wantedPrice, slippageP, key, percentage);
        store.storePendingMarketOrder(o, orderId, false, BuilderFee(address(0), 0));
        store.storePendingMarketCloseTradeId(orderId, tradeId);
        store.setTrigger(t.trader, t.pairIndex, t.index, LimitOrder.PENDING_CLOSE);
        _chargeOracleFee(orderId, t);
        emit MarketCloseOrderInitiatedV2(orderId, tradeId, t.trader, t.pairIndex, percentage);
    }

    function _pendingOwnOrder(uint256 orderId) private view returns (PendingMarketOrderV2 memory o) {
        o = _store().reqID_pendingMarketOrder(orderId);
        if (o.block == 0) revert NoTradeToTimeoutFound(orderId);
        address sender = _msgSender();
        if (o.trade.trader != sender) revert NotYourOrder(orderId, sender);
    }

    function _requireWaited(uint256 orderId, uint256 since) private view {
        if (ChainUtils.blockNumber() < since + marketOrdersTimeout) revert WaitTimeout(orderId);
    }

    function _refundOracleFee(uint256 tradeId, Trade memory t) private {
        ITradingStorage store = _store();
        uint256 fee = _pairs().pairOracleFee(t.pairIndex);
        store.refundOracleFee(fee);
        store.transferUsdc(address(store), t.trader, fee);
        emit OracleFeeRefunded(tradeId, t.trader, t.pairIndex, fee);
    }

    /// A call to itself, so that a refusal undoes the retry and not the timeout.
    function _retryClose(PendingMarketOrderV2 memory o) private returns (bool success) {
        Trade memory t = o.trade;
        bytes memory call = abi.encodeCall(
            this.closeTradeMarket, (t.pairIndex, t.index, o.percentage, o.wantedPrice, o.slippageP)
        );
        (success,) = address(this).delegatecall(call);
    }
}

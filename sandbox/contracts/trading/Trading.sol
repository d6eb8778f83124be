// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./CloseOrders.sol";
import "./Delegation.sol";
import "./OpenOrders.sol";
import "./PositionEdits.sol";

/// The contract that traders and delegates call. Here also: what the keeper calls.
contract Trading is Delegation, OpenOrders, CloseOrders, PositionEdits {
    event AutomationOpenOrderInitiated(
        uint256 indexed orderId, address indexed trader, uint16 indexed pairIndex, uint8 index
    );
    event AutomationCloseOrderInitiated(
        uint256 indexed orderId, uint256 indexed tradeId, address indexed trader, uint16 pairIndex, LimitOrder
    );

    function initialize(
        address registry_,
        uint256 maxCollateral,
        uint16 marketOrdersTimeout_,
        uint16 triggerTimeout_
    ) external {
        _setRegistry(registry_);
        maxAllowedCollateral = maxCollateral;
        marketOrdersTimeout = marketOrdersTimeout_;
        triggerTimeout = triggerTimeout_;
    }

    /// The keeper asks for the report of priceTimestamp (unix seconds) to fire a limit, stop, TP, SL, liquidation
    /// or day-trade close (facts 3.5). Returns why not, instead of reverting, when there is nothing to fire or the
    /// timestamp is older than the last edit.
    function executeAutomationOrder(
        LimitOrder orderType,
        address trader,
        uint16 pairIndex,
        uint8 index,
        uint256 priceTimestamp
    ) external notDone returns (AutomationOrderStatus) {
        if (msg.sender != registry.getContractAddress("tradesUpKeep")) revert NotTradesUpKeep(msg.sender);
        if (orderType > LimitOrder.CLOSE_DAY_TRADE) revert WrongParams();
        AutomationOrderStatus status = orderType == LimitOrder.OPEN
            ? _openStatus(trader, pairIndex, index, priceTimestamp)
            : _closeStatus(orderType, trader, pairIndex, index, priceTimestamp);
        if (status != AutomationOrderStatus.SUCCESS) return status;
        if (_isTriggered(trader, pairIndex, index, orderType)) return AutomationOrderStatus.PENDING_TRIGGER;
        _store().setTrigger(trader, pairIndex, index, orderType);
        if (orderType == LimitOrder.OPEN) _fireOpen(trader, pairIndex, index, priceTimestamp);
        else _fireClose(orderType, trader, pairIndex, index, priceTimestamp);
        return AutomationOrderStatus.SUCCESS;
    }

    function _openStatus(address trader, uint16 pairIndex, uint8 index, uint256 priceTimestamp)
        private
        view
        returns (AutomationOrderStatus)
    {
        if (isPaused) return AutomationOrderStatus.PAUSED;
        ITradingStorage store = _store();
        if (!store.hasOpenLimitOrder(trader, pairIndex, index)) return AutomationOrderStatus.NO_LIMIT;
        uint32 edited = store.getOpenLimitOrder(trader, pairIndex, index).lastUpdated;
        return priceTimestamp < edited ? AutomationOrderStatus.BACKDATED_EXECUTION : AutomationOrderStatus.SUCCESS;
    }

    function _closeStatus(
        LimitOrder orderType,
        address trader,
        uint16 pairIndex,
        uint8 index,
        uint256 priceTimestamp
    ) private view returns (AutomationOrderStatus) {
        Trade memory t = _store().getOpenTrade(trader, pairIndex, index);
        if (t.leverage == 0) return AutomationOrderStatus.NO_TRADE;
        TradeInfo memory info = _store().getOpenTradeInfo(trader, pairIndex, index);
        if (orderType == LimitOrder.TP) {
            if (t.tp == 0 || priceTimestamp < info.tpLastUpdated) return AutomationOrderStatus.NO_TP;
        } else if (orderType == LimitOrder.SL) {
            if (t.sl == 0 || priceTimestamp < info.slLastUpdated) return AutomationOrderStatus.NO_SL;
        } else if (priceTimestamp < info.createdAt) {
            return AutomationOrderStatus.BACKDATED_EXECUTION;
        }
        return AutomationOrderStatus.SUCCESS;
    }

    function _fireOpen(address trader, uint16 pairIndex, uint8 index, uint256 priceTimestamp) private {
        ITradingStorage store = _store();
        uint256 limitId = store.limitOrderIds(trader, pairIndex, index);
        uint256 orderId = _router().getPrice(pairIndex, RequestType.LIMIT_OPEN, priceTimestamp);
        store.storePendingAutomationOrder(
            PendingAutomationOrder(trader, pairIndex, index, LimitOrder.OPEN, limitId), orderId
        );
        emit AutomationOpenOrderInitiated(orderId, trader, pairIndex, index);
    }

    function _fireClose(LimitOrder orderType, address trader, uint16 pairIndex, uint8 index, uint256 priceTimestamp)
        private
    {
        ITradingStorage store = _store();
        uint256 tradeId = store.getOpenTradeInfo(trader, pairIndex, index).tradeId;
        uint256 orderId = _router().getPrice(pairIndex, RequestType.LIMIT_CLOSE, priceTimestamp);
        store.storePendingAutomationOrder(
            PendingAutomationOrder(trader, pairIndex, index, orderType, tradeId), orderId
        );
        emit AutomationCloseOrderInitiated(orderId, tradeId, trader, pairIndex, orderType);
    }
}

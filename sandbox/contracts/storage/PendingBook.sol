// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./LimitsBook.sol";

/// What waits for an oracle answer: market orders, automation orders, collateral removals, and the triggers that
/// lock a position or a limit order meanwhile (facts 3.1, 3.5). A pending market order exists when its block is
/// not 0.
abstract contract PendingBook is LimitsBook {
    uint8 public maxPendingMarketOrders;
    mapping(uint256 => PendingMarketOrderV2) public reqID_pendingMarketOrder;
    mapping(uint256 => uint256) public pendingMarketCloseTradeIds;
    mapping(uint256 => PendingAutomationOrder) public reqID_pendingAutomationOrder;
    mapping(uint256 => PendingRemoveCollateral) public reqID_pendingRemoveCollateral;
    mapping(address => uint256[]) public pendingOrderIds;
    mapping(address => mapping(uint16 => uint8)) public pendingMarketOpenCount;
    mapping(address => mapping(uint16 => uint8)) public pendingMarketCloseCount;
    mapping(address => mapping(uint16 => mapping(uint8 => mapping(LimitOrder => uint256)))) public orderTriggerBlock;

    event MaxPendingMarketOrdersUpdated(uint256 value);

    function setMaxPendingMarketOrders(uint256 value) external onlyGov {
        if (value == 0 || value > type(uint8).max) revert WrongParams();
        maxPendingMarketOrders = uint8(value);
        emit MaxPendingMarketOrdersUpdated(value);
    }

    function storePendingMarketOrder(PendingMarketOrderV2 calldata o, uint256 id, bool open, BuilderFee calldata bf)
        external
        onlyTrading
    {
        reqID_pendingMarketOrder[id] = o;
        pendingOrderIds[o.trade.trader].push(id);
        if (open) {
            pendingMarketOpenCount[o.trade.trader][o.trade.pairIndex]++;
            builderData[o.trade.trader][o.trade.pairIndex][id] = bf;
        } else {
            pendingMarketCloseCount[o.trade.trader][o.trade.pairIndex]++;
        }
    }

    function unregisterPendingMarketOrder(uint256 id, bool open) external onlyTradingOrCallbacks {
        Trade storage trade = reqID_pendingMarketOrder[id].trade;
        (address trader, uint16 pairIndex) = (trade.trader, trade.pairIndex);
        if (open) {
            pendingMarketOpenCount[trader][pairIndex]--;
            delete builderData[trader][pairIndex][id];
        } else {
            pendingMarketCloseCount[trader][pairIndex]--;
            delete pendingMarketCloseTradeIds[id];
        }
        delete reqID_pendingMarketOrder[id];
        _forgetPending(trader, id);
    }

    function storePendingMarketCloseTradeId(uint256 orderId, uint256 tradeId) external onlyTrading {
        pendingMarketCloseTradeIds[orderId] = tradeId;
    }

    function storePendingAutomationOrder(PendingAutomationOrder calldata o, uint256 orderId) external onlyTrading {
        reqID_pendingAutomationOrder[orderId] = o;
    }

    function unregisterPendingAutomationOrder(uint256 orderId) external onlyCallbacks {
        delete reqID_pendingAutomationOrder[orderId];
    }

    function storePendingRemoveCollateral(PendingRemoveCollateral calldata r, uint256 orderId) external onlyTrading {
        reqID_pendingRemoveCollateral[orderId] = r;
    }

    function unregisterPendingRemoveCollateral(uint256 orderId) external onlyCallbacks {
        delete reqID_pendingRemoveCollateral[orderId];
    }

    function setTrigger(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType) external onlyTrading {
        orderTriggerBlock[trader][pairIndex][index][orderType] = ChainUtils.blockNumber();
    }

    function unregisterTrigger(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType)
        external
        onlyTradingOrCallbacks
    {
        delete orderTriggerBlock[trader][pairIndex][index][orderType];
    }

    function getPendingRemoveCollateral(uint256 orderId) external view returns (PendingRemoveCollateral memory) {
        return reqID_pendingRemoveCollateral[orderId];
    }

    function getPendingOrderIds(address trader) external view returns (uint256[] memory) {
        return pendingOrderIds[trader];
    }

    function pendingOrderIdsCount(address trader) external view returns (uint256) {
        return pendingOrderIds[trader].length;
    }

    function _forgetPending(address trader, uint256 id) private {
        uint256[] storage ids = pendingOrderIds[trader];
        uint256 i = 0;
        while (ids[i] != id) ++i;
        ids[i] = ids[ids.length - 1];
        ids.pop();
    }
}

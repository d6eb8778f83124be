// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./StorageAccess.sol";

/// Resting limit and stop orders by (trader, pair, index), an index space of their own (facts 3.1). Each order
/// also has an id from a counter, which tells a re-used index from the order that was meant.
abstract contract LimitsBook is StorageAccess {
    uint256 public limitOrderIdCounter;
    mapping(uint16 => OpenLimitOrder[]) public pairLimitOrders;
    /// Position in pairLimitOrders; meaningful only while limitOrderIds is not 0.
    mapping(address => mapping(uint16 => mapping(uint8 => uint256))) public openLimitOrderIds;
    mapping(address => mapping(uint16 => mapping(uint8 => uint256))) public limitOrderIds;
    mapping(address => mapping(uint16 => uint8)) public openLimitOrdersCount;
    /// By limit index, or by order id for a pending market open.
    mapping(address => mapping(uint16 => mapping(uint256 => BuilderFee))) public builderData;

    error NoOpenLimitOrder(address _trader, uint16 _pairIndex, uint8 _index);

    function storeOpenLimitOrder(OpenLimitOrder calldata order, BuilderFee calldata bf) external onlyTrading {
        OpenLimitOrder[] storage orders = pairLimitOrders[order.pairIndex];
        openLimitOrderIds[order.trader][order.pairIndex][order.index] = orders.length;
        limitOrderIds[order.trader][order.pairIndex][order.index] = ++limitOrderIdCounter;
        openLimitOrdersCount[order.trader][order.pairIndex]++;
        builderData[order.trader][order.pairIndex][order.index] = bf;
        orders.push(order);
    }

    function updateOpenLimitOrder(OpenLimitOrder calldata order) external onlyTrading {
        uint256 position = _position(order.trader, order.pairIndex, order.index);
        pairLimitOrders[order.pairIndex][position] = order;
    }

    function unregisterOpenLimitOrder(address trader, uint16 pairIndex, uint8 index) external onlyTradingOrCallbacks {
        uint256 position = _position(trader, pairIndex, index);
        OpenLimitOrder[] storage orders = pairLimitOrders[pairIndex];
        OpenLimitOrder storage last = orders[orders.length - 1];
        openLimitOrderIds[last.trader][pairIndex][last.index] = position;
        orders[position] = last;
        orders.pop();
        delete openLimitOrderIds[trader][pairIndex][index];
        delete limitOrderIds[trader][pairIndex][index];
        delete builderData[trader][pairIndex][index];
        openLimitOrdersCount[trader][pairIndex]--;
    }

    function hasOpenLimitOrder(address trader, uint16 pairIndex, uint8 index) public view returns (bool) {
        return limitOrderIds[trader][pairIndex][index] > 0;
    }

    function getOpenLimitOrder(address trader, uint16 pairIndex, uint8 index)
        external
        view
        returns (OpenLimitOrder memory)
    {
        return pairLimitOrders[pairIndex][_position(trader, pairIndex, index)];
    }

    function getOpenLimitOrderByIndex(uint16 pairIndex, uint256 position)
        external
        view
        returns (OpenLimitOrder memory)
    {
        return pairLimitOrders[pairIndex][position];
    }

    function getOpenLimitOrders(uint16 pairIndex) external view returns (OpenLimitOrder[] memory) {
        return pairLimitOrders[pairIndex];
    }

    function totalOpenLimitOrders(uint16 pairIndex) external view returns (uint256) {
        return pairLimitOrders[pairIndex].length;
    }

    function getBuilderData(address trader, uint16 pairIndex, uint256 key) external view returns (BuilderFee memory) {
        return builderData[trader][pairIndex][key];
    }

    function firstEmptyOpenLimitIndex(address trader, uint16 pairIndex) external view returns (uint8 index) {
        while (hasOpenLimitOrder(trader, pairIndex, index)) ++index;
    }

    function _position(address trader, uint16 pairIndex, uint8 index) private view returns (uint256) {
        if (!hasOpenLimitOrder(trader, pairIndex, index)) revert NoOpenLimitOrder(trader, pairIndex, index);
        return openLimitOrderIds[trader][pairIndex][index];
    }
}

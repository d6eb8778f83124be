// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./base/Registered.sol";

/// Hands out order ids from one counter for all traders and all kinds of request (facts 3.1) and passes the
/// request on to the up-keep that the pair's oracle type names.
contract PriceRouter is Registered {
    uint256 public currentOrderId;

    error NotTrading(address a);

    function initialize(address registry_, uint256 firstOrderId) external {
        _setRegistry(registry_);
        currentOrderId = firstOrderId - 1;
    }

    /// timestamp: unix seconds of the wanted report.
    function getPrice(uint16 pairIndex, RequestType requestType, uint256 timestamp)
        external
        returns (uint256 orderId)
    {
        if (msg.sender != _trading()) revert NotTrading(msg.sender);
        orderId = ++currentOrderId;
        IPairsStorage pairs = _pairs();
        bytes memory upKeepName = abi.encodePacked(pairs.oracle(pairIndex), "PriceUpkeep");
        IPriceUpKeep upKeep = IPriceUpKeep(registry.getContractAddress(bytes32(upKeepName)));
        upKeep.requestPrice(orderId, requestType, pairs.pairFeed(pairIndex), timestamp);
    }
}

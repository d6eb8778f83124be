// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./base/Registered.sol";

/// Announces price requests and, in place of a signed report, takes the keeper's word for the answer.
/// `settle` and `forceCancel` exist only in the sandbox.
contract PriceUpKeep is Registered {
    address public keeper;
    /// 0 for an unknown order, else the request type plus one.
    mapping(uint256 => uint8) private _requested;

    event PriceRequestedV2(uint256 indexed orderId, uint8 orderType, bytes32 feed, uint256 timestamp);

    error NotKeeper(address a);
    error NotPriceRouter(address a);

    modifier onlyKeeper() {
        if (msg.sender != keeper) revert NotKeeper(msg.sender);
        _;
    }

    function initialize(address registry_, address keeper_) external {
        _setRegistry(registry_);
        keeper = keeper_;
    }

    function requestPrice(uint256 orderId, RequestType requestType, bytes32 feed, uint256 timestamp) external {
        if (msg.sender != address(_router())) revert NotPriceRouter(msg.sender);
        _requested[orderId] = uint8(requestType) + 1;
        emit PriceRequestedV2(orderId, uint8(requestType), feed, timestamp);
    }

    /// Answers a request in the same transaction (facts 3.2). Prices are 1e18. A closed market zeroes them, which
    /// the callback reads as MARKET_CLOSED. Nothing happens when the order is unknown or no longer pending.
    function settle(uint256 orderId, int192 price, int192 bid, int192 ask, bool isMarketOpen, bool isDayTradingClosed)
        external
        onlyKeeper
    {
        uint8 requested = _requested[orderId];
        if (requested == 0) return;
        PriceUpKeepAnswer memory a = PriceUpKeepAnswer(orderId, 0, 0, 0, isDayTradingClosed);
        if (isMarketOpen) (a.price, a.bid, a.ask) = (price, bid, ask);
        _dispatch(RequestType(requested - 1), a);
    }

    /// Cancels with the given reason (1..15) whatever the prices are; silent when nothing is pending.
    function forceCancel(uint256 orderId, CancelReason reason) external onlyKeeper {
        if (reason == CancelReason.NONE) revert WrongParams();
        uint8 requested = _requested[orderId];
        if (requested == 0) return;
        ICallbacks(_callbacks()).forceCancel(orderId, RequestType(requested - 1), reason);
    }

    function _dispatch(RequestType requestType, PriceUpKeepAnswer memory a) private {
        ICallbacks callbacks = ICallbacks(_callbacks());
        if (requestType == RequestType.MARKET_OPEN) callbacks.openTradeMarketCallback(a);
        else if (requestType == RequestType.MARKET_CLOSE) callbacks.closeTradeMarketCallback(a);
        else if (requestType == RequestType.LIMIT_OPEN) callbacks.executeAutomationOpenOrderCallback(a);
        else if (requestType == RequestType.LIMIT_CLOSE) callbacks.executeAutomationCloseOrderCallback(a);
        else callbacks.handleRemoveCollateral(a);
    }
}

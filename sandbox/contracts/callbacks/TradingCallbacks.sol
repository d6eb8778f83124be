// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./ClosingCallbacks.sol";
import "./CollateralCallbacks.sol";
import "./OpeningCallbacks.sol";

contract TradingCallbacks is OpeningCallbacks, ClosingCallbacks, CollateralCallbacks {
    function initialize(address registry_) external {
        _setRegistry(registry_);
        maxSl_P = 85;
    }

    /// Sandbox only: cancels a pending request with a chosen reason; silent when nothing is pending.
    function forceCancel(uint256 orderId, RequestType requestType, CancelReason reason) external {
        if (requestType == RequestType.MARKET_OPEN || requestType == RequestType.MARKET_CLOSE) {
            _forceCancelMarket(orderId, requestType, reason);
        } else if (requestType == RequestType.REMOVE_COLLATERAL) {
            PendingRemoveCollateral memory r = _store().getPendingRemoveCollateral(orderId);
            if (r.trader == address(0)) return;
            _requirePriceUpKeep(r.pairIndex);
            _rejectRemoval(orderId, r, reason);
        } else {
            PendingAutomationOrder memory p = _store().reqID_pendingAutomationOrder(orderId);
            if (p.trader == address(0)) return;
            _requirePriceUpKeep(p.pairIndex);
            if (requestType == RequestType.LIMIT_OPEN) _cancelAutomationOpen(orderId, p, reason);
            else _cancelAutomationClose(orderId, p, reason);
        }
    }

    function _forceCancelMarket(uint256 orderId, RequestType requestType, CancelReason reason) private {
        PendingMarketOrderV2 memory o = _store().reqID_pendingMarketOrder(orderId);
        if (o.block == 0) return;
        _requirePriceUpKeep(o.trade.pairIndex);
        if (requestType == RequestType.MARKET_OPEN) _cancelMarketOpen(orderId, o.trade, reason);
        else _cancelMarketClose(orderId, o.trade, reason);
    }
}

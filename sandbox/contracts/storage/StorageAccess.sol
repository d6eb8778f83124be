// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/ChainUtils.sol";
import "../base/Registered.sol";

/// Who may write to the storage contract.
abstract contract StorageAccess is Registered {
    error NotCallbacks(address a);
    error NotTrading(address a);
    error NotTradingOrCallbacks(address a);

    modifier onlyTrading() {
        if (msg.sender != _trading()) revert NotTrading(msg.sender);
        _;
    }

    modifier onlyCallbacks() {
        if (msg.sender != _callbacks()) revert NotCallbacks(msg.sender);
        _;
    }

    modifier onlyTradingOrCallbacks() {
        _requireTradingOrCallbacks();
        _;
    }

    function _requireTradingOrCallbacks() private view {
        if (msg.sender != _trading() && msg.sender != _callbacks()) revert NotTradingOrCallbacks(msg.sender);
    }
}

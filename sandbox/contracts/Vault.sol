// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./base/Registered.sol";

/// The liquidity pool, reduced to its side of a trade (facts 3.4): losses arrive as plain transfers, winnings
/// leave through sendAssets. Its size, which the group caps are a percentage of, is its USDC balance.
contract Vault is Registered {
    error NotCallbacks(address a);

    function initialize(address registry_) external {
        _setRegistry(registry_);
    }

    function asset() public view returns (address) {
        return _store().usdc();
    }

    /// USDC 1e6.
    function totalAssets() external view returns (uint256) {
        return IERC20(asset()).balanceOf(address(this));
    }

    function sendAssets(uint256 assets, address receiver) external {
        if (msg.sender != _callbacks()) revert NotCallbacks(msg.sender);
        IERC20(asset()).transfer(receiver, assets);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/TradeMath.sol";
import "./PendingBook.sol";
import "./TradesBook.sol";

/// Holds the state and the money. It is the spender that traders approve (facts 2.3).
contract TradingStorage is TradesBook, PendingBook {
    address public usdc;
    /// Collected fees in USDC 1e6; oracle fees are refunded out of it.
    uint256 public devFees;

    error RefundOracleFeeFailed();
    error SafeERC20FailedOperation(address token);

    function initialize(address registry_, address usdc_) external {
        _setRegistry(registry_);
        usdc = usdc_;
        maxTradesPerPair = 10;
        maxPendingMarketOrders = 50;
    }

    /// Books the opening fee of a trade, split by the skew at `price` (1e18). size: USDC 1e6, unsigned.
    function handleOpeningFees(uint16 pairIndex, uint256 price, uint256 size, uint32 leverage, bool buy)
        external
        onlyCallbacks
        returns (uint256 devFee, uint256 vaultFee)
    {
        uint256[3] storage oi = openInterest[pairIndex];
        int256 oiDelta = int256(TradeMath.oiValue(oi[0], price)) - int256(TradeMath.oiValue(oi[1], price));
        int256 signedSize = buy ? int256(size) : -int256(size);
        (devFee, vaultFee) = _infos().getOpeningFee(pairIndex, signedSize, leverage, oiDelta);
        devFees += devFee;
    }

    function handleOracleFee(uint256 amount) external onlyTradingOrCallbacks {
        devFees += amount;
    }

    function refundOracleFee(uint256 amount) external onlyTradingOrCallbacks {
        if (amount > devFees) revert RefundOracleFeeFailed();
        devFees -= amount;
    }

    function claimFees(uint256 amount) external onlyGov {
        if (amount > devFees) revert WrongParams();
        devFees -= amount;
        _pay(msg.sender, amount);
    }

    /// Out of this contract when `from` is this contract, else out of an allowance; the token's own revert reason
    /// passes through.
    function transferUsdc(address from, address to, uint256 amount) external onlyTradingOrCallbacks {
        if (from == address(this)) {
            _pay(to, amount);
        } else if (!IERC20(usdc).transferFrom(from, to, amount)) {
            revert SafeERC20FailedOperation(usdc);
        }
    }

    function _pay(address to, uint256 amount) private {
        if (!IERC20(usdc).transfer(to, amount)) revert SafeERC20FailedOperation(usdc);
    }
}

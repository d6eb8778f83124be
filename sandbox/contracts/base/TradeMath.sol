// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The formulas of facts 2.3, 3.2 to 3.4, 3.7 and 3.9. USDC 1e6, prices 1e18, leverage 1e2,
/// profit 1e6 per 1 % of collateral. Division truncates unless the name says otherwise.
library TradeMath {
    /// Gains are cut and take-profits placed at +900 % of collateral (facts 3.3, 3.4).
    uint256 internal constant MAX_GAIN_P = 900;

    function max(uint32 a, uint32 b) internal pure returns (uint32) {
        return a > b ? a : b;
    }

    /// USDC 1e6, rounded up.
    function notional(uint256 collateral, uint32 leverage) internal pure returns (uint256) {
        return (collateral * leverage + 99) / 100;
    }

    /// builderFee: 1e6 per 1 % of the notional.
    function builderFee(uint256 notional_, uint32 fee) internal pure returns (uint256) {
        return notional_ * fee / 1e6 / 100;
    }

    /// Base units 1e18.
    function oiNotional(uint256 collateral, uint32 leverage, uint256 openPrice) internal pure returns (uint256) {
        return collateral * 1e12 * leverage / 100 * 1e18 / openPrice;
    }

    /// Open interest in base units (1e18) at a price (1e18), in USDC 1e6.
    function oiValue(uint256 oi, uint256 price) internal pure returns (uint256) {
        return oi * price / 1e18 / 1e12;
    }

    function tpDistance(uint256 openPrice, uint32 highestLeverage) internal pure returns (uint256) {
        return openPrice * MAX_GAIN_P / highestLeverage;
    }

    function slDistance(uint256 openPrice, uint32 leverage, uint8 maxSlP) internal pure returns (uint256) {
        return openPrice * maxSlP / leverage;
    }

    /// The price `distance` away from `from`, floored at 0.
    function shift(uint256 from, uint256 distance, bool up) internal pure returns (uint192) {
        if (up) return uint192(from + distance);
        return from > distance ? uint192(from - distance) : 0;
    }

    /// An unset take-profit, or one further away than the maximum gain, becomes the maximum-gain price.
    function correctTp(uint256 openPrice, uint32 highestLeverage, uint192 tp, bool buy)
        internal
        pure
        returns (uint192)
    {
        uint192 furthest = shift(openPrice, tpDistance(openPrice, highestLeverage), buy);
        if (tp == 0 || (buy ? tp > furthest : tp < furthest)) return furthest;
        return tp;
    }

    /// A stop-loss further away than maxSlP percent of collateral moves to that price; 0 stays 0.
    function correctSl(uint256 openPrice, uint32 leverage, uint192 sl, bool buy, uint8 maxSlP)
        internal
        pure
        returns (uint192)
    {
        if (sl == 0) return 0;
        uint192 furthest = shift(openPrice, slDistance(openPrice, leverage, maxSlP), !buy);
        return (buy ? sl < furthest : sl > furthest) ? furthest : sl;
    }

    /// The most a position may gain, as profit.
    function maxProfitP(uint32 leverage, uint32 initialLeverage) internal pure returns (int256) {
        return int256(MAX_GAIN_P * 1e6 * leverage / max(leverage, initialLeverage));
    }

    /// Capped above, not below.
    function profitP(uint256 openPrice, uint256 price, bool buy, uint32 leverage, uint32 initialLeverage)
        internal
        pure
        returns (int256)
    {
        int256 move = buy ? int256(price) - int256(openPrice) : int256(openPrice) - int256(price);
        int256 p = move * 100 * 1e6 * int256(uint256(leverage)) / int256(openPrice) / 100;
        int256 cap = maxProfitP(leverage, initialLeverage);
        return p > cap ? cap : p;
    }

    /// collateral x (1 + p) - fees, not below 0.
    function value(uint256 collateral, int256 p, int256 fees) internal pure returns (uint256) {
        int256 v = int256(collateral) + int256(collateral) * p / 1e6 / 100 - fees;
        return v > 0 ? uint256(v) : 0;
    }

    /// Whether a market order of this direction pays more (or gets less) than asked; slippageP 1e2 percent.
    function slipped(uint256 executed, uint256 wanted, uint32 slippageP, bool paysAsk) internal pure returns (bool) {
        uint256 band = wanted * slippageP / 1e4;
        return paysAsk ? executed > wanted + band : executed + band < wanted;
    }

    /// Percent x 1e18 between mid and the price used (facts 3.7, K = 0).
    function impactP(uint256 mid, uint256 used) internal pure returns (uint256) {
        uint256 difference = mid > used ? mid - used : used - mid;
        return difference * 100 * 1e18 / mid;
    }
}

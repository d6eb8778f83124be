// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/ChainUtils.sol";
import "../base/TradeMath.sol";
import "./RolloverFees.sol";

/// Fees, liquidation and value of a trade (facts 3.8, 3.9). The dynamic spread is switched off (K = 0) and
/// funding is 0, as on every pair since mid-2026.
contract PairInfos is RolloverFees {
    uint8 public liqMarginThresholdP;
    uint8 public maxNegativePnlOnOpenP;
    mapping(uint16 => PairOpeningFees) public pairOpeningFees;

    event LiqMarginThresholdPUpdated(uint256 value);
    event MaxNegativePnlOnOpenPUpdated(uint256 value);
    event PairOpeningFeesUpdated(uint16 indexed pairIndex, PairOpeningFees value);

    function initialize(address registry_, address manager_, uint256 liqMarginP, uint256 maxNegativePnlP) external {
        _setRegistry(registry_);
        manager = manager_;
        liqMarginThresholdP = uint8(liqMarginP);
        maxNegativePnlOnOpenP = uint8(maxNegativePnlP);
    }

    function setLiqMarginThresholdP(uint256 value) external onlyGov {
        if (value > 50) revert WrongParams();
        liqMarginThresholdP = uint8(value);
        emit LiqMarginThresholdPUpdated(value);
    }

    function setMaxNegativePnlOnOpenP(uint256 value) external onlyGov {
        if (value > 100) revert WrongParams();
        maxNegativePnlOnOpenP = uint8(value);
        emit MaxNegativePnlOnOpenPUpdated(value);
    }

    function setPairOpeningFees(uint16 pairIndex, PairOpeningFees calldata value) external onlyGov {
        if (value.vaultFeePercent > 100) revert WrongParams();
        pairOpeningFees[pairIndex] = value;
        emit PairOpeningFeesUpdated(pairIndex, value);
    }

    /// Maker fee on the part of the trade that reduces the skew, if the leverage is low enough; taker fee on the
    /// rest (facts 3.8). size and oiDelta (long minus short) are signed USDC 1e6.
    function getOpeningFee(uint16 pairIndex, int256 size, uint32 leverage, int256 oiDelta)
        external
        view
        returns (uint256 devFee, uint256 vaultFee)
    {
        PairOpeningFees storage fees = pairOpeningFees[pairIndex];
        uint256 total = _abs(size);
        uint256 making = 0;
        if (_opposite(oiDelta, size) && leverage <= fees.makerMaxLeverage) {
            making = total < _abs(oiDelta) ? total : _abs(oiDelta);
        }
        uint256 fee = (making * fees.makerFeeP + (total - making) * fees.takerFeeP) / 1e6 / 100;
        vaultFee = fee * fees.vaultFeePercent / 100;
        devFee = fee - vaultFee;
    }

    function getTradeFundingFee(address, uint16, uint8, bool, uint256, uint32) external pure returns (int256, int256) {
        return (0, 0);
    }

    /// Everything off: priceImpactK = 0 means that bid and ask are the execution prices (facts 3.7).
    function pairDynamicSpreadParams(uint16)
        external
        pure
        returns (uint256 netVolThreshold, uint128 decayRate, uint256 priceImpactK)
    {
        return (0, 0, 0);
    }

    function pairDynamicSpreadState(uint16)
        external
        pure
        returns (uint256 buyVolume, uint256 sellVolume, uint32 lastUpdateTimestamp)
    {
        return (0, 0, 0);
    }

    /// margin = collateral x threshold x leverage / maximum leverage (facts 3.9), the percentage cut at 1e-6.
    function getTradeLiquidationMargin(uint256 collateral, uint32 leverage, uint32 maxLeverage)
        public
        view
        returns (uint256)
    {
        uint256 thresholdP = uint256(liqMarginThresholdP) * 1e6 * leverage / maxLeverage;
        return collateral * thresholdP / 1e6 / 100;
    }

    /// Price 1e18 at which value at mid falls to the margin, with the fees accrued so far.
    function getTradeLiquidationPrice(
        address trader,
        uint16 pairIndex,
        uint8 index,
        uint256 openPrice,
        bool long,
        uint256 collateral,
        uint32 leverage,
        uint32 maxLeverage
    ) external view returns (uint256) {
        int256 fee = getTradeRolloverFee(trader, pairIndex, index, long, collateral, leverage);
        return getTradeLiquidationPricePure(openPrice, long, collateral, leverage, fee, 0, maxLeverage);
    }

    function getTradeLiquidationPricePure(
        uint256 openPrice,
        bool long,
        uint256 collateral,
        uint32 leverage,
        int256 rolloverFee,
        int256 fundingFee,
        uint32 maxLeverage
    ) public view returns (uint256) {
        int256 margin = int256(getTradeLiquidationMargin(collateral, leverage, maxLeverage));
        int256 spare = int256(collateral) - margin - rolloverFee - fundingFee;
        int256 distance = int256(openPrice) * spare * 100 / int256(collateral) / int256(uint256(leverage));
        int256 price = long ? int256(openPrice) - distance : int256(openPrice) + distance;
        return price > 0 ? uint256(price) : 0;
    }

    function getTradeValuePure(uint256 collateral, int256 percentProfit, int256 rolloverFee, int256 fundingFee)
        public
        pure
        returns (uint256)
    {
        return TradeMath.value(collateral, percentProfit, rolloverFee + fundingFee);
    }

    function getTradeValue(
        address trader,
        uint16 pairIndex,
        uint8 index,
        bool long,
        uint256 collateral,
        uint32 leverage,
        int256 percentProfit,
        uint32 maxLeverage
    ) external view returns (uint256 tradeValue, uint256 liqMarginValue, int256 r, int256 f) {
        r = getTradeRolloverFee(trader, pairIndex, index, long, collateral, leverage);
        f = 0;
        tradeValue = getTradeValuePure(collateral, percentProfit, r, f);
        liqMarginValue = getTradeLiquidationMargin(collateral, leverage, maxLeverage);
    }

    function _abs(int256 x) private pure returns (uint256) {
        return uint256(x < 0 ? -x : x);
    }

    function _opposite(int256 a, int256 b) private pure returns (bool) {
        return (a > 0 && b < 0) || (a < 0 && b > 0);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/Registered.sol";
import "../base/TradeMath.sol";

/// Switches, parameters and the arithmetic that the callbacks share.
abstract contract CallbacksBase is Registered {
    bool public isPaused;
    bool public isDone;
    /// Percent of collateral that a stop-loss may risk.
    uint8 public maxSl_P;
    /// Early-close fee (facts 3.8): starts at closeFeeStartingP (1e6 per 1 % of the notional) and falls to 0 over
    /// closeFeeDecayWindow seconds after the open.
    uint32 public closeFeeDecayWindow;
    uint32 public closeFeeStartingP;

    event Paused(bool paused);
    event Done(bool done);
    event MaxSlPUpdated(uint256 value);
    event CloseFeeParamsUpdated(uint32 decayWindow, uint32 startingP);
    event OracleFeeCharged(uint256 indexed tradeId, address indexed trader, uint256 amount);

    error IsDone();
    error NotPriceUpKeep(address a);

    /// What a position is worth under an oracle answer, for the share of it that is looked at.
    struct Valuation {
        uint256 price;
        uint256 impactP;
        int256 profitP;
        int256 rollover;
        uint256 value;
        bool liquidated;
    }

    function pause() external onlyGov {
        isPaused = !isPaused;
        emit Paused(isPaused);
    }

    function done() external onlyGov {
        isDone = !isDone;
        emit Done(isDone);
    }

    function setMaxSl_P(uint256 value) external onlyGov {
        if (value == 0 || value > 100) revert WrongParams();
        maxSl_P = uint8(value);
        emit MaxSlPUpdated(value);
    }

    function setCloseFeeParams(uint32 decayWindow, uint32 startingP) external onlyGov {
        closeFeeDecayWindow = decayWindow;
        closeFeeStartingP = startingP;
        emit CloseFeeParamsUpdated(decayWindow, startingP);
    }

    function _requirePriceUpKeep(uint16 pairIndex) internal view {
        if (isDone) revert IsDone();
        bytes memory upKeepName = abi.encodePacked(_pairs().oracle(pairIndex), "PriceUpkeep");
        if (msg.sender != registry.getContractAddress(bytes32(upKeepName))) revert NotPriceUpKeep(msg.sender);
    }

    function _hasPrices(PriceUpKeepAnswer memory a) internal pure returns (bool) {
        return a.price > 0 && a.bid > 0 && a.ask > 0;
    }

    /// Opening a long and closing a short pay the ask, the others get the bid (facts 3.7, K = 0).
    function _executionPrice(PriceUpKeepAnswer memory a, bool open, bool buy) internal pure returns (uint192) {
        return uint192(uint256(int256(open == buy ? a.ask : a.bid)));
    }

    function _mid(PriceUpKeepAnswer memory a) internal pure returns (uint256) {
        return uint256(int256(a.price));
    }

    /// The overnight maximum where the pair has one and this is no day trade, else the pair's (facts 2.3, 3.9).
    function _maxLeverage(uint16 pairIndex, bool isDayTrade) internal view returns (uint32) {
        uint32 overnight = _pairs().pairOvernightMaxLeverage(pairIndex);
        return overnight > 0 && !isDayTrade ? overnight : _pairs().pairMaxLeverage(pairIndex);
    }

    /// Values `collateral` of a position (facts 3.4): liquidation is judged at mid, payment at bid or ask.
    function _valuate(Trade memory t, uint32 initialLeverage, uint256 collateral, PriceUpKeepAnswer memory a)
        internal
        view
        returns (Valuation memory v)
    {
        v.price = _executionPrice(a, false, t.buy);
        v.impactP = TradeMath.impactP(_mid(a), v.price);
        v.profitP = TradeMath.profitP(t.openPrice, v.price, t.buy, t.leverage, initialLeverage);
        v.rollover = _infos().getTradeRolloverFee(t.trader, t.pairIndex, t.index, t.buy, collateral, t.leverage);
        v.value = TradeMath.value(collateral, v.profitP, v.rollover);
        v.liquidated = _isUnderMargin(t, initialLeverage, collateral, _mid(a), v.rollover);
    }

    function _isUnderMargin(Trade memory t, uint32 initialLeverage, uint256 collateral, uint256 mid, int256 fees)
        private
        view
        returns (bool)
    {
        int256 profitAtMid = TradeMath.profitP(t.openPrice, mid, t.buy, t.leverage, initialLeverage);
        uint32 maxLeverage = _maxLeverage(t.pairIndex, t.isDayTrade);
        uint256 margin = _infos().getTradeLiquidationMargin(collateral, t.leverage, maxLeverage);
        return TradeMath.value(collateral, profitAtMid, fees) < margin;
    }

    function _pay(address to, uint256 amount) internal {
        if (amount == 0) return;
        ITradingStorage store = _store();
        store.transferUsdc(address(store), to, amount);
    }
}

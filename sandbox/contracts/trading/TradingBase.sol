// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/ChainUtils.sol";
import "../base/Registered.sol";
import "../base/TradeMath.sol";

/// Switches, parameters, the effective sender and the lock test shared by all calls of a trader.
abstract contract TradingBase is Registered {
    bool public isPaused;
    bool public isDone;
    /// L2 blocks.
    uint16 public marketOrdersTimeout;
    uint16 public triggerTimeout;
    /// USDC 1e6.
    uint256 public maxAllowedCollateral;
    /// The trader for whom a delegate acts during delegatedAction, else 0.
    address internal _actingFor;

    event Paused(bool paused);
    event Done(bool done);
    event MarketOrdersTimeoutUpdated(uint16 value);
    event TriggerTimeoutUpdated(uint16 value);
    event MaxAllowedCollateralUpdated(uint256 value);
    event OracleFeeCharged(uint256 indexed tradeId, address indexed trader, uint16 pairIndex, uint256 amount);

    error AboveMaxAllowedCollateral();
    error BelowMinLevPos();
    error ExposureLimits();
    error IsDone();
    error IsPaused();
    error MaxPendingMarketOrdersReached(address trader);
    error NoTradeFound(address trader, uint16 pairIndex, uint8 index);
    error NotTradesUpKeep(address a);
    error TriggerPending(address sender, uint16 pairIndex, uint8 index);
    error WrongLeverage(uint32 leverage);
    error WrongSL();
    error WrongTP();

    modifier notDone() {
        if (isDone) revert IsDone();
        _;
    }

    modifier notPaused() {
        if (isPaused) revert IsPaused();
        _;
    }

    function pause() external onlyGov {
        isPaused = !isPaused;
        emit Paused(isPaused);
    }

    function done() external onlyGov {
        isDone = !isDone;
        emit Done(isDone);
    }

    function setMarketOrdersTimeout(uint256 value) external onlyGov {
        if (value == 0 || value > type(uint16).max) revert WrongParams();
        marketOrdersTimeout = uint16(value);
        emit MarketOrdersTimeoutUpdated(uint16(value));
    }

    function setTriggerTimeout(uint256 value) external onlyGov {
        if (value == 0 || value > type(uint16).max) revert WrongParams();
        triggerTimeout = uint16(value);
        emit TriggerTimeoutUpdated(uint16(value));
    }

    function setMaxAllowedCollateral(uint256 value) external onlyGov {
        if (value == 0) revert WrongParams();
        maxAllowedCollateral = value;
        emit MaxAllowedCollateralUpdated(value);
    }

    /// The effective trader: inside delegatedAction the one acted for, else the caller.
    function _msgSender() public view returns (address) {
        return _actingFor == address(0) ? msg.sender : _actingFor;
    }

    function _openTrade(address trader, uint16 pairIndex, uint8 index) internal view returns (Trade memory t) {
        t = _store().getOpenTrade(trader, pairIndex, index);
        if (t.leverage == 0) revert NoTradeFound(trader, pairIndex, index);
    }

    function _tradeId(Trade memory t) internal view returns (uint256) {
        return _store().getOpenTradeInfo(t.trader, t.pairIndex, t.index).tradeId;
    }

    /// The overnight maximum where the pair has one and this is no day trade, else the pair's (facts 2.3).
    function _maxLeverage(uint16 pairIndex, bool isDayTrade) internal view returns (uint32) {
        uint32 overnight = _pairs().pairOvernightMaxLeverage(pairIndex);
        return overnight > 0 && !isDayTrade ? overnight : _pairs().pairMaxLeverage(pairIndex);
    }

    /// A trigger locks for triggerTimeout L2 blocks unless its answer comes first (facts 3.5).
    function _isTriggered(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType)
        internal
        view
        returns (bool)
    {
        uint256 since = _store().orderTriggerBlock(trader, pairIndex, index, orderType);
        return since > 0 && ChainUtils.blockNumber() < since + triggerTimeout;
    }

    function _requireNoTrigger(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType) internal view {
        if (_isTriggered(trader, pairIndex, index, orderType)) revert TriggerPending(trader, pairIndex, index);
    }

    /// All six that concern an open position.
    function _requireUnlocked(Trade memory t) internal view {
        for (uint8 i = uint8(LimitOrder.TP); i <= uint8(LimitOrder.PENDING_CLOSE); ++i) {
            if (LimitOrder(i) != LimitOrder.OPEN) _requireNoTrigger(t.trader, t.pairIndex, t.index, LimitOrder(i));
        }
    }

    /// Pulled from the trader's wallet; on a close the event's first topic carries the order id (facts 2.5).
    function _chargeOracleFee(uint256 topic, Trade memory t) internal {
        ITradingStorage store = _store();
        uint256 fee = _pairs().pairOracleFee(t.pairIndex);
        store.transferUsdc(t.trader, address(store), fee);
        store.handleOracleFee(fee);
        emit OracleFeeCharged(topic, t.trader, t.pairIndex, fee);
    }

    /// Long: tp above and sl below the price; short: the reverse; 0 means none.
    function _requireSides(uint192 price, uint192 tp, uint192 sl, bool buy) internal pure {
        if (tp != 0 && (buy ? tp <= price : tp >= price)) revert WrongTP();
        if (sl != 0 && (buy ? sl >= price : sl <= price)) revert WrongSL();
    }
}

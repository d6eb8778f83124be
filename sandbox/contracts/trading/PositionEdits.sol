// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./TradingBase.sol";

/// Take-profit, stop-loss and collateral of an open position (facts 2.3).
abstract contract PositionEdits is TradingBase {
    event TpUpdated(
        uint256 indexed tradeId, address indexed trader, uint16 indexed pairIndex, uint8 index, uint192 newTp
    );
    event SlUpdated(
        uint256 indexed tradeId, address indexed trader, uint16 indexed pairIndex, uint8 index, uint192 newSl
    );
    event TopUpCollateralExecuted(
        uint256 indexed tradeId,
        address indexed trader,
        uint16 indexed pairIndex,
        uint256 topUpAmount,
        uint32 newLeverage
    );
    event RemoveCollateralInitiated(
        uint256 indexed tradeId,
        uint256 indexed orderId,
        address indexed trader,
        uint16 pairIndex,
        uint256 removeAmount
    );

    /// newTp 1e18. WrongTP for 0 and beyond the maximum gain; the side of the current price is not looked at.
    function updateTp(uint16 pairIndex, uint8 index, uint192 newTp) external {
        address trader = _msgSender();
        _requireNoTrigger(trader, pairIndex, index, LimitOrder.TP);
        _requireNoTrigger(trader, pairIndex, index, LimitOrder.PENDING_CLOSE);
        Trade memory t = _openTrade(trader, pairIndex, index);
        TradeInfo memory info = _store().getOpenTradeInfo(trader, pairIndex, index);
        uint32 highest = TradeMath.max(t.leverage, info.initialLeverage);
        if (newTp == 0 || TradeMath.correctTp(t.openPrice, highest, newTp, t.buy) != newTp) revert WrongTP();
        _store().updateTp(trader, pairIndex, index, newTp);
        emit TpUpdated(info.tradeId, trader, pairIndex, index, newTp);
    }

    /// newSl 1e18; 0 removes it. WrongSL further away than the maximum loss.
    function updateSl(uint16 pairIndex, uint8 index, uint192 newSl) external {
        address trader = _msgSender();
        _requireNoTrigger(trader, pairIndex, index, LimitOrder.SL);
        _requireNoTrigger(trader, pairIndex, index, LimitOrder.PENDING_CLOSE);
        Trade memory t = _openTrade(trader, pairIndex, index);
        uint8 maxSlP = ICallbacks(_callbacks()).maxSl_P();
        if (TradeMath.correctSl(t.openPrice, t.leverage, newSl, t.buy, maxSlP) != newSl) revert WrongSL();
        _store().updateSl(trader, pairIndex, index, newSl);
        emit SlUpdated(_tradeId(t), trader, pairIndex, index, newSl);
    }

    /// Lowers the leverage at the same size, at once. The leverage is rounded up to 0.01 and the amount pulled
    /// lowered to what makes it exact: 100 USDC at 33.33x plus 7 pulls 6.998394 for 31.15x.
    function topUpCollateral(uint16 pairIndex, uint8 index, uint256 topUpAmount) external {
        Trade memory t = _openTrade(_msgSender(), pairIndex, index);
        if (topUpAmount == 0) revert WrongParams();
        _requireUnlocked(t);
        uint256 size = t.collateral * t.leverage;
        uint256 asked = t.collateral + topUpAmount;
        uint32 leverage = uint32((size + asked - 1) / asked);
        uint256 collateral = size / leverage;
        if (collateral <= t.collateral) revert WrongParams();
        uint256 amount = collateral - t.collateral;
        _requireTopUp(t, amount, collateral, leverage);
        (t.collateral, t.leverage) = (collateral, leverage);
        _store().transferUsdc(t.trader, address(_store()), amount);
        _store().updateTrade(t);
        emit TopUpCollateralExecuted(_tradeId(t), t.trader, pairIndex, amount, leverage);
    }

    /// Raises the leverage at the same size, once the oracle has answered. The leverage is rounded down to 0.01
    /// and the amount lowered to what makes it exact. The oracle fee is pulled from the trader's wallet.
    function removeCollateral(uint16 pairIndex, uint8 index, uint256 removeAmount) external notDone notPaused {
        Trade memory t = _openTrade(_msgSender(), pairIndex, index);
        if (removeAmount == 0 || removeAmount >= t.collateral) revert WrongParams();
        _requireUnlocked(t);
        uint256 size = t.collateral * t.leverage;
        uint256 leverage = size / (t.collateral - removeAmount);
        if (leverage <= t.leverage || leverage > _maxLeverage(pairIndex, t.isDayTrade)) {
            revert WrongLeverage(uint32(leverage));
        }
        _requestRemoval(t, t.collateral - size / leverage);
    }

    function _requireTopUp(Trade memory t, uint256 amount, uint256 collateral, uint32 leverage) private view {
        IPairsStorage pairs = _pairs();
        if (pairs.groupCollateral(t.pairIndex, t.buy) + amount > pairs.groupMaxCollateral(t.pairIndex)) {
            revert ExposureLimits();
        }
        if (collateral > maxAllowedCollateral) revert AboveMaxAllowedCollateral();
        if (leverage >= t.leverage || leverage < pairs.pairMinLeverage(t.pairIndex)) revert WrongLeverage(leverage);
    }

    function _requestRemoval(Trade memory t, uint256 amount) private {
        ITradingStorage store = _store();
        uint256 tradeId = _tradeId(t);
        uint256 orderId = _router().getPrice(t.pairIndex, RequestType.REMOVE_COLLATERAL, block.timestamp);
        store.storePendingRemoveCollateral(
            PendingRemoveCollateral(amount, t.trader, t.pairIndex, t.index, tradeId), orderId
        );
        store.setTrigger(t.trader, t.pairIndex, t.index, LimitOrder.REMOVE_COLLATERAL);
        _chargeOracleFee(tradeId, t);
        emit RemoveCollateralInitiated(tradeId, orderId, t.trader, t.pairIndex, amount);
    }
}

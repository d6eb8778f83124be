// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./StorageAccess.sol";

/// Open positions by (trader, pair, index) and their open interest (facts 3.1). A slot is free again as soon as
/// its position is closed. A position exists when its leverage is not 0.
abstract contract TradesBook is StorageAccess {
    uint8 public maxTradesPerPair;
    uint32 public totalOpenTradesCount;
    mapping(address => mapping(uint16 => mapping(uint8 => Trade))) public openTrades;
    mapping(address => mapping(uint16 => mapping(uint8 => TradeInfo))) public openTradesInfo;
    mapping(address => mapping(uint16 => uint32)) public openTradesCount;
    /// 0 long and 1 short in base units (1e18), 2 the cap in USDC (1e6).
    mapping(uint16 => uint256[3]) public openInterest;
    mapping(uint16 => address[]) public pairTraders;
    mapping(address => mapping(uint16 => uint256)) public pairTradersId;

    event MaxOpenInterestUpdated(uint16 indexed pairIndex, uint256 value);
    event MaxTradesPerPairUpdated(uint256 value);

    error NotEmptyIndex();

    function setMaxTradesPerPair(uint256 value) external onlyGov {
        if (value == 0 || value > type(uint8).max) revert WrongParams();
        maxTradesPerPair = uint8(value);
        emit MaxTradesPerPairUpdated(value);
    }

    function setMaxOpenInterest(uint16 pairIndex, uint256 value) external onlyGov {
        openInterest[pairIndex][2] = value;
        emit MaxOpenInterestUpdated(pairIndex, value);
    }

    function storeTrade(Trade calldata trade, TradeInfo calldata info) external onlyCallbacks {
        if (openTrades[trade.trader][trade.pairIndex][trade.index].leverage > 0) revert NotEmptyIndex();
        openTrades[trade.trader][trade.pairIndex][trade.index] = trade;
        openTradesInfo[trade.trader][trade.pairIndex][trade.index] = info;
        if (openTradesCount[trade.trader][trade.pairIndex]++ == 0) _addPairTrader(trade.trader, trade.pairIndex);
        totalOpenTradesCount++;
        openInterest[trade.pairIndex][trade.buy ? 0 : 1] += info.oiNotional;
        _pairs().updateGroupCollateral(trade.pairIndex, trade.collateral, trade.buy, true);
    }

    /// For a change of collateral and leverage at the same size, and the tp and sl that follow from it.
    function updateTrade(Trade calldata trade) external onlyTradingOrCallbacks {
        Trade storage stored = openTrades[trade.trader][trade.pairIndex][trade.index];
        bool grows = trade.collateral > stored.collateral;
        uint256 change = grows ? trade.collateral - stored.collateral : stored.collateral - trade.collateral;
        openTrades[trade.trader][trade.pairIndex][trade.index] = trade;
        _pairs().updateGroupCollateral(trade.pairIndex, change, trade.buy, grows);
    }

    /// Takes collateral out of a position, and open interest in proportion; the last of it frees the slot.
    function unregisterTrade(address trader, uint16 pairIndex, uint8 index, uint256 collateralToClose)
        external
        onlyCallbacks
    {
        Trade storage trade = openTrades[trader][pairIndex][index];
        TradeInfo storage info = openTradesInfo[trader][pairIndex][index];
        bool buy = trade.buy;
        bool whole = collateralToClose == trade.collateral;
        uint256 closedOi = whole ? info.oiNotional : info.oiNotional * collateralToClose / trade.collateral;
        openInterest[pairIndex][buy ? 0 : 1] -= closedOi;
        if (whole) {
            _freeSlot(trader, pairIndex, index);
        } else {
            trade.collateral -= collateralToClose;
            info.oiNotional -= closedOi;
        }
        _pairs().updateGroupCollateral(pairIndex, collateralToClose, buy, false);
    }

    function updateTp(address trader, uint16 pairIndex, uint8 index, uint256 newTp) external onlyTrading {
        openTrades[trader][pairIndex][index].tp = uint192(newTp);
        openTradesInfo[trader][pairIndex][index].tpLastUpdated = uint32(block.timestamp);
    }

    function updateSl(address trader, uint16 pairIndex, uint8 index, uint256 newSl) external onlyTrading {
        openTrades[trader][pairIndex][index].sl = uint192(newSl);
        openTradesInfo[trader][pairIndex][index].slLastUpdated = uint32(block.timestamp);
    }

    function getOpenTrade(address trader, uint16 pairIndex, uint8 index) external view returns (Trade memory) {
        return openTrades[trader][pairIndex][index];
    }

    function getOpenTradeInfo(address trader, uint16 pairIndex, uint8 index) external view returns (TradeInfo memory) {
        return openTradesInfo[trader][pairIndex][index];
    }

    function getPairOpeningInterestInfo(uint16 pairIndex) external view returns (uint256, uint256, uint256) {
        uint256[3] storage oi = openInterest[pairIndex];
        return (oi[0], oi[1], oi[2]);
    }

    function firstEmptyTradeIndex(address trader, uint16 pairIndex) external view returns (uint8 index) {
        while (openTrades[trader][pairIndex][index].leverage > 0) ++index;
    }

    function pairTradersArray(uint16 pairIndex) external view returns (address[] memory) {
        return pairTraders[pairIndex];
    }

    function pairTradersCount(uint16 pairIndex) external view returns (uint256) {
        return pairTraders[pairIndex].length;
    }

    function _freeSlot(address trader, uint16 pairIndex, uint8 index) private {
        delete openTrades[trader][pairIndex][index];
        delete openTradesInfo[trader][pairIndex][index];
        totalOpenTradesCount--;
        if (--openTradesCount[trader][pairIndex] == 0) _removePairTrader(trader, pairIndex);
    }

    function _addPairTrader(address trader, uint16 pairIndex) private {
        pairTradersId[trader][pairIndex] = pairTraders[pairIndex].length;
        pairTraders[pairIndex].push(trader);
    }

    function _removePairTrader(address trader, uint16 pairIndex) private {
        address[] storage traders = pairTraders[pairIndex];
        uint256 position = pairTradersId[trader][pairIndex];
        address last = traders[traders.length - 1];
        traders[position] = last;
        pairTradersId[last][pairIndex] = position;
        traders.pop();
        delete pairTradersId[trader][pairIndex];
    }
}

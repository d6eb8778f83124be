// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./Types.sol";

// How the contracts call one another. Every address is looked up in the registry at the moment of the call.

interface IERC20 {
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

interface IMintable {
    function mint(address to, uint256 amount) external returns (bool);
}

interface IRegistry {
    function gov() external view returns (address);
    function getContractAddress(bytes32 name) external view returns (address);
}

interface IVault {
    function sendAssets(uint256 assets, address receiver) external;
}

interface IPriceRouter {
    function getPrice(uint16 pairIndex, RequestType requestType, uint256 timestamp) external returns (uint256 orderId);
}

interface IPriceUpKeep {
    function requestPrice(uint256 orderId, RequestType requestType, bytes32 feed, uint256 timestamp) external;
}

interface ITrading {
    function isPaused() external view returns (bool);
}

interface ICallbacks {
    function maxSl_P() external view returns (uint8);
    function openTradeMarketCallback(PriceUpKeepAnswer calldata a) external;
    function closeTradeMarketCallback(PriceUpKeepAnswer calldata a) external;
    function executeAutomationOpenOrderCallback(PriceUpKeepAnswer calldata a) external;
    function executeAutomationCloseOrderCallback(PriceUpKeepAnswer calldata a) external;
    function handleRemoveCollateral(PriceUpKeepAnswer calldata a) external;
    function forceCancel(uint256 orderId, RequestType requestType, CancelReason reason) external;
}

interface IPairsStorage {
    function isPairIndexListed(uint16 pairIndex) external view returns (bool);
    function oracle(uint16 pairIndex) external view returns (string memory);
    function pairFeed(uint16 pairIndex) external view returns (bytes32);
    function pairMaxLeverage(uint16 pairIndex) external view returns (uint32);
    function pairMinLeverage(uint16 pairIndex) external view returns (uint16);
    function pairOvernightMaxLeverage(uint16 pairIndex) external view returns (uint32);
    function pairOracleFee(uint16 pairIndex) external view returns (uint64);
    function pairMinLevPos(uint16 pairIndex) external view returns (uint64);
    function groupCollateral(uint16 pairIndex, bool long) external view returns (uint256);
    function groupMaxCollateral(uint16 pairIndex) external view returns (uint256);
    function updateGroupCollateral(uint16 pairIndex, uint256 amount, bool long, bool increase) external;
}

interface IPairInfos {
    function maxNegativePnlOnOpenP() external view returns (uint8);
    function pairOpeningFees(uint16 pairIndex) external view returns (PairOpeningFees memory);
    function getOpeningFee(uint16 pairIndex, int256 size, uint32 leverage, int256 oiDelta)
        external
        view
        returns (uint256 devFee, uint256 vaultFee);
    function getTradeRolloverFee(
        address trader,
        uint16 pairIndex,
        uint8 index,
        bool long,
        uint256 collateral,
        uint32 leverage
    ) external view returns (int256);
    function getTradeLiquidationMargin(uint256 collateral, uint32 leverage, uint32 maxLeverage)
        external
        view
        returns (uint256);
    function storeTradeInitialAccFees(uint256 tradeId, address trader, uint16 pairIndex, uint8 index, bool long)
        external;
}

interface ITradingStorage {
    function usdc() external view returns (address);
    function maxTradesPerPair() external view returns (uint8);
    function maxPendingMarketOrders() external view returns (uint8);
    function openTradesCount(address trader, uint16 pairIndex) external view returns (uint32);
    function pendingMarketOpenCount(address trader, uint16 pairIndex) external view returns (uint8);
    function openLimitOrdersCount(address trader, uint16 pairIndex) external view returns (uint8);
    function pendingOrderIdsCount(address trader) external view returns (uint256);
    function firstEmptyTradeIndex(address trader, uint16 pairIndex) external view returns (uint8);
    function firstEmptyOpenLimitIndex(address trader, uint16 pairIndex) external view returns (uint8);
    function openInterest(uint16 pairIndex, uint256 side) external view returns (uint256);
    function orderTriggerBlock(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType)
        external
        view
        returns (uint256);
    function getOpenTrade(address trader, uint16 pairIndex, uint8 index) external view returns (Trade memory);
    function getOpenTradeInfo(address trader, uint16 pairIndex, uint8 index) external view returns (TradeInfo memory);
    function getOpenLimitOrder(address trader, uint16 pairIndex, uint8 index)
        external
        view
        returns (OpenLimitOrder memory);
    function hasOpenLimitOrder(address trader, uint16 pairIndex, uint8 index) external view returns (bool);
    function limitOrderIds(address trader, uint16 pairIndex, uint8 index) external view returns (uint256);
    function getBuilderData(address trader, uint16 pairIndex, uint256 key) external view returns (BuilderFee memory);
    function reqID_pendingMarketOrder(uint256 orderId) external view returns (PendingMarketOrderV2 memory);
    function pendingMarketCloseTradeIds(uint256 orderId) external view returns (uint256);
    function reqID_pendingAutomationOrder(uint256 orderId) external view returns (PendingAutomationOrder memory);
    function getPendingRemoveCollateral(uint256 orderId) external view returns (PendingRemoveCollateral memory);

    function storeTrade(Trade calldata trade, TradeInfo calldata info) external;
    function updateTrade(Trade calldata trade) external;
    function unregisterTrade(address trader, uint16 pairIndex, uint8 index, uint256 collateralToClose) external;
    function updateTp(address trader, uint16 pairIndex, uint8 index, uint256 newTp) external;
    function updateSl(address trader, uint16 pairIndex, uint8 index, uint256 newSl) external;
    function storeOpenLimitOrder(OpenLimitOrder calldata order, BuilderFee calldata bf) external;
    function updateOpenLimitOrder(OpenLimitOrder calldata order) external;
    function unregisterOpenLimitOrder(address trader, uint16 pairIndex, uint8 index) external;
    function storePendingMarketOrder(PendingMarketOrderV2 calldata o, uint256 id, bool open, BuilderFee calldata bf)
        external;
    function unregisterPendingMarketOrder(uint256 id, bool open) external;
    function storePendingMarketCloseTradeId(uint256 orderId, uint256 tradeId) external;
    function storePendingAutomationOrder(PendingAutomationOrder calldata o, uint256 orderId) external;
    function unregisterPendingAutomationOrder(uint256 orderId) external;
    function storePendingRemoveCollateral(PendingRemoveCollateral calldata r, uint256 orderId) external;
    function unregisterPendingRemoveCollateral(uint256 orderId) external;
    function setTrigger(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType) external;
    function unregisterTrigger(address trader, uint16 pairIndex, uint8 index, LimitOrder orderType) external;
    function handleOpeningFees(uint16 pairIndex, uint256 price, uint256 size, uint32 leverage, bool buy)
        external
        returns (uint256 devFee, uint256 vaultFee);
    function handleOracleFee(uint256 amount) external;
    function refundOracleFee(uint256 amount) external;
    function transferUsdc(address from, address to, uint256 amount) external;
}

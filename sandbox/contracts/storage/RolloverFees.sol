// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/ChainUtils.sol";
import "../base/Registered.sol";

/// Rollover V2 (facts 3.8): one signed accumulator a side, growing by a constant rate per L2 block.
/// long rate = lastLongPure + brokerPremium, short rate = -lastLongPure + brokerPremium, floored at 0 unless the
/// pair allows negative rollover. Accumulators and rates are 1e18 per unit of notional.
abstract contract RolloverFees is Registered {
    address public manager;
    mapping(uint16 => PairRolloverFeesV2) public pairRolloverFeesV2;
    mapping(address => mapping(uint16 => mapping(uint8 => InitialAccFees))) public tradeInitialAccFees;

    event AccRolloverFeesStoredV2(
        uint16 indexed pairIndex, int256 accPerOiLong, int256 accPerOiShort, uint32 lastUpdateBlock
    );
    event BrokerPremiumUpdated(uint16 indexed pairId, uint256 premium);
    event PairIsNegativeRolloverAllowedUpdated(uint16 indexed pairIndex, bool value);
    event RolloverFeesUpdateSuccess(uint16 indexed pairId, int256 pureFee);
    event TradeInitialAccFeesStoredV2(
        uint256 indexed tradeId,
        address indexed trader,
        uint16 indexed pairIndex,
        uint8 index,
        int256 rollover,
        bool isRolloverSignNegative,
        int256 funding
    );

    error NotCallbacks(address a);

    function updateRolloverFees(uint16 pairId, int256 pureLongFee) external onlyGov {
        _accrue(pairId);
        pairRolloverFeesV2[pairId].lastLongPure = pureLongFee;
        emit RolloverFeesUpdateSuccess(pairId, pureLongFee);
    }

    function updatePairBrokerPremium(uint16 pairId, uint256 premium) external onlyGov {
        _accrue(pairId);
        pairRolloverFeesV2[pairId].brokerPremium = premium;
        emit BrokerPremiumUpdated(pairId, premium);
    }

    function setPairIsNegativeRolloverAllowed(uint16 pairIndex, bool value) external onlyGov {
        _accrue(pairIndex);
        pairRolloverFeesV2[pairIndex].isNegativeRolloverAllowed = value;
        emit PairIsNegativeRolloverAllowedUpdated(pairIndex, value);
    }

    /// Long and short accumulator, long rate, broker premium, L2 block of the last update, negative allowed.
    function getPairRolloverFees(uint16 pairId) external view returns (int256, int256, int256, uint256, uint32, bool) {
        PairRolloverFeesV2 storage f = pairRolloverFeesV2[pairId];
        return (
            f.accPerOiLong,
            f.accPerOiShort,
            f.lastLongPure,
            f.brokerPremium,
            f.lastUpdateBlock,
            f.isNegativeRolloverAllowed
        );
    }

    function getAccRollover(uint16 pairIndex, bool long) external view returns (int256) {
        PairRolloverFeesV2 storage f = pairRolloverFeesV2[pairIndex];
        return long ? f.accPerOiLong : f.accPerOiShort;
    }

    /// The accumulator as it stands at this block.
    function getPendingAccRolloverFees(uint16 pairIndex, bool long) public view returns (int256) {
        PairRolloverFeesV2 storage f = pairRolloverFeesV2[pairIndex];
        int256 rate = (long ? f.lastLongPure : -f.lastLongPure) + int256(f.brokerPremium);
        if (rate < 0 && !f.isNegativeRolloverAllowed) rate = 0;
        int256 blocks = int256(ChainUtils.blockNumber() - f.lastUpdateBlock);
        return (long ? f.accPerOiLong : f.accPerOiShort) + rate * blocks;
    }

    function getTradeInitialAccRolloverFeesPerCollateral(address trader, uint16 pairIndex, uint8 index)
        public
        view
        returns (int256)
    {
        InitialAccFees storage initial = tradeInitialAccFees[trader][pairIndex][index];
        int256 rollover = int256(initial.rollover);
        return initial.isRolloverSignNegative ? -rollover : rollover;
    }

    /// USDC 1e6; negative when the trader is paid.
    function getTradeRolloverFee(
        address trader,
        uint16 pairIndex,
        uint8 index,
        bool long,
        uint256 collateral,
        uint32 leverage
    ) public view returns (int256) {
        if (!tradeInitialAccFees[trader][pairIndex][index].openedAfterUpdate) return 0;
        int256 initial = getTradeInitialAccRolloverFeesPerCollateral(trader, pairIndex, index);
        return getTradeRolloverFeePure(initial, getPendingAccRolloverFees(pairIndex, long), collateral, leverage);
    }

    /// A positive difference that rounds to nothing still costs one unit.
    function getTradeRolloverFeePure(int256 initial, int256 current, uint256 collateral, uint32 leverage)
        public
        pure
        returns (int256 fee)
    {
        fee = (current - initial) * int256(collateral) * int256(uint256(leverage)) / 1e18 / 100;
        if (fee == 0 && current > initial) fee = 1;
    }

    function storeTradeInitialAccFees(uint256 tradeId, address trader, uint16 pairIndex, uint8 index, bool long)
        external
    {
        if (msg.sender != _callbacks()) revert NotCallbacks(msg.sender);
        int256 rollover = getPendingAccRolloverFees(pairIndex, long);
        bool negative = rollover < 0;
        uint256 size = uint256(negative ? -rollover : rollover);
        tradeInitialAccFees[trader][pairIndex][index] = InitialAccFees(size, 0, true, negative);
        emit TradeInitialAccFeesStoredV2(tradeId, trader, pairIndex, index, rollover, negative, 0);
    }

    function _accrue(uint16 pairIndex) private {
        PairRolloverFeesV2 storage f = pairRolloverFeesV2[pairIndex];
        f.accPerOiLong = getPendingAccRolloverFees(pairIndex, true);
        f.accPerOiShort = getPendingAccRolloverFees(pairIndex, false);
        f.lastUpdateBlock = uint32(ChainUtils.blockNumber());
        emit AccRolloverFeesStoredV2(pairIndex, f.accPerOiLong, f.accPerOiShort, f.lastUpdateBlock);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../base/Registered.sol";

/// What is listed (facts 6): groups, fee groups and pairs. Pair ids keep the venue's numbers and are therefore
/// sparse here; pairsCount is the highest listed id plus one.
contract PairsStorage is Registered {
    mapping(uint8 => Group) public groups;
    mapping(uint8 => Fee) public fees;
    mapping(uint16 => Pair) public pairs;
    mapping(uint16 => bool) public isPairIndexListed;
    /// USDC 1e6 per group; 0 long, 1 short.
    mapping(uint8 => uint256[2]) public groupsCollaterals;
    uint16 public pairsCount;
    uint8 public groupsCount;
    uint8 public feesCount;

    event GroupUpdated(uint8 indexed index);
    event FeeUpdated(uint8 indexed index);
    event PairAdded(uint16 index, bytes32 from, bytes32 to);
    event PairUpdated(uint16 indexed index);
    event PairMaxLeverageUpdated(uint16 indexed pairIndex, uint32 maxLeverage);
    event PairOvernightMaxLeverageUpdated(uint16 indexed pairIndex, uint32 overnightMaxLeverage);

    error NotAuthorized(address a);
    error PairNotListed(uint256 index);

    modifier listed(uint16 pairIndex) {
        if (!isPairIndexListed[pairIndex]) revert PairNotListed(pairIndex);
        _;
    }

    function initialize(address registry_) external {
        _setRegistry(registry_);
    }

    function updateGroup(uint8 index, Group calldata group) external onlyGov {
        groups[index] = group;
        if (index >= groupsCount) groupsCount = index + 1;
        emit GroupUpdated(index);
    }

    function updateFee(uint8 index, Fee calldata fee) external onlyGov {
        fees[index] = fee;
        if (index >= feesCount) feesCount = index + 1;
        emit FeeUpdated(index);
    }

    function updatePair(uint16 index, Pair calldata pair) external onlyGov {
        bool known = isPairIndexListed[index];
        pairs[index] = pair;
        isPairIndexListed[index] = true;
        if (index >= pairsCount) pairsCount = index + 1;
        if (known) emit PairUpdated(index);
        else emit PairAdded(index, pair.from, pair.to);
    }

    function setPairMaxLeverage(uint16 pairIndex, uint32 maxLeverage) external onlyGov listed(pairIndex) {
        pairs[pairIndex].maxLeverage = maxLeverage;
        emit PairMaxLeverageUpdated(pairIndex, maxLeverage);
    }

    function setPairOvernightMaxLeverage(uint16 pairIndex, uint32 maxLeverage) external onlyGov listed(pairIndex) {
        pairs[pairIndex].overnightMaxLeverage = maxLeverage;
        emit PairOvernightMaxLeverageUpdated(pairIndex, maxLeverage);
    }

    function updateGroupCollateral(uint16 pairIndex, uint256 amount, bool long, bool increase) external {
        if (msg.sender != address(_store())) revert NotAuthorized(msg.sender);
        uint256[2] storage sides = groupsCollaterals[pairs[pairIndex].groupIndex];
        uint256 side = long ? 0 : 1;
        if (increase) sides[side] += amount;
        else sides[side] = sides[side] > amount ? sides[side] - amount : 0;
    }

    function groupCollateral(uint16 pairIndex, bool long) external view returns (uint256) {
        return groupsCollaterals[pairs[pairIndex].groupIndex][long ? 0 : 1];
    }

    /// maxCollateralP (1e2 percent) of the vault's size.
    function groupMaxCollateral(uint16 pairIndex) external view returns (uint256) {
        uint256 vaultSize = IERC20(_store().usdc()).balanceOf(_vault());
        return uint256(groups[pairs[pairIndex].groupIndex].maxCollateralP) * vaultSize / 1e4;
    }

    function isPairListed(bytes32 from, bytes32 to) external view returns (bool) {
        for (uint16 i = 0; i < pairsCount; ++i) {
            if (isPairIndexListed[i] && pairs[i].from == from && pairs[i].to == to) return true;
        }
        return false;
    }

    function oracle(uint16 pairIndex) external view listed(pairIndex) returns (string memory) {
        return pairs[pairIndex].oracle;
    }

    function pairFeed(uint16 pairIndex) external view listed(pairIndex) returns (bytes32) {
        return pairs[pairIndex].feed;
    }

    /// The pair's own maximum when it has one, else its group's (facts 6).
    function pairMaxLeverage(uint16 pairIndex) external view returns (uint32) {
        Pair storage pair = pairs[pairIndex];
        return pair.maxLeverage > 0 ? pair.maxLeverage : groups[pair.groupIndex].maxLeverage;
    }

    function pairOvernightMaxLeverage(uint16 pairIndex) external view returns (uint32) {
        return pairs[pairIndex].overnightMaxLeverage;
    }

    function pairMinLeverage(uint16 pairIndex) external view returns (uint16) {
        return groups[pairs[pairIndex].groupIndex].minLeverage;
    }

    function pairOracleFee(uint16 pairIndex) external view returns (uint64) {
        return fees[pairs[pairIndex].feeIndex].oracleFee;
    }

    function pairMinLevPos(uint16 pairIndex) external view returns (uint64) {
        return fees[pairs[pairIndex].feeIndex].minLevPos;
    }

    function pairLiquidationFeeP(uint16 pairIndex) external view returns (uint16) {
        return fees[pairs[pairIndex].feeIndex].liqFeeP;
    }
}

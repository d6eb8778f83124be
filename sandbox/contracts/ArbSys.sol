// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Stand-in for the precompile at 0x64 (facts 9): here the local chain's own height is the L2 height.
contract ArbSys {
    function arbBlockNumber() external view returns (uint256) {
        return block.number;
    }
}

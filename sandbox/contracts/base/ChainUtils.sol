// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface IArbSys {
    function arbBlockNumber() external view returns (uint256);
}

library ChainUtils {
    /// L2 height. On Arbitrum `block.number` is an estimate of the L1 height, so the precompile is asked (facts 9).
    function blockNumber() internal view returns (uint256) {
        return IArbSys(address(0x64)).arbBlockNumber();
    }
}

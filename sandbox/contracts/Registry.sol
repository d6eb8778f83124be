// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Names to addresses (facts 1.1). Names are ASCII, left-aligned, zero-padded.
contract Registry {
    address public gov;
    mapping(bytes32 => address) private _contracts;

    error InvalidInitialization();
    error NotGov(address a);
    error UnknownContract(bytes32 name);
    error WrongParams();

    function initialize(address gov_) external {
        if (gov != address(0)) revert InvalidInitialization();
        gov = gov_;
    }

    /// Refused with UnknownContract for a name that was never set.
    function getContractAddress(bytes32 name) external view returns (address found) {
        found = _contracts[name];
        if (found == address(0)) revert UnknownContract(name);
    }

    function setContracts(bytes32[] calldata names, address[] calldata addresses) external {
        if (msg.sender != gov) revert NotGov(msg.sender);
        if (names.length != addresses.length) revert WrongParams();
        for (uint256 i = 0; i < names.length; ++i) {
            _contracts[names[i]] = addresses[i];
        }
    }
}

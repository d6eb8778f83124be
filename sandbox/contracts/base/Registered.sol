// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./Interfaces.sol";

/// Base of every contract that finds the others through the registry (facts 1.1). Code is placed with
/// anvil_setCode, so there is no constructor: the first `initialize` wins and a second one is refused.
abstract contract Registered {
    IRegistry public registry;

    error InvalidInitialization();
    error NotGov(address a);
    error WrongParams();

    modifier onlyGov() {
        _requireGov();
        _;
    }

    function _requireGov() private view {
        if (msg.sender != registry.gov()) revert NotGov(msg.sender);
    }

    function _setRegistry(address registry_) internal {
        if (address(registry) != address(0)) revert InvalidInitialization();
        registry = IRegistry(registry_);
    }

    function _trading() internal view returns (address) {
        return registry.getContractAddress("trading");
    }

    function _callbacks() internal view returns (address) {
        return registry.getContractAddress("callbacks");
    }

    function _vault() internal view returns (address) {
        return registry.getContractAddress("vault");
    }

    function _store() internal view returns (ITradingStorage) {
        return ITradingStorage(registry.getContractAddress("tradingStorage"));
    }

    function _pairs() internal view returns (IPairsStorage) {
        return IPairsStorage(registry.getContractAddress("pairsStorage"));
    }

    function _infos() internal view returns (IPairInfos) {
        return IPairInfos(registry.getContractAddress("pairInfos"));
    }

    function _router() internal view returns (IPriceRouter) {
        return IPriceRouter(registry.getContractAddress("priceRouter"));
    }
}

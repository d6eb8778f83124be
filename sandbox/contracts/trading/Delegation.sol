// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./TradingBase.sol";

/// One delegate a trader (facts 2.3, "Delegation").
abstract contract Delegation is TradingBase {
    bytes32 public constant DELEGATION_TYPEHASH =
        keccak256("Delegation(address delegator,address delegate,uint256 nonce,uint256 expiry)");

    mapping(address => address) public delegations;
    mapping(address => uint256) public delegatableNonces;

    event DelegateAdded(address indexed delegator, address indexed delegate);
    event DelegateRemoved(address indexed delegator, address indexed delegate);

    error DelegateForbidden();
    error DelegateReentrant();
    error DelegatedActionFailed();
    error InvalidCallData();
    error InvalidNonce();
    error InvalidSignature();
    error NoDelegate(address a);
    error NotDelegate(address trader, address caller);
    error NullAddr();
    error SignatureExpired();

    /// Overwrites whatever delegate was there and makes earlier signatures useless. NullAddr for the zero address:
    /// a delegate is taken away with removeDelegate only.
    function setDelegate(address delegate) external {
        if (delegate == address(0)) revert NullAddr();
        _setDelegate(msg.sender, delegate);
    }

    function removeDelegate() external {
        address delegate = delegations[msg.sender];
        if (delegate == address(0)) revert NoDelegate(msg.sender);
        delete delegations[msg.sender];
        emit DelegateRemoved(msg.sender, delegate);
    }

    /// For anyone to submit. Plain ECDSA, so a contract wallet cannot use it. expiry: unix seconds.
    function setDelegateWithSignature(
        address delegator,
        address delegate,
        uint256 nonce,
        uint256 expiry,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        if (delegator == address(0) || delegate == address(0)) revert NullAddr();
        if (block.timestamp > expiry) revert SignatureExpired();
        if (nonce != delegatableNonces[delegator]) revert InvalidNonce();
        bytes32 structHash = keccak256(abi.encode(DELEGATION_TYPEHASH, delegator, delegate, nonce, expiry));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), structHash));
        if (ecrecover(digest, v, r, s) != delegator) revert InvalidSignature();
        _setDelegate(delegator, delegate);
    }

    /// Runs the call as the trader. The inner revert data passes through unchanged; DelegatedActionFailed only
    /// when there was none.
    function delegatedAction(address trader, bytes calldata call_data) external returns (bytes memory) {
        if (_actingFor != address(0)) revert DelegateReentrant();
        if (delegations[trader] != msg.sender) revert NotDelegate(trader, msg.sender);
        if (call_data.length < 4) revert InvalidCallData();
        if (_isDelegationCall(bytes4(call_data[:4]))) revert DelegateForbidden();
        _actingFor = trader;
        (bool success, bytes memory result) = address(this).delegatecall(call_data);
        if (!success) {
            if (result.length == 0) revert DelegatedActionFailed();
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
        _actingFor = address(0);
        return result;
    }

    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(typeHash, keccak256("Ostium"), keccak256("1"), block.chainid, address(this)));
    }

    function _setDelegate(address delegator, address delegate) private {
        delegations[delegator] = delegate;
        delegatableNonces[delegator]++;
        emit DelegateAdded(delegator, delegate);
    }

    function _isDelegationCall(bytes4 selector) private pure returns (bool) {
        return selector == this.setDelegate.selector || selector == this.removeDelegate.selector
            || selector == this.setDelegateWithSignature.selector || selector == this.delegatedAction.selector;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "./base/Registered.sol";

/// Testnet faucet (facts 2.3): pays its caller, once per waiting time.
contract Faucet is Registered {
    address public token;
    uint256 public tokenAmount;
    uint256 public waitTime;
    bool public paused;
    mapping(address => uint256) public nextRequestTime;

    event FaucetParamsUpdated(uint256 amount, uint256 waitingTime);
    event Paused(address account);
    event Unpaused(address account);

    error EnforcedPause();
    error NotAllowed();

    function initialize(address registry_, address token_, uint256 amount, uint256 wait) external {
        _setRegistry(registry_);
        token = token_;
        tokenAmount = amount;
        waitTime = wait;
    }

    /// Mints tokenAmount (1e6) to the caller; NotAllowed before nextRequestTime (unix seconds).
    function requestTokens() external {
        if (paused) revert EnforcedPause();
        if (block.timestamp < nextRequestTime[msg.sender]) revert NotAllowed();
        nextRequestTime[msg.sender] = block.timestamp + waitTime;
        IMintable(token).mint(msg.sender, tokenAmount);
    }

    function setFaucetParams(uint256 amount, uint256 wait) external onlyGov {
        if (amount == 0) revert WrongParams();
        tokenAmount = amount;
        waitTime = wait;
        emit FaucetParamsUpdated(amount, wait);
    }

    function pause() external onlyGov {
        paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyGov {
        paused = false;
        emit Unpaused(msg.sender);
    }
}

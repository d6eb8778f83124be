// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Collateral token: 6 decimals, and the revert strings of the mainnet token (facts 2.6), the allowance being
/// looked at before the balance. Minters are the owner and whoever the owner names (the faucet).
contract Usdc {
    string public constant name = "USD Coin";
    string public constant symbol = "USDC";
    uint8 public constant decimals = 6;

    address public owner;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public isMinter;

    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Mint(address indexed minter, address indexed to, uint256 amount);
    event Transfer(address indexed from, address indexed to, uint256 value);

    function initialize(address owner_) external {
        require(owner == address(0), "FiatToken: contract is already initialized");
        owner = owner_;
        isMinter[owner_] = true;
    }

    function setMinter(address minter, bool allowed) external {
        require(msg.sender == owner, "Ownable: caller is not the owner");
        isMinter[minter] = allowed;
    }

    function mint(address to, uint256 amount) external returns (bool) {
        require(isMinter[msg.sender], "FiatToken: caller is not a minter");
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Mint(msg.sender, to, amount);
        emit Transfer(address(0), to, amount);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        require(spender != address(0), "ERC20: approve to the zero address");
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        require(value <= allowance[from][msg.sender], "ERC20: transfer amount exceeds allowance");
        _move(from, to, value);
        allowance[from][msg.sender] -= value;
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        require(to != address(0), "ERC20: transfer to the zero address");
        require(value <= balanceOf[from], "ERC20: transfer amount exceeds balance");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

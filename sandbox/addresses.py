"""Where everything of the local chain lives: the venue's Arbitrum Sepolia addresses and Safe's canonical ones."""

from typing import Final

from eth_typing import ChecksumAddress
from eth_utils import to_checksum_address

CHAIN_ID: Final = 421614

USDC: Final = to_checksum_address("0xe73B11Fb1e3eeEe8AF2a23079A4410Fe1B370548")
TRADING: Final = to_checksum_address("0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe")
TRADING_STORAGE: Final = to_checksum_address("0x0b9F5243B29938668c9Cfbd7557A389EC7Ef88b8")
FAUCET: Final = to_checksum_address("0x6830C550814105d8B27bDAEC0DB391cAa7B967c8")
REGISTRY: Final = to_checksum_address("0xf86cff7679BA3E99d21255d774088E25FE0ec34a")
CALLBACKS: Final = to_checksum_address("0x83DC7c5dDeAD58f47230b70e6EF6bc44064BD814")
PAIR_INFOS: Final = to_checksum_address("0xEF5D3fC8A4651B32D2DAB967E1D91a67eCfa953E")
PAIRS_STORAGE: Final = to_checksum_address("0x81e252CCF6BB99202220FDc0c5788bBd9e2473D0")
PRICE_ROUTER: Final = to_checksum_address("0x30DA14a620c9724C1Bb5d1f04049a29e2413d3aA")
PRICE_UP_KEEP: Final = to_checksum_address("0x297775475E875025F58789dD46A9E2dcFCB0a1e1")
VAULT: Final = to_checksum_address("0x2fbf52c8769c5da05afee7853b12775461cD04d2")
ARB_SYS: Final = to_checksum_address("0x0000000000000000000000000000000000000064")

# Accounts 0 and 1 of the node's built-in mnemonic. The node signs for them; no key is handled here.
ADMIN: Final = to_checksum_address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
KEEPER: Final = to_checksum_address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")

# CREATE2 deployers. Safe 1.3.0's canonical set came from the first, 1.4.1's from the second.
DETERMINISTIC_DEPLOYER: Final = to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
SAFE_SINGLETON_FACTORY: Final = to_checksum_address("0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7")

SAFE_CONTRACTS: Final[dict[str, dict[str, ChecksumAddress]]] = {
    "1.3.0": {
        "GnosisSafe": to_checksum_address("0xd9Db270c1B5E3Bd161E8c8503c55cEABeE709552"),
        "GnosisSafeL2": to_checksum_address("0x3E5c63644E683549055b9Be8653de26E0B4CD36E"),
        "GnosisSafeProxyFactory": to_checksum_address("0xa6B71E26C5e0845f74c812102Ca7114b6a896AB2"),
        "MultiSend": to_checksum_address("0xA238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761"),
        "MultiSendCallOnly": to_checksum_address("0x40A2aCCbd92BCA938b02010E17A5b8929b49130D"),
        "CompatibilityFallbackHandler": to_checksum_address("0xf48f2B2d2a534e402487b3ee7C18c33Aec0Fe5e4"),
    },
    "1.4.1": {
        "Safe": to_checksum_address("0x41675C099F32341bf84BFc5382aF534df5C7461a"),
        "SafeL2": to_checksum_address("0x29fcB43b46531BcA003ddC8FCB67FFE91900C762"),
        "SafeProxyFactory": to_checksum_address("0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67"),
        "MultiSend": to_checksum_address("0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526"),
        "MultiSendCallOnly": to_checksum_address("0x9641d764fc13c8B624c04430C7356C1C7C8102e2"),
        "CompatibilityFallbackHandler": to_checksum_address("0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99"),
    },
}

"""Links to the block explorer and to the Safe's own page: for a click, never loaded by a page of ours."""

from ostium_service.types import Network

EXPLORERS = {Network.TESTNET: "https://sepolia.arbiscan.io", Network.MAINNET: "https://arbiscan.io"}
SAFE_PREFIXES = {Network.TESTNET: "arb-sep", Network.MAINNET: "arb1"}


def link_transaction(network: str, tx_hash: str) -> str:
    """The explorer's page of a transaction; empty without a hash."""
    return f"{EXPLORERS[Network(network)]}/tx/{tx_hash}" if tx_hash else ""


def link_address(network: str, address: str) -> str:
    """The explorer's page of an address; empty without one."""
    return f"{EXPLORERS[Network(network)]}/address/{address}" if address else ""


def link_block(network: str, number: int | None) -> str:
    """The explorer's page of a block; empty without one."""
    return f"{EXPLORERS[Network(network)]}/block/{number}" if number is not None else ""


def link_safe(network: str, safe: str) -> str:
    """Where the owners find their Safe."""
    return f"https://app.safe.global/home?safe={SAFE_PREFIXES[Network(network)]}:{safe}"

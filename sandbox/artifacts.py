"""The compiled contracts of the sandbox, and Safe's creation code."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from sandbox import addresses
from sandbox.abis import Contract

CONTRACTS = Path(__file__).parent / "contracts"
ARTIFACTS = CONTRACTS / "artifacts"

DEPLOYED_AT: Mapping[str, str] = {
    "ArbSys": addresses.ARB_SYS,
    "Faucet": addresses.FAUCET,
    "PairInfos": addresses.PAIR_INFOS,
    "PairsStorage": addresses.PAIRS_STORAGE,
    "PriceRouter": addresses.PRICE_ROUTER,
    "PriceUpKeep": addresses.PRICE_UP_KEEP,
    "Registry": addresses.REGISTRY,
    "Trading": addresses.TRADING,
    "TradingCallbacks": addresses.CALLBACKS,
    "TradingStorage": addresses.TRADING_STORAGE,
    "Usdc": addresses.USDC,
    "Vault": addresses.VAULT,
}

# Which file of safe-eth-py holds which contract. Its files named after the plain singletons hold the L2 ones.
SAFE_ETH_FILES: Mapping[tuple[str, str], str] = {
    ("1.3.0", "GnosisSafeL2"): "GnosisSafe_V1_3_0.json",
    ("1.3.0", "GnosisSafeProxyFactory"): "ProxyFactory_V1_3_0.json",
    ("1.3.0", "CompatibilityFallbackHandler"): "CompatibilityFallbackHandler_V1_3_0.json",
    ("1.4.1", "SafeL2"): "Safe_V1_4_1.json",
    ("1.4.1", "SafeProxyFactory"): "ProxyFactory_V1_4_1.json",
    ("1.4.1", "MultiSend"): "MultiSend_V1_4_1.json",
    ("1.4.1", "MultiSendCallOnly"): "MultiSendCallOnly_V1_4_1.json",
    ("1.4.1", "CompatibilityFallbackHandler"): "CompatibilityFallbackHandler_V1_4_1.json",
}


@cache
def load_artifact(name: str) -> Mapping[str, Any]:
    """ABI, deployed bytecode and compiler settings of one contract."""
    artifact: Mapping[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text())
    return artifact


@cache
def get_contract(name: str) -> Contract:
    """The contract at its place on the local chain."""
    return Contract(address=DEPLOYED_AT[name], abi=load_artifact(name)["abi"])


@cache
def load_safe_json(file_name: str) -> Mapping[str, Any]:
    """One of safe-eth-py's contract files."""
    path = resources.files("safe_eth.eth.contracts") / "abis" / file_name
    loaded: Mapping[str, Any] = json.loads(path.read_text())
    return loaded


def load_safe_creation_code() -> dict[tuple[str, str], bytes]:
    """Creation code by (version, contract name): from safe-eth-py, and our file for what that does not carry."""
    codes = {key: load_safe_json(file)["bytecode"] for key, file in SAFE_ETH_FILES.items()}
    own = json.loads((CONTRACTS / "safe" / "creation_code.json").read_text())
    codes |= {(entry["version"], entry["name"]): entry["bytecode"] for entry in own["contracts"]}
    return {key: bytes.fromhex(code.removeprefix("0x")) for key, code in codes.items()}

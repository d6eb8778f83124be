"""Puts the venue and Safe on the local chain, at their real addresses.

The venue's code is placed with anvil_setCode and initialised by calls; Safe's contracts are created through the two
CREATE2 deployers that made the canonical ones, so their addresses prove their code.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from eth_utils import keccak, to_checksum_address

from sandbox import addresses, listing
from sandbox.artifacts import DEPLOYED_AT, get_contract, load_artifact, load_safe_creation_code
from sandbox.chain import refuse_foreign_chain
from sandbox.node import Node
from sandbox.processes import SandboxError

MAX_COLLATERAL = 100_000_000_000
"""100,000 USDC a trade."""
TIMEOUT_BLOCKS = 30
VAULT_FUNDS = 100_000_000_000_000
"""100 million USDC: enough for any winner of a test."""
FAUCET_AMOUNT = 10_000_000_000
FAUCET_WAIT_SECONDS = 86_400
FIRST_ORDER_ID = 800_001
LIQUIDATION_MARGIN_PERCENT = 25
MAX_NEGATIVE_PNL_PERCENT = 40

CALL_GAS = 2_000_000
CREATION_GAS = 8_000_000
GAS_PRICE = 1_000_000_000
DEPLOYER_SALT = bytes(32)
MINING_SECONDS = 30.0
"""How long a busy machine's node may take to mine all of it."""

# What the deployers run: CREATE2 with the first word as salt and the rest as code.
DEPLOYER_CODE = (
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe036"
    "01600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)

REGISTERED = {
    "trading": addresses.TRADING,
    "tradingStorage": addresses.TRADING_STORAGE,
    "callbacks": addresses.CALLBACKS,
    "pairsStorage": addresses.PAIRS_STORAGE,
    "pairInfos": addresses.PAIR_INFOS,
    "priceRouter": addresses.PRICE_ROUTER,
    "vault": addresses.VAULT,
    "tradesUpKeep": addresses.KEEPER,
    f"{listing.ORACLE_TYPE}PriceUpkeep": addresses.PRICE_UP_KEEP,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of the deployment."""

    name: str
    to: str
    data: bytes
    gas: int = CALL_GAS


def deploy(rpc_url: str) -> None:
    """Deploy everything; does nothing on a chain that has it already.

    SandboxError for a chain that was not started here, and when a step reverts; the chain is then not usable.
    """
    node = Node(rpc_url)
    refuse_foreign_chain(node)
    if node.request("eth_getCode", addresses.TRADING, "latest") != "0x":
        return
    place_code(node)
    steps = [*plan_initialisation(), *plan_listing(), *plan_safe()]
    run_steps(node=node, steps=steps)
    check_safe(node)


def place_code(node: Node) -> None:
    """Write the venue's code, the ArbSys stand-in and the deployers straight into the state."""
    codes = {address: load_artifact(name)["deployedBytecode"] for name, address in DEPLOYED_AT.items()}
    codes |= dict.fromkeys((addresses.DETERMINISTIC_DEPLOYER, addresses.SAFE_SINGLETON_FACTORY), DEPLOYER_CODE)
    node.batch([("anvil_setCode", [address, code]) for address, code in codes.items()])


def plan_call(contract: str, function: str, *arguments: object) -> Step:
    """A call to one of the venue's contracts."""
    found = get_contract(contract)
    return Step(f"{contract}.{function}", found.address, found.encode(function, *arguments))


def plan_initialisation() -> Iterator[Step]:
    """Registry first, then everything that looks itself up in it."""
    registry = addresses.REGISTRY
    yield plan_call("Registry", "initialize", addresses.ADMIN)
    yield plan_call("Registry", "setContracts", [name_bytes(name) for name in REGISTERED], list(REGISTERED.values()))
    yield plan_call("Usdc", "initialize", addresses.ADMIN)
    yield plan_call("TradingStorage", "initialize", registry, addresses.USDC)
    yield plan_call("Trading", "initialize", registry, MAX_COLLATERAL, TIMEOUT_BLOCKS, TIMEOUT_BLOCKS)
    yield plan_call("TradingCallbacks", "initialize", registry)
    yield plan_call("PairsStorage", "initialize", registry)
    yield plan_call(
        "PairInfos",
        "initialize",
        registry,
        addresses.ADMIN,
        LIQUIDATION_MARGIN_PERCENT,
        MAX_NEGATIVE_PNL_PERCENT,
    )
    yield plan_call("PriceRouter", "initialize", registry, FIRST_ORDER_ID)
    yield plan_call("PriceUpKeep", "initialize", registry, addresses.KEEPER)
    yield plan_call("Vault", "initialize", registry)
    yield plan_call("Faucet", "initialize", registry, addresses.USDC, FAUCET_AMOUNT, FAUCET_WAIT_SECONDS)
    yield plan_call("Usdc", "setMinter", addresses.FAUCET, True)
    yield plan_call("Usdc", "mint", addresses.VAULT, VAULT_FUNDS)


def plan_listing() -> Iterator[Step]:
    """Groups, the fee group, and every pair with its fees and its cap."""
    for number, (name, max_leverage) in listing.GROUPS.items():
        group = (name_bytes(name), max_leverage, listing.MIN_LEVERAGE, listing.GROUP_COLLATERAL_PERCENT)
        yield plan_call("PairsStorage", "updateGroup", number, group)
    fee = (name_bytes("standard"), listing.MIN_POSITION, listing.ORACLE_FEE, 0)
    yield plan_call("PairsStorage", "updateFee", listing.FEE_GROUP, fee)
    for pair_id, entry in listing.LISTINGS.items():
        pair = (
            name_bytes(entry.base),
            name_bytes(entry.quote),
            entry.feed,
            0,
            entry.overnight_max_leverage,
            entry.max_leverage,
            entry.group,
            listing.FEE_GROUP,
            listing.ORACLE_TYPE,
        )
        fees = (entry.maker_fee, entry.taker_fee, 0, 0, entry.maker_max_leverage, listing.VAULT_FEE_PERCENT)
        yield plan_call("PairsStorage", "updatePair", pair_id, pair)
        yield plan_call("PairInfos", "setPairOpeningFees", pair_id, fees)
        yield plan_call("TradingStorage", "setMaxOpenInterest", pair_id, entry.cap_usd * 10**6)


def plan_safe() -> Iterator[Step]:
    """Both Safe versions, each through the deployer of its canonical addresses."""
    deployers = {"1.3.0": addresses.DETERMINISTIC_DEPLOYER, "1.4.1": addresses.SAFE_SINGLETON_FACTORY}
    for (version, name), code in load_safe_creation_code().items():
        yield Step(f"Safe {version} {name}", deployers[version], DEPLOYER_SALT + code, CREATION_GAS)


def run_steps(*, node: Node, steps: list[Step]) -> None:
    """Send all steps in one batch, mine them, and insist on every receipt; SandboxError names the step."""
    first = int(str(node.request("eth_getTransactionCount", addresses.ADMIN, "pending")), 16)
    hashes = node.batch(
        [("eth_sendTransaction", [to_transaction(step, first + number)]) for number, step in enumerate(steps)]
    )
    receipts: list[dict[str, str] | None] = [None] * len(hashes)
    deadline = time.monotonic() + MINING_SECONDS
    while not all(receipts) and time.monotonic() < deadline:
        node.request("evm_mine")
        receipts = node.batch([("eth_getTransactionReceipt", [found]) for found in hashes])
    for step, receipt in zip(steps, receipts, strict=True):
        if receipt is None:
            raise SandboxError(f"the deployment was not mined as far as {step.name}")
        if receipt["status"] != "0x1":
            raise SandboxError(f"the deployment failed at {step.name}")


def to_transaction(step: Step, nonce: int) -> dict[str, str]:
    """The step as the node's own administrator account sends it."""
    return {
        "from": addresses.ADMIN,
        "to": step.to,
        "data": "0x" + step.data.hex(),
        "gas": hex(step.gas),
        "gasPrice": hex(GAS_PRICE),
        "nonce": hex(nonce),
    }


def check_safe(node: Node) -> None:
    """SandboxError when one of Safe's canonical addresses stayed empty: its code is then not the real one."""
    wanted = [address for contracts in addresses.SAFE_CONTRACTS.values() for address in contracts.values()]
    codes = node.batch([("eth_getCode", [address, "latest"]) for address in wanted])
    missing = [address for address, code in zip(wanted, codes, strict=True) if code == "0x"]
    if missing:
        raise SandboxError(f"Safe's contracts did not land at {', '.join(missing)}")


def compute_create2_address(*, deployer: str, code: bytes) -> str:
    """Where a deployer puts this creation code (EIP-1014, salt 0)."""
    packed = b"\xff" + bytes.fromhex(deployer[2:]) + DEPLOYER_SALT + keccak(code)
    return to_checksum_address(keccak(packed)[12:])


def name_bytes(name: str) -> bytes:
    """ASCII, left-aligned, zero-padded to 32 bytes."""
    return name.encode().ljust(32, b"\0")

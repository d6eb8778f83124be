"""People of the local chain: funded accounts, USDC, Safes, and their transactions.

Everything here first makes sure that the node is the sandbox's own. Money is in units: wei, and USDC x 1e6.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils import keccak, to_checksum_address

from sandbox import addresses
from sandbox.abis import Contract
from sandbox.artifacts import SAFE_ETH_FILES, get_contract, load_safe_json
from sandbox.chain import refuse_foreign_chain
from sandbox.node import Node
from sandbox.processes import SandboxError

ETHER = 10**18
USDC = 10**6
GAS = 5_000_000
MAX_FEE_WEI = 2_000_000_000
RECEIPT_SECONDS = 20.0
POLL_SECONDS = 0.05
ZERO_ADDRESS = "0x" + "00" * 20
SINGLETONS = {
    ("1.3.0", False): "GnosisSafe",
    ("1.3.0", True): "GnosisSafeL2",
    ("1.4.1", False): "Safe",
    ("1.4.1", True): "SafeL2",
}
FACTORIES = {"1.3.0": "GnosisSafeProxyFactory", "1.4.1": "SafeProxyFactory"}
PROXY_CREATION_TOPIC = keccak(text="ProxyCreation(address,address)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mined transaction. `succeeded` is the receipt's status."""

    transaction_hash: str
    succeeded: bool
    block_number: int
    gas_used: int
    logs: Sequence[Mapping[str, Any]]


def open_node(rpc_url: str) -> Node:
    """A connection, after making sure that the node was started by this sandbox."""
    node = _node(rpc_url)
    refuse_foreign_chain(node)
    return node


@lru_cache(maxsize=16)
def _node(rpc_url: str) -> Node:
    """One for each address, so that its connection is used again."""
    return Node(rpc_url)


def create_account(*, rpc_url: str, wei: int = 10 * ETHER) -> LocalAccount:
    """A new account with that much native money; its key exists in this process only."""
    account: LocalAccount = Account.create()
    fund_native(rpc_url=rpc_url, address=account.address, wei=wei)
    return account


def fund_native(*, rpc_url: str, address: str, wei: int) -> None:
    """Set an account's native balance."""
    open_node(rpc_url).request("anvil_setBalance", address, hex(wei))


def mint_usdc(*, rpc_url: str, address: str, units: int) -> None:
    """Give an account USDC (x 1e6)."""
    call_as_admin(rpc_url=rpc_url, contract="Usdc", function="mint", arguments=(address, units))


def call_as_admin(*, rpc_url: str, contract: str, function: str, arguments: Sequence[Any] = ()) -> Outcome:
    """Call one of the venue's contracts as its administrator; SandboxError when it reverts."""
    found = get_contract(contract)
    return send_from_node(
        rpc_url=rpc_url, sender=addresses.ADMIN, to=found.address, data=found.encode(function, *arguments)
    )


def call_as_keeper(*, rpc_url: str, contract: str, function: str, arguments: Sequence[Any] = ()) -> Outcome:
    """Call one of the venue's contracts as its keeper; SandboxError when it reverts."""
    found = get_contract(contract)
    return send_from_node(
        rpc_url=rpc_url, sender=addresses.KEEPER, to=found.address, data=found.encode(function, *arguments)
    )


def send_from_node(*, rpc_url: str, sender: str, to: str, data: bytes) -> Outcome:
    """Send from one of the node's own accounts and wait; SandboxError when it reverts."""
    node = open_node(rpc_url)
    transaction = {
        "from": sender,
        "to": to,
        "data": "0x" + data.hex(),
        "gas": hex(GAS),
        # The node's own suggestion of a tip is above what it suggests as a maximum.
        "maxFeePerGas": hex(MAX_FEE_WEI),
        "maxPriorityFeePerGas": "0x0",
    }
    found = str(node.request("eth_sendTransaction", transaction))
    outcome = wait_outcome(node=node, transaction_hash=found)
    if not outcome.succeeded:
        raise SandboxError(f"a call to {to} reverted ({found})")
    return outcome


def send_signed(
    *, rpc_url: str, account: LocalAccount, to: str, data: bytes = b"", wei: int = 0, gas: int = GAS
) -> Outcome:
    """Sign with an account's own key, send and wait. A reverted transaction comes back as such."""
    [outcome] = send_signed_in_turn(rpc_url=rpc_url, account=account, calls=[(to, data)], wei=wei, gas=gas)
    return outcome


def send_signed_in_turn(
    *, rpc_url: str, account: LocalAccount, calls: Sequence[tuple[str, bytes]], wei: int = 0, gas: int = GAS
) -> list[Outcome]:
    """The same for several (to, data) with nonces in their order; all are sent before the first is waited for."""
    node = open_node(rpc_url)
    first = int(str(node.request("eth_getTransactionCount", account.address, "pending")), 16)
    sent = []
    for nonce, (to, data) in enumerate(calls, start=first):
        signed = account.sign_transaction(
            {
                "chainId": addresses.CHAIN_ID,
                "nonce": nonce,
                "to": to_checksum_address(to),
                "value": wei,
                "data": data,
                "gas": gas,
                "maxFeePerGas": MAX_FEE_WEI,
                "maxPriorityFeePerGas": 0,
            }
        )
        sent.append(str(node.request("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())))
    return [wait_outcome(node=node, transaction_hash=found) for found in sent]


def wait_outcome(*, node: Node, transaction_hash: str) -> Outcome:
    """Wait until the transaction is mined; SandboxError when it is not in time."""
    deadline = time.monotonic() + RECEIPT_SECONDS
    while time.monotonic() < deadline:
        receipt = node.request("eth_getTransactionReceipt", transaction_hash)
        if receipt:
            return Outcome(
                transaction_hash=transaction_hash,
                succeeded=receipt["status"] == "0x1",
                block_number=int(receipt["blockNumber"], 16),
                gas_used=int(receipt["gasUsed"], 16),
                logs=receipt["logs"],
            )
        time.sleep(POLL_SECONDS)
    raise SandboxError(f"{transaction_hash} was not mined within {RECEIPT_SECONDS:.0f} s")


def read_contract(*, rpc_url: str, contract: str, function: str, arguments: Sequence[Any] = ()) -> Any:
    """One decoded view call to one of the venue's contracts; NodeError when it reverts."""
    found = get_contract(contract)
    answer = _node(rpc_url).request(
        "eth_call", {"to": found.address, "data": "0x" + found.encode(function, *arguments).hex()}, "latest"
    )
    return found.functions[function].decode(bytes.fromhex(str(answer)[2:]))


def read_usdc(*, rpc_url: str, address: str) -> int:
    """An account's USDC (x 1e6)."""
    return int(read_contract(rpc_url=rpc_url, contract="Usdc", function="balanceOf", arguments=(address,)))


def read_native(*, rpc_url: str, address: str) -> int:
    """An account's native balance in wei."""
    return int(str(_node(rpc_url).request("eth_getBalance", address, "latest")), 16)


def approve_usdc(*, rpc_url: str, account: LocalAccount, units: int) -> Outcome:
    """Let the trading storage spend the account's USDC (x 1e6)."""
    to, data = call_approve(units)
    return send_signed(rpc_url=rpc_url, account=account, to=to, data=data)


def call_approve(units: int) -> tuple[str, bytes]:
    """Target and data of the call that lets the trading storage spend USDC (x 1e6)."""
    usdc = get_contract("Usdc")
    return usdc.address, usdc.encode("approve", addresses.TRADING_STORAGE, units)


def deploy_safe(
    *,
    rpc_url: str,
    owners: Sequence[str],
    threshold: int,
    version: str = "1.4.1",
    salt_nonce: int = 0,
    use_l2: bool = True,
) -> ChecksumAddress:
    """Create a Safe with the real factory and return its address; SandboxError when the same one exists already.

    `version` is "1.3.0" or "1.4.1"; `use_l2` picks the singleton that emits events for everything, as wallets do on
    Arbitrum.
    """
    contracts = addresses.SAFE_CONTRACTS[version]
    singleton = contracts[SINGLETONS[version, use_l2]]
    safe = Contract(address=singleton, abi=load_safe_json(SAFE_ETH_FILES[version, SINGLETONS[version, True]])["abi"])
    handler = contracts["CompatibilityFallbackHandler"]
    setup = safe.encode("setup", list(owners), threshold, ZERO_ADDRESS, b"", handler, ZERO_ADDRESS, 0, ZERO_ADDRESS)
    factory_file = SAFE_ETH_FILES[version, FACTORIES[version]]
    factory = Contract(address=contracts[FACTORIES[version]], abi=load_safe_json(factory_file)["abi"])
    outcome = send_from_node(
        rpc_url=rpc_url,
        sender=addresses.ADMIN,
        to=factory.address,
        data=factory.encode("createProxyWithNonce", singleton, setup, salt_nonce),
    )
    return find_created_proxy(factory=factory.address, outcome=outcome)


def find_created_proxy(*, factory: str, outcome: Outcome) -> ChecksumAddress:
    """The proxy in ProxyCreation: indexed since 1.4.1, the first word of the data before."""
    for log in outcome.logs:
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        if log["address"].lower() == factory.lower() and topics[0] == PROXY_CREATION_TOPIC:
            word = topics[1] if len(topics) > 1 else bytes.fromhex(log["data"][2:66])
            return to_checksum_address(word[12:])
    raise SandboxError("the factory reported no new Safe")


def mine(*, rpc_url: str, blocks: int) -> None:
    """Mine empty blocks at once; timeouts of the venue count blocks."""
    open_node(rpc_url).request("anvil_mine", hex(blocks))


def take_back_from(*, rpc_url: str, block: int) -> None:
    """Replace this block and everything after it by empty blocks."""
    node = open_node(rpc_url)
    before = node.heads([block])[1]
    # Blocks are mined meanwhile: the depth may not be enough any more, and now and then Anvil is left without a block
    # at that height.
    while (now := node.heads([block])[1]) is None or now == before:
        latest = int(str(node.request("eth_blockNumber")), 16)
        node.request("anvil_reorg", latest - block + 1, [])


def pass_time(*, rpc_url: str, seconds: int) -> None:
    """Move the chain's clock forward and mine a block."""
    node = open_node(rpc_url)
    node.request("evm_increaseTime", seconds)
    node.request("evm_mine")

"""How long the watcher takes for 10,000 delegations against a node 50 ms away: unchanged, and all replaced at once."""

from collections.abc import Callable

from eth_abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from benchmarks.figures import format_aim, format_table
from benchmarks.jobs import run_job
from benchmarks.stage import Stage
from sandbox import addresses
from sandbox.environment import add_endpoints, build_command_environment
from sandbox.node import Node, NodeError
from sandbox.processes import SandboxError

ROWS = 10_000
LATENCY_MS = 50
AIM_SECONDS = 30
JOB_SECONDS = 240
SLOTS = 64
WRITE_BATCH = 500
DELEGATE = str(to_checksum_address("0x" + "de1e" * 10))
OTHER = str(to_checksum_address("0x" + "0bad" * 10))
PARTS = ("unchanged", "all replaced")


def measure_watcher(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aim is met by both."""
    node = Node(stage.rpc_url)
    slot = find_slot(node)
    set_delegates(node, slot, DELEGATE)
    stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
    try:
        unchanged = run_comparison(stage, "fill")
        stage.shaper.set_all_latencies(milliseconds=0)
        set_delegates(node, slot, OTHER)
        stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
        replaced = run_comparison(stage, "compare")
    finally:
        stage.shaper.set_all_latencies(milliseconds=0)
    rows = [["10,000 delegations", "seconds", "ended"]]
    for name, seen in zip(PARTS, (unchanged, replaced), strict=True):
        rows.append([name, f"{seen['seconds']:.1f}", str(int(seen["ended"]))])
    slowest = max(unchanged["seconds"], replaced["seconds"])
    write(f"watcher: {ROWS} delegations, delegate and allowance of each, {LATENCY_MS} ms to the node")
    write(format_table(rows))
    write(format_aim(text=f"all compared within {AIM_SECONDS} s", is_met=slowest < AIM_SECONDS))
    return slowest < AIM_SECONDS


def list_safes() -> list[str]:
    """As many addresses as there are rows."""
    return [str(to_checksum_address(f"0x{0x5AFE00000000 + number:040x}")) for number in range(ROWS)]


def find_slot(node: Node) -> int:
    """Where the local venue keeps its delegations, found by trying; SandboxError when nowhere."""
    probe = "0x" + "77" * 20
    selector = keccak(text="delegations(address)")[:4]
    question = {"to": addresses.TRADING, "data": "0x" + (selector + encode(["address"], [probe])).hex()}
    for slot in range(SLOTS):
        place = find_place(probe, slot)
        before = node.request("eth_getStorageAt", addresses.TRADING, place, "latest")
        node.request("anvil_setStorageAt", addresses.TRADING, place, "0x" + DELEGATE[2:].rjust(64, "0"))
        is_it = str(node.request("eth_call", question, "latest")).endswith(DELEGATE[2:].lower())
        node.request("anvil_setStorageAt", addresses.TRADING, place, before)
        if is_it:
            return slot
    raise SandboxError("the venue's delegations were not found in its storage")


def find_place(safe: str, slot: int) -> str:
    """A mapping's storage key."""
    return "0x" + keccak(encode(["address", "uint256"], [safe, slot])).hex()


def set_delegates(node: Node, slot: int, delegate: str) -> None:
    """Write the delegate of every Safe into the chain's storage, and mine it."""
    word = "0x" + delegate[2:].rjust(64, "0")
    writes = [("anvil_setStorageAt", [addresses.TRADING, find_place(safe, slot), word]) for safe in list_safes()]
    try:
        for start in range(0, len(writes), WRITE_BATCH):
            node.batch(writes[start : start + WRITE_BATCH])
        node.request("evm_mine")
    except NodeError as error:
        raise SandboxError(str(error)) from error


def run_comparison(stage: Stage, what: str) -> dict[str, float]:
    """The comparison in a process of its own, as the worker makes it."""
    environment = add_endpoints(
        build_command_environment(database_url=stage.direct.database_url, service_secrets=stage.secrets), stage.shaped
    )
    found: dict[str, float] = run_job(
        stage, module="benchmarks.watcher_job", arguments=[what], environment=environment, seconds=JOB_SECONDS
    )
    return found

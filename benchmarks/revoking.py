"""Revoking 1,000 delegations by one command: how soon the last one is suspended, and what the rest takes."""

from collections.abc import Callable

from eth_abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from benchmarks.figures import format_aim, format_table
from benchmarks.jobs import run_job
from benchmarks.stage import Stage
from benchmarks.watcher import find_place, find_slot
from sandbox import addresses
from sandbox.actors import create_account, deploy_safe
from sandbox.environment import add_endpoints, build_command_environment
from sandbox.node import Node, NodeError
from sandbox.processes import SandboxError

ROWS = 1_000
AIM_SECONDS = 5
JOB_SECONDS = 300
WRITE_BATCH = 500
DELEGATE = str(to_checksum_address("0x" + "de1e" * 10))
OWNERS_SLOT = 2
PLAIN_SLOTS = (0, 3, 4)
"""Of a Safe's storage: its singleton, the number of owners, the threshold. Its nonce stays zero."""
SENTINEL = "0x" + "1".rjust(40, "0")


def measure_revoking(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the last suspension came in time."""
    copy_safes(stage.rpc_url)
    seen = run_revocations(stage)
    rows = [
        [f"{ROWS} delegations", "seconds", "database queries"],
        ["the last one suspended", f"{seen['suspended_seconds']:.2f}", str(int(seen["suspended_queries"]))],
        ["all prepared for their owners", f"{seen['seconds']:.1f}", str(int(seen["queries"]))],
    ]
    write("revoke_delegation --all: suspended in one transaction, then each Safe is read and its removal prepared")
    write(format_table(rows))
    is_met = seen["suspended_seconds"] < AIM_SECONDS
    write(format_aim(text=f"the last one suspended within {AIM_SECONDS} s", is_met=is_met))
    return is_met


def list_copies() -> list[str]:
    """The addresses of the Safes."""
    return [str(to_checksum_address(f"0x{0xC0FFEE000000 + number:040x}")) for number in range(ROWS)]


def copy_safes(rpc_url: str) -> None:
    """Put a real Safe's code and storage at every address, and name the delegate for each at the venue."""
    node = Node(rpc_url)
    owner = create_account(rpc_url=rpc_url).address
    safe = deploy_safe(rpc_url=rpc_url, owners=[owner], threshold=1, version="1.4.1")
    code = node.request("eth_getCode", safe, "latest")
    places = ["0x" + slot.to_bytes(32, "big").hex() for slot in PLAIN_SLOTS]
    places += ["0x" + keccak(encode(["address", "uint256"], [who, OWNERS_SLOT])).hex() for who in (SENTINEL, owner)]
    words = [node.request("eth_getStorageAt", safe, place, "latest") for place in places]
    slot = find_slot(node)
    writes: list[tuple[str, list[object]]] = []
    for copy in list_copies():
        writes.append(("anvil_setCode", [copy, code]))
        writes += [("anvil_setStorageAt", [copy, place, word]) for place, word in zip(places, words, strict=True)]
        word = "0x" + DELEGATE[2:].rjust(64, "0")
        writes.append(("anvil_setStorageAt", [addresses.TRADING, find_place(copy, slot), word]))
    try:
        for start in range(0, len(writes), WRITE_BATCH):
            node.batch(writes[start : start + WRITE_BATCH])
        node.request("evm_mine")
    except NodeError as error:
        raise SandboxError(str(error)) from error


def run_revocations(stage: Stage) -> dict[str, float]:
    """The command in a process of its own."""
    environment = add_endpoints(
        build_command_environment(database_url=stage.direct.database_url, service_secrets=stage.secrets), stage.direct
    )
    found: dict[str, float] = run_job(
        stage, module="benchmarks.revoking_job", environment=environment, seconds=JOB_SECONDS
    )
    return found

"""The local chain: starts and stops Anvil, and recognises a node that was started here.

The sandbox mints money and moves other people's accounts, so nothing of it may ever talk to a chain that somebody
else runs. Every start writes a random marker into the node and into a file beside it; `refuse_foreign_chain`
compares the two.
"""

import contextlib
import os
import platform
import secrets
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from eth_utils import to_checksum_address

from sandbox.addresses import CHAIN_ID
from sandbox.node import Node, NodeError
from sandbox.processes import (
    LOOPBACK,
    ChildProcess,
    SandboxError,
    build_environment,
    find_free_port,
    require_free_port,
    start_child,
)

ROOT = Path(__file__).parent.parent
NODE_MODULES = Path(__file__).parent / "node_modules"
RUN_DIRECTORY = ROOT / ".local" / "run"

BLOCK_TIME = "0.25"
"""Seconds between blocks, as on Arbitrum."""
BASE_FEE_WEI = 20_000_000
"""0.02 gwei, the floor of Arbitrum One."""
# The venue's chain caps execution far below its header's limit; a call that burns everything must come back here too.
BLOCK_GAS_LIMIT = 100_000_000
HARDFORK = "cancun"
"""Prague stores each block's hash in the state (EIP-2935): the longer the chain, the longer Anvil takes for a block."""
KEPT_STATES = 2000
"""Blocks whose state can still be called into."""
START_SECONDS = 15.0
BASE_FEE_REFRESH_SECONDS = 0.1

MARKER_ADDRESS = to_checksum_address("0x0057100000000000000000000000000000000000")
MARKER_SLOT = "0x" + "00" * 32

PLATFORMS = {"linux": "linux", "darwin": "darwin"}
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Chain:
    """One running Anvil; `stop` ends it."""

    def __init__(self, *, child: ChildProcess, port: int) -> None:
        """Take over a node that answers already."""
        self.port = port
        self.rpc_url = f"http://{LOOPBACK}:{port}"
        self.pid = child.pid
        self.started_at = child.started_at
        self.base_fee_wei = BASE_FEE_WEI
        self._child = child
        self._stopping = threading.Event()
        self._fee_keeper = threading.Thread(target=self._hold_base_fee, name="base-fee", daemon=True)
        self._fee_keeper.start()

    @property
    def is_running(self) -> bool:
        """Whether the node is alive."""
        return self._child.is_running

    def require_running(self) -> None:
        """SandboxError when the node has ended."""
        self._child.require_running()

    def set_base_fee(self, wei: int) -> None:
        """Hold the next blocks' base fee at this many wei; tests of fee spikes use it."""
        self.base_fee_wei = wei
        Node(self.rpc_url).request("anvil_setNextBlockBaseFeePerGas", hex(wei))

    def stop(self) -> None:
        """End the node and forget its marker; safe to call again."""
        self._stopping.set()
        self._fee_keeper.join()
        self._child.stop()
        marker_path(self.port).unlink(missing_ok=True)

    def _hold_base_fee(self) -> None:
        """Empty blocks would let the base fee fall by an eighth each, which Arbitrum's floor does not allow."""
        node = Node(self.rpc_url)
        while not self._stopping.wait(BASE_FEE_REFRESH_SECONDS):
            with contextlib.suppress(NodeError):
                node.request("anvil_setNextBlockBaseFeePerGas", hex(self.base_fee_wei))


def start_chain(*, port: int | None = None, block_time: str | None = BLOCK_TIME, log_path: Path | None = None) -> Chain:
    """Start Anvil on a loopback port (a free one by default) and wait until it answers.

    `block_time` is in seconds; None mines a block for every transaction instead. SandboxError with one line when the
    port is taken, Anvil is not installed, or it does not come up; nothing is left running then.
    """
    chosen = port if port is not None else find_free_port()
    require_free_port(port=chosen, purpose="local chain")
    binary = find_anvil()
    child = start_child(
        name="anvil",
        command=[str(binary), *build_arguments(port=chosen, block_time=block_time)],
        environment=build_environment(),
        log_path=log_path or RUN_DIRECTORY / f"anvil-{chosen}.log",
    )
    try:
        node = Node(f"http://{LOOPBACK}:{chosen}")
        child.wait_ready(lambda: is_answering(node), seconds=START_SECONDS)
        mark_chain(node=node, port=chosen)
        return Chain(child=child, port=chosen)
    except BaseException:
        child.stop()
        raise


def find_anvil() -> Path:
    """The platform's binary out of node_modules; it needs no Node. SandboxError when it is not there."""
    system = PLATFORMS.get(sys.platform)
    machine = MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise SandboxError(f"no Anvil for {sys.platform} on {platform.machine()}")
    binary = NODE_MODULES / "@foundry-rs" / f"anvil-{system}-{machine}" / "bin" / "anvil"
    if not binary.is_file():
        raise SandboxError("Anvil is not installed; run `make setup`")
    return binary


def build_arguments(*, port: int, block_time: str | None) -> list[str]:
    """Anvil's command line."""
    mining = ["--block-time", block_time] if block_time else []
    return [
        *["--host", LOOPBACK, "--port", str(port), "--chain-id", str(CHAIN_ID)],
        *["--accounts", "20", "--balance", "1000000", "--order", "fifo", "--quiet", "--no-cors"],
        *["--hardfork", HARDFORK, "--gas-limit", str(BLOCK_GAS_LIMIT), "--prune-history", str(KEPT_STATES)],
        *["--block-base-fee-per-gas", str(BASE_FEE_WEI), "--disable-min-priority-fee"],
        *mining,
    ]


def is_answering(node: Node) -> bool:
    """Whether the node answers as the chain that was asked for."""
    try:
        return int(str(node.request("eth_chainId")), 16) == CHAIN_ID
    except NodeError:
        return False


def marker_path(port: int) -> Path:
    """The file that holds the marker of the node on this port."""
    return RUN_DIRECTORY / f"chain-{port}.marker"


def mark_chain(*, node: Node, port: int) -> None:
    """Write a fresh random marker into the node's state and into its file (mode 0600)."""
    marker = "0x" + secrets.token_hex(32)
    path = marker_path(port)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(marker)
    node.request("anvil_setStorageAt", MARKER_ADDRESS, MARKER_SLOT, marker)


def refuse_foreign_chain(node: Node) -> None:
    """SandboxError unless this is a loopback Anvil with chain id 421614 that `start_chain` marked in this checkout."""
    parts = urlsplit(node.rpc_url)
    if parts.scheme != "http" or parts.hostname not in {LOOPBACK, "localhost", "::1"} or parts.port is None:
        raise SandboxError("the sandbox talks to a local node only")
    version, chain_id, found = node.batch(
        [("web3_clientVersion", []), ("eth_chainId", []), ("eth_getStorageAt", [MARKER_ADDRESS, MARKER_SLOT, "latest"])]
    )
    if not str(version).startswith("anvil/"):
        raise SandboxError("the node is not Anvil")
    if int(str(chain_id), 16) != CHAIN_ID:
        raise SandboxError(f"the node's chain id is not {CHAIN_ID}")
    path = marker_path(parts.port)
    expected = path.read_text() if path.is_file() else ""
    if not expected or not secrets.compare_digest(str(found), expected):
        raise SandboxError("the node was not started by this sandbox")

"""The launcher: what it starts, what it leaves behind, and whom it refuses to talk to."""

import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from sandbox import chain as chain_module
from sandbox.chain import (
    BASE_FEE_WEI,
    MARKER_ADDRESS,
    MARKER_SLOT,
    Chain,
    marker_path,
    refuse_foreign_chain,
    start_chain,
)
from sandbox.deploy import deploy
from sandbox.node import Node
from sandbox.processes import SandboxError

DEADLINE_SECONDS = 10.0


def await_true(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Chain]:
    """A node with a block every quarter second."""
    started = start_chain(log_path=tmp_path / "anvil.log")
    try:
        yield started
    finally:
        started.stop()


def test_a_start_mines_at_arbitrums_pace_and_fee(running: Chain) -> None:
    node = Node(running.rpc_url)
    first = node.head()
    await_true(lambda: node.head().number >= first.number + 8)
    last = node.head()
    assert 0 <= last.timestamp - int(time.time()) + 5 <= 10
    assert last.timestamp - first.timestamp <= 4
    await_true(lambda: base_fee(node) == BASE_FEE_WEI)
    running.set_base_fee(10**10)
    await_true(lambda: base_fee(node) == 10**10)
    first = node.head()
    await_true(lambda: node.head().number >= first.number + 6)
    assert base_fee(node) > 10**9


def base_fee(node: Node) -> int:
    return int(node.request("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)


def test_deploying_is_fast_complete_and_repeatable(running: Chain) -> None:
    started = time.monotonic()
    deploy(running.rpc_url)
    assert time.monotonic() - started < 4
    node = Node(running.rpc_url)
    count = node.request("eth_getTransactionCount", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "latest")
    deploy(running.rpc_url)
    again = node.request("eth_getTransactionCount", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "latest")
    assert count == again


def test_stopping_leaves_no_process_and_no_marker(tmp_path: Path) -> None:
    started = start_chain(log_path=tmp_path / "anvil.log")
    assert psutil.pid_exists(started.pid)
    assert marker_path(started.port).stat().st_mode & 0o777 == 0o600
    started.stop()
    assert not psutil.pid_exists(started.pid)
    assert not marker_path(started.port).exists()
    started.stop()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"^port {port} for the local chain is in use") as caught:
            start_chain(port=port, log_path=tmp_path / "anvil.log")
    assert "\n" not in str(caught.value)


def test_a_missing_anvil_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(chain_module, "NODE_MODULES", tmp_path)
    with pytest.raises(SandboxError, match="make setup"):
        start_chain(log_path=tmp_path / "anvil.log")


@pytest.mark.parametrize(
    "url",
    [
        "https://sepolia-rollup.arbitrum.io/rpc",
        "http://10.0.0.5:8545",
        "http://127.0.0.1.example.org:8545",
        "http://127.0.0.1",
        "ws://127.0.0.1:8545",
    ],
)
def test_anything_but_a_local_node_is_refused_unasked(url: str) -> None:
    with pytest.raises(SandboxError, match="local node only"):
        refuse_foreign_chain(Node(url))


def test_a_node_without_our_marker_is_refused(running: Chain) -> None:
    node = Node(running.rpc_url)
    refuse_foreign_chain(node)
    path = marker_path(running.port)
    marker = path.read_text()
    node.request("anvil_setStorageAt", MARKER_ADDRESS, MARKER_SLOT, "0x" + "11" * 32)
    with pytest.raises(SandboxError, match="not started by this sandbox"):
        deploy(running.rpc_url)
    node.request("anvil_setStorageAt", MARKER_ADDRESS, MARKER_SLOT, marker)
    refuse_foreign_chain(node)
    path.unlink()
    with pytest.raises(SandboxError, match="not started by this sandbox"):
        refuse_foreign_chain(node)


def serve_node(version: str, chain_id: str) -> HTTPServer:
    """A loopback server that answers like a node of that kind."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            results = [version, chain_id, "0x" + "00" * 32]
            body = ",".join(f'{{"id":{number},"result":"{result}"}}' for number, result in enumerate(results))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"[{body}]".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing on the terminal."""

    return HTTPServer(("127.0.0.1", 0), Handler)


@pytest.mark.parametrize(
    ("version", "chain_id", "reason"),
    [("Geth/v1", hex(421614), "not Anvil"), ("anvil/v1.7.1", "0xa4b1", "chain id")],
)
def test_another_kind_of_node_is_refused(version: str, chain_id: str, reason: str) -> None:
    server = serve_node(version, chain_id)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(SandboxError, match=reason):
            refuse_foreign_chain(Node(f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""The sandbox serves only a chain that it started itself, and only on loopback."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import pytest

from sandbox.processes import SandboxError
from sandbox.server import SandboxServer
from tests.fixtures import SandboxUrls


class Imposter(BaseHTTPRequestHandler):
    """Says that it is Anvil with the right chain id; it was not started here."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = (
            b'[{"jsonrpc":"2.0","id":0,"result":"anvil/v1.7.1"},{"jsonrpc":"2.0","id":1,"result":"0x66eee"},'
            b'{"jsonrpc":"2.0","id":2,"result":"0x00"}]'
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def imposter() -> Iterator[str]:
    """The URL of a node that somebody else started."""
    server = HTTPServer(("127.0.0.1", 0), Imposter)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_node_of_somebody_else_is_refused(imposter: str) -> None:
    with pytest.raises(SandboxError, match="not started by this sandbox"):
        SandboxServer(rpc_url=imposter)


@pytest.mark.parametrize("url", ["https://sepolia-rollup.arbitrum.io/rpc", "http://192.0.2.1:8545", "http://127.0.0.1"])
def test_a_node_elsewhere_is_not_even_asked(url: str) -> None:
    with pytest.raises(SandboxError, match="local node only"):
        SandboxServer(rpc_url=url)


def test_the_server_listens_on_loopback_only(sandbox_server: SandboxUrls) -> None:
    port = int(sandbox_server.prices_url.rsplit(":", 1)[1])

    listening = [
        connection.laddr.ip
        for connection in psutil.Process().net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    ]

    assert listening == ["127.0.0.1"]


def test_a_taken_port_is_one_clear_line(sandbox_server: SandboxUrls) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"^port {port} for the sandbox server is in use"):
            SandboxServer(rpc_url=sandbox_server.rpc_url, port=port)

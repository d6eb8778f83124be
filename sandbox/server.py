"""One loopback HTTP server: the price feed, the subgraph, the RPC behind a shaper, and the control API.

GET  /PricePublish/latest-prices    the feed
POST /subgraph                      GraphQL
POST /rpc                           the chain's JSON-RPC with the shaper's latency and failures
POST /control/<command>             see `commands`; the body is a JSON object
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from sandbox.chain import refuse_foreign_chain
from sandbox.commands import BadCommand, run_command
from sandbox.node import Node
from sandbox.processes import LOOPBACK, SandboxError, require_free_port
from sandbox.shaping import Endpoint, Failure
from sandbox.subgraph import answer_query
from sandbox.world import World

FEED_PATH = "/PricePublish/latest-prices"
LARGEST_BODY = 4 * 1024 * 1024
JSON = "application/json"
RPC_TIMEOUT_SECONDS = 30.0


class SandboxServer:
    """The server and the world it serves; `stop` ends both."""

    def __init__(self, *, rpc_url: str, port: int | None = None) -> None:
        """Bind the port. SandboxError when it is taken, or when the chain is not one that the sandbox started."""
        refuse_foreign_chain(Node(rpc_url))
        if port is not None:
            require_free_port(port=port, purpose="sandbox server")
        self.world = World(rpc_url)
        self._server = LoopbackServer((LOOPBACK, port or 0), SandboxHandler)
        self._server.world = self.world
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base of every URL below, which is also the service's PRICES_URL."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def subgraph_url(self) -> str:
        """The service's SUBGRAPH_URL."""
        return f"{self.url}/subgraph"

    @property
    def rpc_url(self) -> str:
        """The chain behind the shaper."""
        return f"{self.url}/rpc"

    def start(self) -> None:
        """Serve in a thread; the index has read the chain when this returns."""
        try:
            self.world.start()
        except SandboxError:
            self.stop()
            raise
        self._thread = threading.Thread(target=self._serve, name="sandbox-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the keeper and the index; safe to call again."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(timeout=10)
            self._thread = None
        self._server.server_close()
        self.world.stop()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)


class LoopbackServer(ThreadingHTTPServer):
    """Threads die with the process, and a backlog that a benchmark does not overrun."""

    daemon_threads = True
    request_queue_size = 256
    world: World


class SandboxHandler(BaseHTTPRequestHandler):
    """One request. Connections are kept alive, since pooled clients are what is being tested."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def setup(self) -> None:
        """Small answers leave at once instead of waiting for more (Nagle)."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        """The feed, and nothing else."""
        if self.path == FEED_PATH:
            self._shaped(Endpoint.FEED, self.server.world.prices.render_feed)
        else:
            self._send_json(HTTPStatus.NOT_FOUND, {"error": "unknown path"})

    def do_POST(self) -> None:
        """Subgraph, RPC and control."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > LARGEST_BODY:
            self.close_connection = True
            self._send_json(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": "body too large"})
            return
        raw = self.rfile.read(size)
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": "the body is not JSON"})
            return
        if self.path == "/subgraph":
            self._shaped(Endpoint.SUBGRAPH, lambda: self._answer_subgraph(body))
        elif self.path == "/rpc":
            self._shaped(Endpoint.RPC, lambda: forward_rpc(self.server.world.node.rpc_url, raw), methods_of(body))
        elif self.path.startswith("/control/"):
            self._control(self.path.removeprefix("/control/"), body)
        else:
            self._send_json(HTTPStatus.NOT_FOUND, {"error": "unknown path"})

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Requests are counted, not logged."""

    def _answer_subgraph(self, body: Any) -> bytes:
        snapshot = self.server.world.indexer.served()
        return json.dumps(answer_query(body=body if isinstance(body, dict) else {}, snapshot=snapshot)).encode()

    def _control(self, name: str, body: Any) -> None:
        if not isinstance(body, dict):
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": "the body is not an object"})
            return
        try:
            answer = run_command(world=self.server.world, name=name, arguments=body)
        except BadCommand as error:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except SandboxError as error:
            self._send_json(HTTPStatus.BAD_GATEWAY, {"error": str(error)})
        else:
            self._send_json(HTTPStatus.OK, answer)

    def _shaped(self, endpoint: Endpoint, serve: Callable[[], bytes], methods: tuple[str, ...] = ()) -> None:
        failure = self.server.world.shaper.enter(endpoint=endpoint, methods=methods)
        try:
            answer = serve() if failure is None or failure.after_serving else b""
        except (SandboxError, requests.RequestException) as error:
            self._send_json(HTTPStatus.BAD_GATEWAY, {"error": str(error)})
            return
        if failure is None:
            self._send(HTTPStatus.OK, answer)
        else:
            self._fail(failure)

    def _fail(self, failure: Failure) -> None:
        if failure.status == 0:
            # No answer at all: the connection is cut, as by a proxy that lost its upstream.
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(failure.status, failure.body.encode())

    def _send_json(self, status: int, answer: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def methods_of(body: Any) -> tuple[str, ...]:
    """The RPC methods of a single call or a batch."""
    calls = body if isinstance(body, list) else [body]
    return tuple(str(call.get("method")) for call in calls if isinstance(call, dict))


_forwarding = threading.local()


def forward_rpc(rpc_url: str, raw: bytes) -> bytes:
    """Hand the bytes to the node and its answer back; requests' exceptions when it does not answer."""
    session = getattr(_forwarding, "session", None)
    if session is None:
        session = _forwarding.session = requests.Session()
        session.trust_env = False
    answer = session.post(rpc_url, data=raw, headers={"Content-Type": JSON}, timeout=RPC_TIMEOUT_SECONDS)
    content: bytes = answer.content
    return content

"""An HTTP address that stands before one of the service's upstreams and breaks on command.

The faults are the sandbox's own (`shaping`): latency, any status with any body, and a line cut before or after the
upstream did its work. Everything else passes unchanged. See `sequencer` for an upstream that behaves as Arbitrum's.
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from sandbox.processes import LOOPBACK
from sandbox.shaping import Endpoint, Failure, Shaper

UPSTREAM_SECONDS = 30.0
HOP_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it came; `path` begins with a slash and has the query in it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to hand back."""

    status: int
    body: bytes
    content_type: str = "application/json"


Upstream = Callable[[Exchange], Reply]


class FaultProxy:
    """One upstream on a port of its own, from `start` to `stop`; every method may be called from any thread."""

    def __init__(self, *, endpoint: Endpoint, upstream: Upstream) -> None:
        """Bind a free port; nothing is served yet."""
        self.endpoint = endpoint
        self.shaper = Shaper()
        self.upstream = upstream
        self._server = _ProxyServer((LOOPBACK, 0), _ProxyHandler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """What the service is told instead of the upstream's address."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def delay(self, *, milliseconds: int) -> None:
        """Let every answer wait; 0 ends it."""
        self.shaper.set_latency(endpoint=self.endpoint, milliseconds=milliseconds)

    def fail(
        self,
        *,
        status: int,
        body: str = "",
        times: int | None = None,
        method: str | None = None,
        after_serving: bool = False,
    ) -> None:
        """Answer with `status` and `body`; 0 cuts the line, `after_serving` once the upstream has done the work.

        `times` None means until `heal`; `method` narrows it to JSON-RPC requests with that method.
        """
        self.shaper.set_failure(Failure(self.endpoint, status, body, times, method, after_serving))

    def heal(self) -> None:
        """No delay, no failure; the counters stay."""
        self.shaper.clear_failure(self.endpoint)
        self.delay(milliseconds=0)

    def count(self, name: str | None = None) -> int:
        """Requests so far, or those with that JSON-RPC method in them."""
        return self.shaper.calls().get(name or self.endpoint.value, 0)


class HttpUpstream:
    """Hands requests on to a real server; one pooled connection a thread."""

    def __init__(self, url: str) -> None:
        """`url` without a trailing slash; the path of a request is put behind it."""
        self._url = url.rstrip("/")
        self._local = threading.local()

    def __call__(self, exchange: Exchange) -> Reply:
        """The server's own answer, 502 when it gives none."""
        try:
            answer = self._session().request(
                exchange.method,
                self._url + exchange.path.rstrip("/"),
                data=exchange.body,
                headers={name: value for name, value in exchange.headers.items() if name.lower() not in HOP_HEADERS},
                timeout=UPSTREAM_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return Reply(HTTPStatus.BAD_GATEWAY, json.dumps({"error": type(error).__name__}).encode())
        return Reply(answer.status_code, answer.content, answer.headers.get("content-type", "application/json"))

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        return session


class _ProxyServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    proxy: FaultProxy


class _ProxyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _ProxyServer

    def setup(self) -> None:
        """Small answers leave at once."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Requests are counted, not logged."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        exchange = Exchange(self.command, self.path, dict(self.headers.items()), body)
        proxy = self.server.proxy
        failure = proxy.shaper.enter(endpoint=proxy.endpoint, methods=rpc_methods(body))
        reply = proxy.upstream(exchange) if failure is None or failure.after_serving else None
        if failure is not None and failure.status == 0:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif failure is not None or reply is None:
            self._send(Reply(failure.status, failure.body.encode()) if failure else Reply(HTTPStatus.BAD_GATEWAY, b""))
        else:
            self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)


def rpc_methods(body: bytes) -> tuple[str, ...]:
    """The JSON-RPC methods in a body; none for any other kind of body."""
    try:
        parsed = json.loads(body or b"null")
    except ValueError:
        return ()
    calls = parsed if isinstance(parsed, list) else [parsed]
    return tuple(str(call["method"]) for call in calls if isinstance(call, dict) and "method" in call)

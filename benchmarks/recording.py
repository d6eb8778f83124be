"""What the service and the SDK ask from outside, and when: the sandbox's shaper with a memory, and a door to Vault."""

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from sandbox.processes import LOOPBACK
from sandbox.shaping import Endpoint, Failure, Shaper

VAULT = "vault"
BROADCAST = "eth_sendRawTransaction"
HOP_HEADERS = frozenset({"connection", "host", "content-length", "transfer-encoding"})
VAULT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to an outside system: `at` is `time.monotonic()` of its arrival, `methods` the RPC calls in it."""

    at: float
    system: str
    methods: tuple[str, ...] = ()

    def describe(self) -> str:
        """For a line of a report."""
        return f"{self.system}({len(self.methods)})" if len(self.methods) > 1 else self.system


class RecordingShaper(Shaper):
    """The sandbox's shaper, which also remembers the arrival of every request. Safe from any thread."""

    def __init__(self) -> None:
        """Nothing asked yet; Vault's latency is set here because the sandbox does not stand before Vault."""
        super().__init__()
        self.vault_seconds = 0.0
        self._asked: list[Asked] = []
        self._asked_lock = threading.Lock()

    def enter(self, *, endpoint: Endpoint, methods: tuple[str, ...] = ()) -> Failure | None:
        """Remember, then count, wait and maybe fail as the sandbox does."""
        self._remember(Asked(time.monotonic(), endpoint.value, methods))
        return super().enter(endpoint=endpoint, methods=methods)

    def enter_vault(self) -> None:
        """Remember a request to Vault and wait its latency."""
        self._remember(Asked(time.monotonic(), VAULT))
        time.sleep(self.vault_seconds)

    def set_all_latencies(self, *, milliseconds: int) -> None:
        """The same added latency for feed, subgraph, RPC and Vault."""
        for endpoint in Endpoint:
            self.set_latency(endpoint=endpoint, milliseconds=milliseconds)
        self.vault_seconds = milliseconds / 1000

    def asked_since(self, moment: float) -> list[Asked]:
        """Every request that arrived at or after `moment`, in order."""
        with self._asked_lock:
            return sorted((one for one in self._asked if one.at >= moment), key=lambda one: one.at)

    def _remember(self, asked: Asked) -> None:
        with self._asked_lock:
            self._asked.append(asked)


def group_rounds(asked: Sequence[Asked], *, latency: float) -> list[list[Asked]]:
    """Requests in rounds: those that arrived before the round's first request can have been answered.

    A request that needs an earlier one's answer arrives at least `latency` seconds after it, so it is never counted
    into the same round; what is in one round was sent without waiting for one another.
    """
    rounds: list[list[Asked]] = []
    for one in asked:
        if rounds and one.at < rounds[-1][0].at + latency:
            rounds[-1].append(one)
        else:
            rounds.append([one])
    return rounds


class VaultDoor:
    """A loopback HTTP server before Vault that hands everything on, unread, and tells the shaper."""

    def __init__(self, *, addr: str, shaper: RecordingShaper) -> None:
        """Serve at once, until `stop`."""
        parts = urlsplit(addr)
        self._server = VaultDoorServer((LOOPBACK, 0), VaultDoorHandler)
        self._server.shaper = shaper
        self._server.behind = (parts.hostname or LOOPBACK, parts.port or 80)
        self._thread = threading.Thread(target=self._server.serve_forever, name="vault-door", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The service's VAULT_ADDR."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class VaultDoorServer(ThreadingHTTPServer):
    """Knows what is behind it."""

    daemon_threads = True
    shaper: RecordingShaper
    behind: tuple[str, int]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A web process that was ended in mid-call; what the service makes of a lost answer is its own matter."""


class VaultDoorHandler(BaseHTTPRequestHandler):
    """One connection of the service. Nothing that passes is kept or logged: it is key material."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: VaultDoorServer

    def hand_on(self) -> None:
        """One exchange with Vault."""
        self.server.shaper.enter_vault()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
        behind = http.client.HTTPConnection(*self.server.behind, timeout=VAULT_SECONDS)
        try:
            behind.request(self.command, self.path, body=body or None, headers=headers)
            answer = behind.getresponse()
            content = answer.read()
        finally:
            behind.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_LIST = do_HEAD = hand_on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Silent."""

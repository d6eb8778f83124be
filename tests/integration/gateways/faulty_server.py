"""A server on loopback that answers exactly as badly as a test asks for."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer

Script = Callable[[socket.socket, bytes], None]
"""Gets the connection and the whole request; writes what it likes and returns to hang up."""


@dataclass
class FaultyServer:
    """`script` answers every request from now on; `requests` are those that came."""

    port: int
    script: Script
    requests: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/rpc/the-api-key"


def answer(body: bytes, *, status: str = "200 OK", headers: str = "Connection: close\r\n") -> bytes:
    """A whole HTTP answer; scripts hang up after it, so it says so unless the headers are the test's own."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def reply_with(*parts: bytes) -> Script:
    """Write the parts and hang up."""

    def script(connection: socket.socket, _request: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return script


def stay_silent(server: FaultyServer) -> Script:
    """Say nothing until the test is over."""

    def script(_connection: socket.socket, _request: bytes) -> None:
        server.released.wait(10)

    return script


def read_request(connection: socket.socket) -> bytes:
    """Head and body of one request, empty when the other side hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def run_faulty_server() -> Iterator[FaultyServer]:
    """A server that hangs up on everybody until it is given a script."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            request = read_request(self.request)
            if request:
                state.requests.append(request)
                state.script(self.request, request)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        state = FaultyServer(server.server_address[1], reply_with())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()

"""Signed calls of the service over one kept connection, in as little code as the client can do with."""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.clients import Call
from ostium_service.client import sign_request

CHUNK = 65_536
SECONDS = 30.0
SHOWN = 200
KEPT_SECONDS = 5.0
"""The service closes a connection that was idle for longer than its own limit, which is above this."""
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True)
class ServiceTarget:
    """One call of the service; every repetition is signed anew, as a backend's are."""

    url: str
    secret: str = field(repr=False)
    path: str
    body: Mapping[str, Any]

    def connect(self) -> Call:
        """A call on a connection of its own."""
        connection = SignedConnection(url=self.url, secret=self.secret)
        content = json.dumps(self.body).encode()
        return lambda: connection.call(path=self.path, content=content)


class SignedConnection:
    """A kept connection of one thread. A general HTTP client would spend more time on a call than the service does."""

    def __init__(self, *, url: str, secret: str) -> None:
        """Connect."""
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._host = parts.netloc
        self._secret = secret
        self._socket = self._connect()
        self._used_at = time.monotonic()

    def call(self, *, path: str, content: bytes) -> bytes:
        """The body of a success; RuntimeError with the status line and the answer's beginning for anything else."""
        if time.monotonic() - self._used_at > KEPT_SECONDS:
            self._socket.close()
            self._socket = self._connect()
        timestamp = time.time_ns() // 1_000_000
        signature = sign_request(secret=self._secret, timestamp_ms=timestamp, method="POST", path=path, body=content)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nx-timestamp: {timestamp}\r\nx-signature: {signature}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + content)
        answer = self._read_answer()
        self._used_at = time.monotonic()
        return answer

    def close(self) -> None:
        """Give the connection back."""
        self._socket.close()

    def _connect(self) -> socket.socket:
        connected = socket.create_connection(self._address, timeout=SECONDS)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def _read_answer(self) -> bytes:
        received = b""
        while END_OF_HEAD not in received:
            received += self._receive()
        head, _, body = received.partition(END_OF_HEAD)
        parts = [body]
        missing = read_length(head) - len(body)
        while missing > 0:
            part = self._receive()
            parts.append(part)
            missing -= len(part)
        if not head.startswith(b"HTTP/1.1 200 "):
            told = head.partition(b"\r\n")[0] + b" " + b"".join(parts)[:SHOWN]
            raise RuntimeError(told.decode(errors="replace"))
        return b"".join(parts)

    def _receive(self) -> bytes:
        part = self._socket.recv(CHUNK)
        if not part:
            raise ConnectionError("the service closed the connection")
        return part


def read_length(head: bytes) -> int:
    """The Content-Length of an answer's head; RuntimeError without one."""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(LENGTH):
            return int(line[len(LENGTH) :])
    raise RuntimeError("an answer without a length")

"""A TCP address before a server (PostgreSQL above all) whose connections can be cut on command or at a given word."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

from sandbox.processes import LOOPBACK

CHUNK = 65536


@dataclass
class _Cut:
    """Cut the connection whose client says `word` for the `skip`-th further time."""

    word: bytes
    after_forwarding: bool
    skip: int


@dataclass
class _Line:
    """One client with its connection to the server. `is_mute`: the server's next word is not handed on, but cut."""

    client: socket.socket
    server: socket.socket
    is_mute: bool = False

    def close(self) -> None:
        """End both sides; safe to call again."""
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


@dataclass
class TcpProxy:
    """From `start` to `stop`; every method may be called from any thread."""

    upstream_host: str
    upstream_port: int
    opened: int = 0
    cuts: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server((LOOPBACK, 0), backlog=128))
    _lines: dict[int, _Line] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _planned: _Cut | None = None
    _is_refusing: bool = False
    _delay_seconds: float = 0.0

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Accept in a thread."""
        threading.Thread(target=self._accept, name="tcp-proxy", daemon=True).start()

    def stop(self) -> None:
        """Close the port and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> int:
        """End every connection now; how many there were."""
        with self._lock:
            lines = list(self._lines.values())
        for line in lines:
            self._end(line)
        return len(lines)

    def refuse(self, *, is_refusing: bool) -> None:
        """Hang up on new connections, or take them again."""
        self._is_refusing = is_refusing

    def delay(self, *, seconds: float) -> None:
        """Hold every chunk of the clients for so long; 0 ends it."""
        self._delay_seconds = seconds

    def cut_at(self, word: bytes, *, after_forwarding: bool, skip: int = 0) -> None:
        """Cut, once, the connection whose client says `word` after `skip` other times, over all connections.

        `after_forwarding`: the server has heard it and has answered, and only the answer is lost.
        """
        with self._lock:
            self._planned = _Cut(word, after_forwarding, skip)

    @property
    def is_armed(self) -> bool:
        """Whether a planned cut has not happened yet."""
        return self._planned is not None

    def disarm(self) -> None:
        """Forget a planned cut."""
        with self._lock:
            self._planned = None

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open(client)

    def _open(self, client: socket.socket) -> None:
        if self._is_refusing:
            client.close()
            return
        try:
            server = socket.create_connection((self.upstream_host, self.upstream_port), timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        line = _Line(client, server)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._lines[id(line)] = line
            self.opened += 1
        threading.Thread(target=self._pump_client, args=(line,), daemon=True).start()
        threading.Thread(target=self._pump_server, args=(line,), daemon=True).start()

    def _pump_client(self, line: _Line) -> None:
        with contextlib.suppress(OSError):
            while chunk := line.client.recv(CHUNK):
                if self._delay_seconds:
                    time.sleep(self._delay_seconds)
                planned = self._take_cut(chunk)
                if planned is not None and not planned.after_forwarding:
                    break
                line.is_mute = planned is not None
                line.server.sendall(chunk)
        self._end(line)

    def _pump_server(self, line: _Line) -> None:
        with contextlib.suppress(OSError):
            while (chunk := line.server.recv(CHUNK)) and not line.is_mute:
                line.client.sendall(chunk)
        self._end(line)

    def _take_cut(self, chunk: bytes) -> _Cut | None:
        with self._lock:
            planned = self._planned
            if planned is None or planned.word not in chunk:
                return None
            if planned.skip:
                planned.skip -= 1
                return None
            self._planned = None
            self.cuts += 1
            return planned

    def _end(self, line: _Line) -> None:
        with self._lock:
            self._lines.pop(id(line), None)
        line.close()

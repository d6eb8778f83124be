"""Gunicorn's threaded worker with a time box on reading a request.

A client that sends its header or body a byte at a time would otherwise hold a thread for as long as it likes.
"""

import errno
import socket
import time
from collections.abc import Callable
from typing import Any, Final, cast

from gunicorn.workers.gthread import TConn, ThreadWorker

READ_SECONDS: Final = 10.0


class DeadlineSocket:
    """A connected socket whose reads, all together, must end by a moment; everything else passes through."""

    def __init__(self, sock: socket.socket, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sock = sock
        self._clock = clock
        self._deadline = float("inf")

    def allow(self, seconds: float) -> None:
        """Reads may go on for that long from now."""
        self._deadline = self._clock() + seconds

    def recv(self, size: int, flags: int = 0) -> bytes:
        """ConnectionResetError when the time is up, which the worker answers by closing the connection."""
        remaining = self._deadline - self._clock()
        if remaining <= 0:
            raise _too_slow()
        before = self._sock.gettimeout()
        if before != 0.0 and remaining != float("inf"):
            self._sock.settimeout(remaining)
        try:
            return self._sock.recv(size, flags)
        except TimeoutError:
            raise _too_slow() from None
        finally:
            self._sock.settimeout(before)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class DeadlineWorker(ThreadWorker):
    """`worker_class` of gunicorn.conf.py."""

    def enqueue_req(self, conn: TConn) -> None:
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = cast("socket.socket", DeadlineSocket(conn.sock))
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        cast("DeadlineSocket", conn.sock).allow(READ_SECONDS)
        return super().handle(conn)


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the request was not read in time")

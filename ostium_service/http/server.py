"""Gunicorn's threaded worker with a time box on reading a request, and with the envelope on its own refusals.

A client that sends its header or body a byte at a time would otherwise hold a thread for as long as it likes; and a
request that is no HTTP would be answered with a page that repeats parts of it.
"""

import errno
import json
import socket
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

READ_SECONDS = 10.0
_BAD_REQUEST: Final = 400
_SERVER_ERROR: Final = 500


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


class ServerLogger(Logger):
    """`logger_class` of gunicorn.conf.py: without an access log, which a logging configuration counts as a wish for.

    Its lines would be put together for every request and then dropped: the service writes its own.
    """

    access_log_enabled = False


class DeadlineWorker(ThreadWorker):
    """`worker_class` of gunicorn.conf.py."""

    def enqueue_req(self, conn: TConn) -> None:
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = cast("socket.socket", DeadlineSocket(conn.sock))
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        cast("DeadlineSocket", conn.sock).allow(READ_SECONDS)
        return super().handle(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        page = _CapturedPage()
        super().handle_error(req, cast("socket.socket", page), addr, exc)
        try:
            util.write_nonblock(client, render_refusal(page.status))
        except OSError:
            self.log.debug("The refusal of a malformed request could not be sent.")


class _CapturedPage:
    """Stands in for the socket while gunicorn writes its own page, of which only the status is wanted."""

    def __init__(self) -> None:
        self._written = b""

    @property
    def status(self) -> int:
        """The status that gunicorn chose; 400 when it wrote nothing."""
        words = self._written.split(None, 2)
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else _BAD_REQUEST

    def sendall(self, data: bytes) -> None:
        self._written += data

    def gettimeout(self) -> float:
        return 0.0


def render_refusal(status: int) -> bytes:
    """A whole HTTP answer in the envelope, for a request that could not be read as HTTP; the connection closes."""
    # Imported late: gunicorn loads this module before there are settings.
    from ostium_service.http.envelope import build_failure
    from ostium_service.http.errors import OstiumInternalError, ServiceError, ValidationError

    error: ServiceError = OstiumInternalError()
    if status != _SERVER_ERROR:
        error = ValidationError(details=[{"field": "request", "message": "The request is malformed HTTP."}])
    request_id = str(uuid.uuid4())
    body = json.dumps(build_failure(error=error, request_id=request_id)).encode()
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nx-request-id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the request was not read in time")

"""A value read at most once in a while per process, however many callers ask."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from ostium_service.gateways.failures import GatewayError

Value = TypeVar("Value")


class CachedRead(Generic[Value]):
    """One read that is repeated when it is older than `fresh_seconds`; concurrent callers share one reading.

    When the reading fails, a value not older than `usable_seconds` is handed out instead; without one the GatewayError
    is raised.
    """

    def __init__(self, read: Callable[[], Value], *, fresh_seconds: float, usable_seconds: float) -> None:
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._usable_seconds = usable_seconds
        self._lock = Lock()
        self._held: tuple[float, Value] | None = None
        self._asked_at = float("-inf")

    def get(self) -> Value:
        """The held value while it is fresh, or while another caller renews one that is still usable; else a new one."""
        held = self.peek()
        if held is not None:
            return held
        if not self._lock.acquire(blocking=False):
            last = self._held
            if last is not None and time.monotonic() - last[0] < self._usable_seconds:
                return last[1]
            self._lock.acquire()
        try:
            return self._refresh()
        finally:
            self._lock.release()

    def peek(self) -> Value | None:
        """The held value while it is fresh; never waits for anything."""
        held = self._held
        if held is not None and time.monotonic() - self._asked_at < self._fresh_seconds:
            return held[1]
        return None

    def _refresh(self) -> Value:
        held, now = self._held, time.monotonic()
        if held is not None and now - self._asked_at < self._fresh_seconds:
            return held[1]
        try:
            value = self._read()
        except GatewayError:
            if held is None or now - held[0] >= self._usable_seconds:
                raise
            # Not asked again before the next turn: a slow upstream must not hold up every caller.
            self._asked_at = time.monotonic()
            return held[1]
        self._asked_at = time.monotonic()
        self._held = (self._asked_at, value)
        return value

"""Added latency, scripted failures and call counts of the sandbox's endpoints, for benchmarks and fault tests."""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Endpoint(StrEnum):
    """What can be slowed down, failed and counted."""

    FEED = "feed"
    SUBGRAPH = "subgraph"
    RPC = "rpc"
    SUBMIT = "submit"
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer given in place of the real one. `times` None means until it is taken back.

    `method` narrows a failure of the RPC endpoint to calls (single or within a batch) of that method;
    `after_serving` does the work first and then fails, as a lost answer would.
    """

    endpoint: Endpoint
    status: int
    body: str = ""
    times: int | None = None
    method: str | None = None
    after_serving: bool = False


class Shaper:
    """Shared by all requests of the server; safe from any thread."""

    def __init__(self) -> None:
        """No latency, no failures, nothing counted."""
        self._lock = threading.Lock()
        self._latency_ms: dict[Endpoint, int] = {}
        self._failures: dict[Endpoint, Failure] = {}
        self._calls: Counter[str] = Counter()

    def reset(self) -> None:
        """As new."""
        with self._lock:
            self._latency_ms.clear()
            self._failures.clear()
            self._calls.clear()

    def set_latency(self, *, endpoint: Endpoint, milliseconds: int) -> None:
        """Make every answer of the endpoint wait; ValueError when negative."""
        if milliseconds < 0:
            raise ValueError("a latency is not negative")
        with self._lock:
            self._latency_ms[endpoint] = milliseconds

    def set_failure(self, failure: Failure) -> None:
        """Let the endpoint fail from now on; a second one replaces the first."""
        with self._lock:
            self._failures[failure.endpoint] = failure

    def clear_failure(self, endpoint: Endpoint) -> None:
        """Let the endpoint answer again."""
        with self._lock:
            self._failures.pop(endpoint, None)

    def enter(self, *, endpoint: Endpoint, methods: tuple[str, ...] = ()) -> Failure | None:
        """Count a request (and each RPC method in it), wait the latency, and say whether it shall fail."""
        with self._lock:
            self._calls[endpoint.value] += 1
            self._calls.update(methods)
            pause = self._latency_ms.get(endpoint, 0) / 1000
            failure = self._take_failure(endpoint=endpoint, methods=methods)
        if pause:
            time.sleep(pause)
        return failure

    def calls(self) -> dict[str, int]:
        """Requests by endpoint, and RPC calls by method, since the last `reset_calls`."""
        with self._lock:
            return dict(self._calls)

    def reset_calls(self) -> None:
        """Count from zero."""
        with self._lock:
            self._calls.clear()

    def _take_failure(self, *, endpoint: Endpoint, methods: tuple[str, ...]) -> Failure | None:
        failure = self._failures.get(endpoint)
        if failure is None or (failure.method is not None and failure.method not in methods):
            return None
        if failure.times is not None:
            left = failure.times - 1
            if left > 0:
                self._failures[endpoint] = Failure(
                    endpoint, failure.status, failure.body, left, failure.method, failure.after_serving
                )
            else:
                del self._failures[endpoint]
        return failure

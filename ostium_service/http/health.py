"""/health: the process answers. /ready: everything that a trade needs answers too. /metrics: numbers for Prometheus.

The probes are handed in with `register_probe`, since this room knows no outside system.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View
from prometheus_client import CONTENT_TYPE_LATEST

from ostium_service.observability.metrics import render_metrics

logger = structlog.get_logger(__name__)

Probe = Callable[[], None]
"""Returns when its system answers; raises otherwise. The text of what it raises is not shown, only a token."""

BUDGET_SECONDS: Final = 0.9
CACHE_SECONDS: Final = 1.0
OK: Final = "ok"
HANGING: Final = "no_answer_yet"
FAILED: Final = "failed"
_MAX_PROBES: Final = 16


class Readiness:
    """Runs the probes side by side within one budget; answers for a second from what the last run saw.

    A probe that hangs keeps its one thread and is not started again before it has ended.
    """

    def __init__(self, *, budget: float = BUDGET_SECONDS, cache: float = CACHE_SECONDS) -> None:
        self._budget = budget
        self._cache = cache
        self._probes: dict[str, Probe] = {}
        self._informational: set[str] = set()
        self._running: dict[str, Future[tuple[str, float]]] = {}
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._seen: tuple[float, dict[str, str]] = (float("-inf"), {})

    def register(self, name: str, probe: Probe, *, informational: bool = False) -> None:
        """Add the probe, or put it in the place of an earlier one of the same name.

        An informational one is shown, but its failure does not make the service unready.
        """
        with self._lock:
            self._probes[name] = probe
            self._informational.discard(name)
            if informational:
                self._informational.add(name)
            self._seen = (float("-inf"), {})

    def check(self) -> dict[str, str]:
        """Each probe's state: `ok`, `failed`, `no_answer_yet`, or the token of the failure."""
        with self._lock:
            seen_at, states = self._seen
            if time.monotonic() - seen_at < self._cache:
                return dict(states)
            states = self._run()
            self._seen = (time.monotonic(), states)
            return dict(states)

    def is_ready(self, states: Mapping[str, str]) -> bool:
        """Whether every probe that counts says `ok`, and there is one."""
        counted = [state for name, state in states.items() if name not in self._informational]
        return bool(counted) and all(state == OK for state in counted)

    def _run(self) -> dict[str, str]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=_MAX_PROBES, thread_name_prefix="ready")
        for name, probe in self._probes.items():
            if self._is_due(name):
                self._running[name] = self._pool.submit(_run_probe, name, probe)
        wait(self._running.values(), timeout=self._budget)
        return {name: self._take(name) for name in self._probes}

    def _is_due(self, name: str) -> bool:
        """A probe that ended after the last look is believed for one cache time, so that a slow one is heard too."""
        running = self._running.get(name)
        if running is None:
            return True
        return running.done() and time.monotonic() - running.result()[1] > self._cache + self._budget

    def _take(self, name: str) -> str:
        if not self._running[name].done():
            return HANGING
        return self._running.pop(name).result()[0]


readiness = Readiness()


def register_probe(name: str, probe: Probe, *, informational: bool = False) -> None:
    """Add a probe to the readiness of this process; an informational one is shown without counting."""
    readiness.register(name, probe, informational=informational)


def _run_probe(name: str, probe: Probe) -> tuple[str, float]:
    try:
        probe()
    except Exception as error:  # noqa: BLE001  whatever fails, the answer is a state
        logger.warning("probe_failed", probe=name, error_type=type(error).__name__)
        reason = getattr(error, "token", None)
        return (reason if isinstance(reason, str) and reason else FAILED), time.monotonic()
    return OK, time.monotonic()


class HealthView(View):
    """Answers without touching anything, so that a hanging database does not get the process killed."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse({"status": OK})


class ReadyView(View):
    """200 when every check is ok, else 503; within a second either way."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        checks = readiness.check()
        ready = readiness.is_ready(checks)
        body = {"status": "ready" if ready else "not_ready", "checks": checks}
        response = JsonResponse(body, status=200 if ready else 503)
        response["Cache-Control"] = "no-store"
        return response


class MetricsView(View):
    """Prometheus text; the edge lets only internal networks through."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(render_metrics(), content_type=CONTENT_TYPE_LATEST)

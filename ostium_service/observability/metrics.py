"""What the service counts. Every label comes from a closed set, so that no address or text can become a label.

With PROMETHEUS_MULTIPROC_DIR set the processes of one machine share the directory and any of them shows the sum.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import structlog
from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ostium_service.http.errors import CATALOGUE

logger = structlog.get_logger(__name__)

OTHER: Final = "other"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_OUTCOMES: Final = frozenset({"success", "http_2xx", "http_3xx", "http_4xx", "http_5xx", *CATALOGUE})
SYSTEMS: Final = frozenset({"rpc", "submit", "subgraph", "prices", "vault", "safe_service"})
UPSTREAM_OUTCOMES: Final = frozenset({"ok", "reverted", "refused", "bad_answer", "unreachable", "breaker_open"})
RELAY_STAGES: Final = frozenset(
    {
        *("claim", "admit", "price", "simulate", "key", "prepare", "sign", "store", "sign_and_store", "broadcast"),
        *("receipt", "settlement", "settle", "advance", "total"),
    }
)
SECURITY_EVENTS: Final = frozenset(
    {
        *("header_missing", "duplicate_header", "timestamp_malformed", "timestamp_out_of_window"),
        *("signature_malformed", "signature_mismatch", "query_not_allowed", "target_malformed"),
        *(
            "outside_network",
            "rate_limited",
            "secret_in_payload",
            "gate_refused",
            "signer_halted",
            "vault_unwrap_refused",
            "vault_policy_too_wide",
            "reorg",
            "key_mismatch",
            "hash_mismatch",
            "chain_mismatch",
            "safe_service_hash_mismatch",
        ),
    }
)
TRADE_ALARMS: Final = frozenset(
    {"stop_loss_missing", "stop_loss_moved", "take_profit_missing", "take_profit_moved", "other_trade"}
)
_NAME: Final = re.compile(r"[a-zA-Z0-9_/<>:.-]{1,80}")
_MOST_VALUES: Final = 200

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_requests = Counter("ostium_requests", "Requests by route template and outcome", ["route", "method", "outcome"])
_request_seconds = Histogram("ostium_request_seconds", "Time to answer", ["route"], buckets=_SECONDS)
_upstream = Counter("ostium_upstream_calls", "Calls to outside systems", ["system", "operation", "outcome"])
_upstream_seconds = Histogram(
    "ostium_upstream_seconds", "Time of such a call", ["system", "operation"], buckets=_SECONDS
)
_relay_seconds = Histogram("ostium_relay_stage_seconds", "Time of a stage of a write", ["stage"], buckets=_SECONDS)
_trade_alarms = Counter("ostium_trade_alarms", "Executed orders that differ from what was asked", ["kind"])
_security = Counter("ostium_security_events", "Refusals that an operator may want to look at", ["kind"])


class _KnownNames:
    """Admits the first `_MOST_VALUES` different names, then says `other`: a bound whatever the callers do."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def admit(self, name: str) -> str:
        with self._lock:
            if name in self._names:
                return name
            if len(self._names) >= _MOST_VALUES or not _NAME.fullmatch(name):
                return OTHER
            self._names.add(name)
            return name


_routes = _KnownNames()
_operations = _KnownNames()


def count_request(route: str, method: str, outcome: str, seconds: float | None = None) -> None:
    """One answered request: the route's TEMPLATE (never the path), and `success`, a catalogue code or `http_4xx`."""
    name = _routes.admit(route)
    _requests.labels(name, _closed(method, METHODS), _closed(outcome, REQUEST_OUTCOMES)).inc()
    if seconds is not None:
        _request_seconds.labels(name).observe(seconds)


def count_upstream(system: str, operation: str, outcome: str, seconds: float) -> None:
    """One attempt at an outside system; `operation` is a name from our code, such as `eth_call`."""
    name = _operations.admit(operation)
    known_system = _closed(str(system), SYSTEMS)
    _upstream.labels(known_system, name, _closed(str(outcome), UPSTREAM_OUTCOMES)).inc()
    _upstream_seconds.labels(known_system, name).observe(seconds)


def observe_relay_stage(stage: str, seconds: float) -> None:
    """The time one stage of a write took."""
    _relay_seconds.labels(_closed(stage, RELAY_STAGES)).observe(seconds)


def count_security_event(kind: str) -> None:
    """A refusal for a reason of security."""
    _security.labels(_closed(kind, SECURITY_EVENTS)).inc()


def count_trade_alarm(kind: str) -> None:
    """An executed order that differs from what was asked."""
    _trade_alarms.labels(_closed(kind, TRADE_ALARMS)).inc()


class _AtScrape(Collector):
    """Gauges that are read when Prometheus asks, from the database, so that every process tells the same."""

    def __init__(self) -> None:
        self.sources: dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]] = {}

    def collect(self) -> Iterator[Metric]:
        for name, (documentation, label, read) in self.sources.items():
            gauge = GaugeMetricFamily(name, documentation, labels=[label])
            try:
                for value, number in read().items():
                    gauge.add_metric([value], number)
            except Exception as error:  # noqa: BLE001  a database that is away must not take the other numbers along
                # Nor may each gauge wait for it anew: the scrape would be over before its answer.
                logger.warning("gauge_not_read", gauge=name, error_type=type(error).__name__)
                return
            yield gauge


_at_scrape = _AtScrape()


def register_gauge(name: str, documentation: str, *, label: str, read: Callable[[], Mapping[str, float]]) -> None:
    """A gauge with one label from a closed set; `read` gives label value to number, and is asked at every scrape."""
    _at_scrape.sources[name] = (documentation, label, read)


def render_metrics() -> bytes:
    """The exposition text: of this process, or of all that share PROMETHEUS_MULTIPROC_DIR."""
    scraped = CollectorRegistry()
    scraped.register(_at_scrape)
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(PROCESS_REGISTRY) + generate_latest(scraped)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + generate_latest(scraped)


def _closed(value: str, allowed: frozenset[str]) -> str:
    return value if value in allowed else OTHER

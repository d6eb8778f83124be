"""/health answers without looking at anything; /ready looks at everything within a second; /metrics shows the sums."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.test import Client

from ostium_service.gateways.failures import Refused, System
from ostium_service.http.health import Readiness, register_probe


def fail() -> None:
    raise RuntimeError("postgres://user:hunter2@host/db is unreachable")


def seal() -> None:
    raise Refused(System.VAULT, "sealed")


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    release = threading.Event()
    yield release
    release.set()


def wait_for(event: threading.Event) -> None:
    event.wait(30)


def test_a11_health_answers_at_once_while_everything_hangs(hang: threading.Event) -> None:
    register_probe("database", lambda: wait_for(hang))
    started = time.monotonic()
    response = Client().get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert time.monotonic() - started < 0.5


def test_ready_when_every_probe_is() -> None:
    register_probe("database", lambda: None)
    register_probe("vault", lambda: None)
    response = Client().get("/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ready", "checks": {"database": "ok", "vault": "ok"}}


def test_a11_not_ready_names_each_state_and_no_text(hang: threading.Event) -> None:
    register_probe("database", fail)
    register_probe("vault", seal)
    register_probe("rpc_testnet", lambda: wait_for(hang))
    register_probe("migrations", lambda: None)
    started = time.monotonic()
    response = Client().get("/ready")
    assert time.monotonic() - started < 1.5
    assert response.status_code == 503
    assert response.json() == {
        "status": "not_ready",
        "checks": {"database": "failed", "vault": "sealed", "rpc_testnet": "no_answer_yet", "migrations": "ok"},
    }


def test_ready_without_any_probe_is_not_ready() -> None:
    assert Client().get("/ready").status_code == 503


def test_the_answer_is_kept_for_a_moment() -> None:
    calls: list[int] = []
    readiness = Readiness(budget=1.0, cache=60.0)
    readiness.register("a", lambda: calls.append(1))
    assert [readiness.check() for _ in range(5)] == [{"a": "ok"}] * 5
    assert len(calls) == 1


def test_a_hanging_probe_is_started_once_and_heard_when_it_ends(hang: threading.Event) -> None:
    calls: list[int] = []

    def slow() -> None:
        calls.append(1)
        hang.wait(30)

    readiness = Readiness(budget=0.02, cache=0.0)
    readiness.register("a", slow)
    assert [readiness.check() for _ in range(5)] == [{"a": "no_answer_yet"}] * 5
    assert len(calls) == 1
    hang.set()
    deadline = time.monotonic() + 10
    while (states := readiness.check()) != {"a": "ok"}:
        assert time.monotonic() < deadline, states


def test_a_hundred_askers_make_one_round() -> None:
    calls: list[int] = []

    def slow() -> None:
        time.sleep(0.05)
        calls.append(1)

    readiness = Readiness(budget=5.0, cache=60.0)
    readiness.register("a", slow)
    threads = [threading.Thread(target=readiness.check) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_only_reading_is_allowed(path: str) -> None:
    assert Client().post(path).status_code == 405


def test_metrics_are_prometheus_text() -> None:
    Client().get("/health")
    response = Client().get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    assert 'ostium_requests_total{method="GET",outcome="http_2xx",route="health"}' in response.content.decode()

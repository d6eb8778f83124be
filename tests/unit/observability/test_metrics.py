"""Labels come from closed sets, whatever is thrown at them; several processes add up."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ostium_service.gateways.failures import System
from ostium_service.gateways.resilience import Outcome
from ostium_service.http.errors import CATALOGUE
from ostium_service.observability import metrics

ROOT = Path(__file__).parents[3]


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_the_closed_sets_are_those_of_the_code() -> None:
    assert {str(system) for system in System} == metrics.SYSTEMS
    assert {str(outcome) for outcome in Outcome} == metrics.UPSTREAM_OUTCOMES
    assert set(CATALOGUE) < metrics.REQUEST_OUTCOMES


def test_a_request_is_counted_by_route_and_outcome() -> None:
    labels = {"route": "v1/tests/one", "method": "POST", "outcome": "MARKET_CLOSED"}
    before = value("ostium_requests_total", **labels)
    metrics.count_request("v1/tests/one", "POST", "MARKET_CLOSED", 0.25)
    assert value("ostium_requests_total", **labels) == before + 1
    assert value("ostium_request_seconds_sum", route="v1/tests/one") == 0.25


def test_an_upstream_call_is_counted_by_system_and_outcome() -> None:
    labels = {"system": "rpc", "operation": "call", "outcome": "unreachable"}
    before = value("ostium_upstream_calls_total", **labels)
    metrics.count_upstream(System.RPC, "call", "unreachable", 0.5)
    assert value("ostium_upstream_calls_total", **labels) == before + 1


def test_stages_and_security_events_are_counted() -> None:
    before = value("ostium_security_events_total", kind="signature_mismatch")
    metrics.count_security_event("signature_mismatch")
    assert value("ostium_security_events_total", kind="signature_mismatch") == before + 1
    count = value("ostium_relay_stage_seconds_count", stage="simulate")
    metrics.observe_relay_stage("simulate", 0.2)
    assert value("ostium_relay_stage_seconds_count", stage="simulate") == count + 1


def test_a8_what_is_not_in_a_set_becomes_other() -> None:
    address = "0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe"
    metrics.count_request("v1/tests/two", "BREW", "upstream said: no", 0.1)
    metrics.count_upstream(address, "call", address, 0.1)
    metrics.observe_relay_stage(address, 0.1)
    metrics.count_security_event(address)
    assert value("ostium_requests_total", route="v1/tests/two", method="other", outcome="other") == 1
    assert value("ostium_upstream_calls_total", system="other", operation="call", outcome="other") >= 1
    assert address not in metrics.render_metrics().decode()


def test_a8_names_are_bounded_in_form_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_operations", metrics._KnownNames())
    assert metrics._operations.admit("an error text: x") == "other"
    assert metrics._operations.admit("x" * 81) == "other"
    admitted = {metrics._operations.admit(f"operation_{number}") for number in range(1000)}
    assert len(admitted) == 201
    assert metrics._operations.admit("operation_5") == "operation_5"


def test_processes_that_share_a_directory_add_up(tmp_path: Path) -> None:
    work = textwrap.dedent(
        """
        from ostium_service.observability import metrics
        metrics.count_security_event("signature_mismatch")
        print(metrics.render_metrics().decode())
        """
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", work],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        for _ in range(3)
    ]
    assert 'ostium_security_events_total{kind="signature_mismatch"} 3.0' in outputs[-1]

"""What today's client does when an answer is late: the same bytes under the same signature, up to 61.5 s later."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from ostium_service.client import sign_request
from positions.models import PerpsExecution
from sandbox.processes import wait_until
from sandbox.shaping import Endpoint
from tests.integration.positions.conftest import Desk
from tests.support.wiring import TEST_SECRET

LAST_ATTEMPT_MS = 61_500
"""Two waits of 30 s for an answer, and the pauses between: how old the signature is at the third attempt."""

MARKETS = "/v1/markets/list"
OPEN = "/v1/positions/open"


class Attempts:
    """One request, signed once; every `send` is byte for byte the same."""

    def __init__(
        self, path: str, body: dict[str, Any], *, age_ms: int = 0, headers: dict[str, str] | None = None
    ) -> None:
        self.path = path
        self.content = json.dumps(body, separators=(",", ":")).encode()
        stamp = time.time_ns() // 1_000_000 - age_ms
        signature = sign_request(secret=TEST_SECRET, timestamp_ms=stamp, method="POST", path=path, body=self.content)
        self.headers = {"x-timestamp": str(stamp), "x-signature": signature, **(headers or {})}

    def send(self) -> Any:
        """The response to one attempt."""
        return Client().post(self.path, self.content, content_type="application/json", headers=self.headers)

    def send_in_thread(self) -> Any:
        """The same, leaving no connection behind."""
        try:
            return self.send()
        finally:
            connection.close()


def order(desk: Desk) -> dict[str, Any]:
    return {
        "network": "testnet",
        "market": "BTC",
        "side": "long",
        "traderAddress": desk.trader,
        "collateral": 100,
        "leverage": 10,
    }


@pytest.mark.parametrize("age_ms", [0, LAST_ATTEMPT_MS])
def test_w3_a_read_sent_three_times_is_answered_three_times(slow_desk: Desk, age_ms: int) -> None:
    attempts = Attempts(MARKETS, {"network": "testnet"}, age_ms=age_ms)
    answers = [attempts.send() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any(answer.has_header("Idempotency-Replayed") for answer in answers)
    assert len({answer.json()["meta"]["requestId"] for answer in answers}) == 3


@pytest.mark.parametrize("headers", [{}, {"x-request-id": "job-77"}], ids=["signature-alone", "request-id"])
@pytest.mark.parametrize("age_ms", [0, LAST_ATTEMPT_MS])
def test_w1_i8_a_write_sent_three_times_happens_once(slow_desk: Desk, headers: dict[str, str], age_ms: int) -> None:
    attempts = Attempts(OPEN, order(slow_desk), age_ms=age_ms, headers=headers)
    answers = [attempts.send() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
    first, *again = [answer.json()["data"] for answer in answers]
    assert first["status"] == "settled"
    assert again == [first, first]
    assert (slow_desk.open_trades(), slow_desk.sent(), PerpsExecution.objects.count()) == (1, 1, 1)


def test_w1_the_same_signed_write_under_another_unsigned_header_happens_once(slow_desk: Desk) -> None:
    """A proxy that names each attempt by an id of its own must not turn a retry into a second trade."""
    attempts = Attempts(OPEN, order(slow_desk))
    answers = []
    for headers in ({"x-request-id": "hop-1"}, {"x-request-id": "hop-2"}, {"Idempotency-Key": "hop-3"}, {}):
        attempts.headers = {name: attempts.headers[name] for name in ("x-timestamp", "x-signature")} | headers
        answers.append(attempts.send())
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert [answer.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true", "true"]
    first, *again = [answer.json()["data"] for answer in answers]
    assert again == [first, first, first]
    assert (slow_desk.open_trades(), slow_desk.sent(), PerpsExecution.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("path", [MARKETS, OPEN])
def test_w1_w3_i8_the_same_bytes_three_times_over_a_minute(slow_desk: Desk, path: str) -> None:
    """As the client's clock runs: two answers that took 30 s and never came, and the pauses between."""
    body = order(slow_desk) if path == OPEN else {"network": "testnet"}
    attempts = Attempts(path, body)
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        answers = [attempts.send()]
        for seconds in (30.5, 31):
            clock.shift(seconds)
            answers.append(attempts.send())
        assert time.time_ns() // 1_000_000 - int(attempts.headers["x-timestamp"]) >= LAST_ATTEMPT_MS
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    marks = [answer.get("Idempotency-Replayed") for answer in answers]
    if path == MARKETS:
        assert marks == [None, None, None]
        return
    assert marks == [None, "true", "true"]
    first, *again = [answer.json()["data"] for answer in answers]
    assert again == [first, first]
    assert (slow_desk.open_trades(), slow_desk.sent(), PerpsExecution.objects.count()) == (1, 1, 1)


def test_w1_after_the_window_the_same_bytes_are_refused_and_nothing_happens(slow_desk: Desk) -> None:
    attempts = Attempts(OPEN, order(slow_desk))
    assert attempts.send().status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(milliseconds=300_500), tick=True):
        late = attempts.send()
    assert (late.status_code, late.json()["error"]["details"]["reason"]) == (401, "timestamp_out_of_window")
    assert (slow_desk.open_trades(), slow_desk.sent()) == (1, 1)


def test_w2_an_attempt_while_the_first_still_runs_is_told_to_wait(slow_desk: Desk) -> None:
    attempts = Attempts(OPEN, order(slow_desk))
    slow_desk.sandbox.control.set_latency(endpoint=Endpoint.RPC, milliseconds=1500)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(attempts.send_in_thread)
        wait_until(PerpsExecution.objects.exists, seconds=20, purpose="the claim of the first attempt")
        second = attempts.send()
        slow_desk.sandbox.control.set_latency(endpoint=Endpoint.RPC, milliseconds=0)
        answer = first.result(60)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
    assert second.json()["error"]["retryable"] is True
    assert int(second["Retry-After"]) > 0
    assert answer.status_code == 200
    third = attempts.send()
    assert third["Idempotency-Replayed"] == "true"
    assert third.json()["data"]["executionId"] == answer.json()["data"]["executionId"]
    assert (slow_desk.open_trades(), slow_desk.sent(), PerpsExecution.objects.count()) == (1, 1, 1)


def test_w1_a_refused_write_may_be_corrected_under_the_same_request_id(slow_desk: Desk) -> None:
    wrong = Attempts(OPEN, {**order(slow_desk), "leverage": 100_000}, headers={"x-request-id": "job-78"})
    assert [wrong.send().json()["error"]["code"] for _ in range(2)] == ["LEVERAGE_TOO_HIGH", "LEVERAGE_TOO_HIGH"]
    right = Attempts(OPEN, order(slow_desk), headers={"x-request-id": "job-78"}).send()
    assert (right.status_code, right.has_header("Idempotency-Replayed")) == (200, False)
    assert slow_desk.open_trades() == 1

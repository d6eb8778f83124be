"""W24: a peer that keeps sending bad signatures is told to wait; nobody else notices, and no cache trouble refuses."""

import hmac
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from pytest_django.fixtures import Settings

from tests.unit.http.caller import BODY, PATH, SECRET, Send, failure_of, reason_of

START = 1_795_000_020
LIMIT = 5
OTHER_PEER = {"REMOTE_ADDR": "10.1.2.3"}


@pytest.fixture(autouse=True)
def frozen(edge: Settings) -> Iterator[time_machine.Traveller]:
    edge.HMAC_REFUSALS_PER_MINUTE = LIMIT
    cache.clear()
    with time_machine.travel(START, tick=False) as clock:
        yield clock
    cache.clear()


def send_bad(send: Send, **changes: Any) -> Any:
    return send(PATH, BODY, secret="not-the-secret", **changes)


def use_up(send: Send) -> None:
    for _ in range(LIMIT):
        assert reason_of(send_bad(send)) == {"reason": "signature_mismatch"}


def test_w24_many_bad_signatures_are_answered_with_rate_limited(send: Send) -> None:
    use_up(send)
    response = send_bad(send)
    assert (response.status_code, response["Retry-After"]) == (429, str(60 - START % 60))
    assert failure_of(response) == {
        "success": False,
        "error": {
            "code": "RATE_LIMITED",
            "message": "Too many requests. Wait for the seconds in Retry-After and send the same request again.",
            "details": {"reason": "too_many_refused_signatures"},
            "retryable": True,
        },
    }


def test_w24_a_good_caller_behind_the_same_address_is_not_affected(send: Send) -> None:
    use_up(send)
    assert [send_bad(send).status_code, send(PATH, BODY).status_code, send_bad(send).status_code] == [429, 200, 429]


def test_w24_another_address_has_its_own_count(send: Send) -> None:
    use_up(send)
    assert send_bad(send, headers=OTHER_PEER).status_code == 401
    assert send_bad(send).status_code == 429


def test_w24_any_refusal_for_the_signature_counts(send: Send) -> None:
    for _ in range(LIMIT):
        send(PATH, BODY, headers={"HTTP_X_SIGNATURE": None})
    assert send(PATH, BODY, timestamp="1").status_code == 429


def test_w24_other_refusals_do_not_count(send: Send) -> None:
    for _ in range(LIMIT + 1):
        assert send(PATH, b"{").status_code == 400
    assert send_bad(send).status_code == 401


def test_w24_it_ends_after_the_seconds_told(send: Send, frozen: time_machine.Traveller) -> None:
    use_up(send)
    frozen.shift(int(send_bad(send)["Retry-After"]) - 1)
    assert send_bad(send).status_code == 429
    frozen.shift(1)
    assert send_bad(send).status_code == 401


def test_w24_zero_switches_it_off(send: Send, edge: Settings) -> None:
    edge.HMAC_REFUSALS_PER_MINUTE = 0
    assert {send_bad(send).status_code for _ in range(3 * LIMIT)} == {401}


def test_w24_a_cache_that_fails_refuses_nobody(send: Send, monkeypatch: pytest.MonkeyPatch, written: StringIO) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise ConnectionError("redis://:planted-password@cache")

    monkeypatch.setattr(cache, "add", fail)
    assert {send_bad(send).status_code for _ in range(2 * LIMIT)} == {401}
    assert send(PATH, BODY).status_code == 200
    assert "refusals_not_counted" in written.getvalue()
    assert "planted-password" not in written.getvalue()


def test_w24_the_first_time_over_the_limit_is_logged_once(send: Send, written: StringIO) -> None:
    use_up(send)
    for _ in range(3):
        send_bad(send)
    assert written.getvalue().count("peer_rate_limited") == 1


def test_w24_signatures_are_compared_in_constant_time(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def watch(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watch)
    assert send_bad(send).status_code == 401
    assert send(PATH, BODY, secret=SECRET).status_code == 200
    assert compared == [(64, 64), (64, 64)]

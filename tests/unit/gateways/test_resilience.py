"""Retries, budgets and breakers, on a clock of the test's own."""

import threading
from collections.abc import Callable

import pytest

from ostium_service.gateways.failures import BadAnswer, GatewayError, KeyMissing, Refused, Reverted, System, Unreachable
from ostium_service.gateways.resilience import Breaker, Guard, Policy


class Clock:
    """Time that passes only when told, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """An attempt that fails as scripted, then answers `done`; each takes `seconds`."""

    def __init__(self, clock: Clock, *failures: Exception, seconds: float = 0.0) -> None:
        self.clock = clock
        self.failures = list(failures)
        self.seconds = seconds
        self.left: list[float] = []

    def __call__(self, left: float) -> str:
        self.left.append(left)
        self.clock.now += self.seconds
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def unreachable(**details: float) -> Unreachable:
    """A failure worth another attempt."""
    return Unreachable(System.RPC, "too_slow", **details)  # type: ignore[arg-type]


def build(clock: Clock, policy: Policy | None = None) -> tuple[Guard, list[tuple[str, str, str]]]:
    """A guard and the calls it reports."""
    seen: list[tuple[str, str, str]] = []
    guard = Guard(
        system=System.RPC,
        policy=policy or Policy(attempts=3, total_seconds=8.0, pause_seconds=0.1, breaker_failures=50),
        on_call=lambda system, operation, outcome, _: seen.append((system, operation, outcome)),
        clock=clock,
        sleep=clock.sleep,
    )
    return guard, seen


def test_a_read_is_repeated_until_it_answers_with_growing_pauses() -> None:
    clock = Clock()
    guard, seen = build(clock)
    assert guard.read("call", Script(clock, unreachable(), unreachable())) == "done"
    assert seen == [("rpc", "call", "unreachable"), ("rpc", "call", "unreachable"), ("rpc", "call", "ok")]
    assert len(clock.slept) == 2
    assert 0 <= clock.slept[0] <= 0.1
    assert 0 <= clock.slept[1] <= 0.2


def test_the_last_failure_is_raised_when_attempts_run_out() -> None:
    clock = Clock()
    guard, seen = build(clock)
    with pytest.raises(Unreachable, match="too_slow"):
        guard.read("call", Script(clock, *[unreachable() for _ in range(9)]))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (BadAnswer(System.RPC, "json"), "bad_answer"),
        (Refused(System.RPC, "node_refused"), "refused"),
        (KeyMissing(System.VAULT, "missing"), "refused"),
        (Reverted(b""), "reverted"),
    ],
)
def test_an_answer_is_never_asked_for_again(failure: Exception, outcome: str) -> None:
    clock = Clock()
    guard, seen = build(clock)
    with pytest.raises(type(failure)):
        guard.read("call", Script(clock, failure))
    assert seen == [("rpc", "call", outcome)]
    assert clock.slept == []


def test_r6_the_budget_covers_attempts_and_pauses() -> None:
    clock = Clock()
    guard, seen = build(clock, Policy(attempts=5, total_seconds=5.0, pause_seconds=0.0))
    script = Script(clock, *[unreachable() for _ in range(9)], seconds=2.0)
    with pytest.raises(Unreachable):
        guard.read("call", script)
    assert script.left == [5.0, 3.0, 1.0]
    assert len(seen) == 3


def test_r6_a_pause_asked_for_is_kept_or_the_read_given_up() -> None:
    clock = Clock()
    guard, _ = build(clock)
    assert guard.read("call", Script(clock, unreachable(retry_after=2.0))) == "done"
    assert clock.slept == [2.0]
    with pytest.raises(Unreachable):
        guard.read("call", Script(clock, unreachable(retry_after=30.0)))
    assert clock.slept == [2.0]


def test_once_is_once() -> None:
    clock = Clock()
    guard, seen = build(clock)
    with pytest.raises(Unreachable):
        guard.once("send_raw", Script(clock, unreachable()))
    assert seen == [("rpc", "send_raw", "unreachable")]


def open_breaker(guard: Guard, clock: Clock, failures: int) -> None:
    for _ in range(failures):
        with pytest.raises(Unreachable):
            guard.once("send_raw", Script(clock, unreachable()))


def test_r6_an_open_breaker_refuses_reads_lets_broadcasts_through_and_one_probe_a_period() -> None:
    clock = Clock()
    guard, seen = build(clock, Policy(attempts=1, breaker_failures=3, breaker_seconds=5.0))
    open_breaker(guard, clock, 3)
    with pytest.raises(Unreachable, match="breaker_open") as refused:
        guard.read("call", Script(clock))
    assert refused.value.unsent
    assert seen[-1] == ("rpc", "call", "breaker_open")
    clock.now += 5.0
    with pytest.raises(Unreachable, match="too_slow"):
        guard.read("call", Script(clock, unreachable()))
    with pytest.raises(Unreachable, match="breaker_open"):
        guard.read("call", Script(clock))
    assert guard.once("send_raw", Script(clock)) == "done"
    assert guard.read("call", Script(clock)) == "done"


@pytest.mark.parametrize("failure", [Refused(System.RPC, "x"), BadAnswer(System.RPC, "x"), Reverted(b"")])
def test_any_answer_keeps_the_breaker_closed(failure: Exception) -> None:
    clock = Clock()
    guard, _ = build(clock, Policy(attempts=1, breaker_failures=2))
    for attempt in (unreachable(), failure, unreachable()):
        with pytest.raises((GatewayError, Reverted)):
            guard.once("call", Script(clock, attempt))
    assert guard.read("call", Script(clock)) == "done"


def test_only_one_of_many_threads_becomes_the_probe() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, seconds=5.0, clock=clock)
    breaker.record(reachable=False)
    clock.now += 6.0
    allowed: list[bool] = []
    start = threading.Barrier(32)

    def ask() -> None:
        start.wait()
        allowed.append(breaker.allow())

    run_threads(32, ask)
    assert sorted(allowed) == [False] * 31 + [True]


def run_threads(number: int, work: Callable[[], None]) -> None:
    """All at once, to their end."""
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

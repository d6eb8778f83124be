"""Time boxes, retries and circuit breakers, the same for every outside system.

A retry happens only where repeating is harmless: reads. What moves money is attempted once, by `Guard.once`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from typing import TypeVar

from ostium_service.gateways.failures import BadAnswer, KeyMissing, Refused, Reverted, System, Unreachable

_random = SystemRandom()
T = TypeVar("T")

OnCall = Callable[[System, str, str, float], None]
"""(system, operation, outcome, seconds): told of every attempt; operation and outcome come from closed sets."""


class Outcome(StrEnum):
    """Closed set: how one attempt ended. Used as a metric label."""

    OK = "ok"
    REVERTED = "reverted"
    REFUSED = "refused"
    BAD_ANSWER = "bad_answer"
    UNREACHABLE = "unreachable"
    BREAKER_OPEN = "breaker_open"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait for one system and how often to ask again; every time is in seconds."""

    connect_seconds: float = 1.5
    read_seconds: float = 3.0
    total_seconds: float = 8.0
    """Budget over all attempts of one read, pauses included."""
    attempts: int = 3
    pause_seconds: float = 0.1
    """Upper bound of the first pause; doubled each time, drawn evenly from zero to it."""
    breaker_failures: int = 5
    """That many unreachable answers in a row open the breaker."""
    breaker_seconds: float = 5.0
    """How long an open breaker refuses before one attempt is let through."""


class Breaker:
    """Refuses calls to a system that has stopped answering, so that its slowness does not become ours.

    One a system, network and process; it is not shared between processes.
    """

    def __init__(self, *, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_at = 0.0

    def allow(self) -> bool:
        """Whether a call may go out; while open, one caller per period gets true and is the probe."""
        with self._lock:
            if self._failures < self._limit:
                return True
            now = self._clock()
            if now < self._probe_at:
                return False
            self._probe_at = now + self._seconds
            return True

    def record(self, *, reachable: bool) -> None:
        """Count one ended call: any answer closes the breaker, `failures` silent ones in a row open it."""
        with self._lock:
            if reachable:
                self._failures = 0
                return
            self._failures += 1
            if self._failures >= self._limit:
                self._probe_at = self._clock() + self._seconds


def ignore_call(system: System, operation: str, outcome: str, seconds: float) -> None:
    """The hook of a gateway whose calls nobody counts."""


class Guard:
    """Runs attempts against one system under one policy, one breaker and one metrics hook."""

    def __init__(
        self,
        *,
        system: System,
        policy: Policy,
        on_call: OnCall = ignore_call,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.system = system
        self.policy = policy
        self._on_call = on_call
        self._clock = clock
        self._sleep = sleep
        self._breaker = Breaker(failures=policy.breaker_failures, seconds=policy.breaker_seconds, clock=clock)

    def read(self, operation: str, attempt: Callable[[float], T]) -> T:
        """Ask until an answer comes, `attempts` are used up or the budget is spent; `attempt` gets the seconds left.

        Only `Unreachable` is worth another attempt. Raises the last one's failure.
        """
        ends = self._clock() + self.policy.total_seconds
        for number in range(1, self.policy.attempts + 1):
            if not self._breaker.allow():
                self._on_call(self.system, operation, Outcome.BREAKER_OPEN, 0.0)
                raise Unreachable(self.system, "breaker_open", unsent=True)
            try:
                return self._attempt(operation, attempt, ends - self._clock())
            except Unreachable as failure:
                pause = self._pause(number, failure)
                if number == self.policy.attempts or self._clock() + pause >= ends:
                    raise
            self._sleep(pause)
        raise AssertionError("a policy allows at least one attempt")

    def once(self, operation: str, attempt: Callable[[float], T]) -> T:
        """One attempt, never repeated and never held back by an open breaker: a broadcast is worth trying."""
        return self._attempt(operation, attempt, self.policy.total_seconds)

    def _pause(self, number: int, failure: Unreachable) -> float:
        if failure.retry_after is not None:
            return failure.retry_after
        return _random.uniform(0, self.policy.pause_seconds * 2 ** (number - 1))

    def _attempt(self, operation: str, attempt: Callable[[float], T], seconds: float) -> T:
        began = self._clock()
        outcome = Outcome.UNREACHABLE
        try:
            answer = attempt(seconds)
            outcome = Outcome.OK
            return answer
        except Reverted:
            outcome = Outcome.REVERTED
            raise
        except (Refused, KeyMissing):
            outcome = Outcome.REFUSED
            raise
        except BadAnswer:
            outcome = Outcome.BAD_ANSWER
            raise
        finally:
            self._breaker.record(reachable=outcome is not Outcome.UNREACHABLE)
            self._on_call(self.system, operation, outcome, self._clock() - began)

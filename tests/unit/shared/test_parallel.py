"""Calls run at once, in the caller's context, and fail in order."""

from contextvars import ContextVar
from threading import Barrier

import pytest

from ostium_service.parallel import gather

request_id: ContextVar[str] = ContextVar("request_id", default="none")


def test_calls_run_at_once_and_keep_their_order() -> None:
    # Each call waits for the other: run one after the other they would break the barrier.
    barrier = Barrier(2, timeout=5)

    def wait(answer: str) -> str:
        barrier.wait()
        return answer

    assert gather(lambda: wait("first"), lambda: wait("second")) == ("first", "second")


def test_calls_see_the_callers_context() -> None:
    request_id.set("abc")
    assert gather(request_id.get, request_id.get) == ("abc", "abc")


def test_the_first_failure_in_order_is_raised() -> None:
    def fail(name: str) -> str:
        raise LookupError(name)

    with pytest.raises(LookupError, match="first"):
        gather(lambda: fail("first"), lambda: fail("second"))

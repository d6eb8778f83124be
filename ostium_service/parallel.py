"""Independent network calls at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
def gather(first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]: ...
@overload
def gather(first: Callable[[], A], second: Callable[[], B], third: Callable[[], C], /) -> tuple[A, B, C]: ...
@overload
def gather(*calls: Callable[[], A]) -> tuple[A, ...]: ...
def gather(*calls: Callable[[], object]) -> tuple[object, ...]:
    """Run the calls in threads and return their results in order; the first failure in that order is raised.

    Every call runs in a copy of the caller's context, so log lines keep their ids. The calls must not touch the ORM:
    a thread would open a database connection of its own and leave it behind.
    """
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        futures = [pool.submit(copy_context().run, call) for call in calls]
    return tuple(future.result() for future in futures)

"""One reading for many callers."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from markets.cache import CachedRead
from ostium_service.gateways.failures import System, Unreachable


class Source:
    """Counts readings, and fails on demand."""

    def __init__(self) -> None:
        self.readings = 0
        self.is_down = False
        self.gate = threading.Event()
        self.gate.set()

    def read(self) -> int:
        self.gate.wait(5)
        self.readings += 1
        if self.is_down:
            raise Unreachable(System.SUBGRAPH, "down")
        return self.readings


def test_fresh_value_is_not_read_again() -> None:
    source = Source()
    cache = CachedRead(source.read, fresh_seconds=60, usable_seconds=60)
    assert cache.peek() is None
    assert [cache.get(), cache.get(), cache.peek()] == [1, 1, 1]


def test_concurrent_callers_share_one_reading() -> None:
    source = Source()
    source.gate.clear()
    cache = CachedRead(source.read, fresh_seconds=60, usable_seconds=60)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(cache.get) for _ in range(20)]
        source.gate.set()
        assert {call.result() for call in asked} == {1}


def test_while_one_renews_the_others_use_the_last_value() -> None:
    source = Source()
    cache = CachedRead(source.read, fresh_seconds=0, usable_seconds=60)
    cache.get()
    source.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(cache.get)
        while not cache._lock.locked():
            pass
        assert cache.get() == 1
        source.gate.set()
        assert renewing.result() == 2


def test_failure_hands_out_the_last_value_while_it_is_usable() -> None:
    source = Source()
    cache = CachedRead(source.read, fresh_seconds=0, usable_seconds=60)
    cache.get()
    source.is_down = True
    assert cache.get() == 1


@pytest.mark.parametrize("is_read_before", [True, False])
def test_failure_without_a_usable_value_is_raised(is_read_before: bool) -> None:
    source = Source()
    cache = CachedRead(source.read, fresh_seconds=0, usable_seconds=0)
    if is_read_before:
        cache.get()
    source.is_down = True
    with pytest.raises(Unreachable):
        cache.get()

"""The price list against the sandbox's feed and against servers that fail."""

import threading
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from ostium_service.gateways.failures import BadAnswer, GatewayError, Refused, Unreachable
from ostium_service.gateways.ostium_prices import OstiumPrices, PriceList
from ostium_service.gateways.resilience import Policy
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.gateways.faulty_server import FaultyServer, answer, reply_with
from tests.integration.gateways.vault_admin import TlsVault

QUICK = Policy(read_seconds=1.0, total_seconds=1.0, attempts=1)


class Clock:
    """Monotonic time that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The feed's clock."""
    return Clock()


@pytest.fixture
def prices(sandbox: SandboxUrls, clock: Clock) -> Iterator[OstiumPrices]:
    """A client of the sandbox's feed, on the test's clock."""
    client = OstiumPrices(sandbox.prices_url, policy=QUICK, monotonic=clock)
    sandbox.control.reset_calls()
    yield client
    client.close()


def count(sandbox: SandboxUrls) -> int:
    """Requests that the feed has had."""
    return sandbox.control.calls().get("feed", 0)


def test_the_feed_is_read_exactly(prices: OstiumPrices, sandbox: SandboxUrls) -> None:
    sandbox.control.set_price(pair_id=0, mid=Decimal("95687.1"), half_spread=Decimal("0.05"))
    found = prices.latest()
    price = found.get("BTC", "USD")
    assert price is not None
    assert (price.bid, price.mid, price.ask) == (Decimal("95687.05"), Decimal("95687.1"), Decimal("95687.15"))
    assert (price.valid, price.is_market_open, price.is_day_trading_closed) == (True, True, False)
    assert abs(price.timestamp - time.time()) < 5
    assert abs(found.fetched_at - time.time()) < 5
    assert not found.stale
    assert found.get("BTC", "EUR") is None
    assert found.get("USD", "JPY") is not None


def test_m1_m2_closed_stale_and_incomplete_rows(prices: OstiumPrices, sandbox: SandboxUrls, clock: Clock) -> None:
    sandbox.control.set_market(is_open=False, pair_ids=[18])
    sandbox.control.set_timestamp(timestamp=1_700_000_000)
    found = prices.latest().get("NVDA", "USD")
    assert found is not None
    assert (found.is_market_open, found.timestamp, found.valid) == (False, 1_700_000_000, True)
    sandbox.control.omit_fields(names=["mid", "isMarketOpen"])
    clock.now += 1.0
    found = prices.latest().get("BTC", "USD")
    assert found is not None
    assert (found.mid, found.is_market_open, found.valid) == (Decimal(0), False, False)


def test_m1_a_jump_stays_invalid_however_often_it_is_read(
    prices: OstiumPrices, sandbox: SandboxUrls, clock: Clock
) -> None:
    """An odd price must not be what the next odd price is judged by."""
    seen = []
    for mid in ("60000", "5000", "5000", "5000", "60100"):
        sandbox.control.set_price(pair_id=0, mid=Decimal(mid), half_spread=Decimal("0.05"))
        found = prices.latest().get("BTC", "USD")
        assert found is not None
        seen.append((found.mid, found.valid))
        clock.now += 1.0
    odd = (Decimal(5000), False)
    assert seen == [(Decimal(60_000), True), odd, odd, odd, (Decimal(60_100), True)]


def test_one_request_a_second_at_most(prices: OstiumPrices, sandbox: SandboxUrls, clock: Clock) -> None:
    first = prices.latest()
    clock.now += 0.99
    assert prices.latest() is first
    assert count(sandbox) == 1
    clock.now += 0.02
    assert prices.latest() is not first
    assert count(sandbox) == 2


def test_a_hundred_threads_make_one_request(prices: OstiumPrices, sandbox: SandboxUrls) -> None:
    sandbox.control.set_latency(endpoint=Endpoint.FEED, milliseconds=200)
    start = threading.Barrier(100)
    found: list[PriceList] = []

    def ask() -> None:
        start.wait()
        found.append(prices.latest())

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 100
    assert len({id(entry) for entry in found}) == 1
    assert count(sandbox) == 1


def test_while_one_fetches_the_others_take_the_young_list(
    prices: OstiumPrices, sandbox: SandboxUrls, clock: Clock
) -> None:
    first = prices.latest()
    sandbox.control.set_latency(endpoint=Endpoint.FEED, milliseconds=500)
    clock.now += 1.5
    fetching = threading.Thread(target=prices.latest)
    fetching.start()
    deadline = time.monotonic() + 5
    while count(sandbox) < 2:
        assert time.monotonic() < deadline
    assert prices.latest() is first
    fetching.join()
    assert prices.latest() is not first


def test_a_failing_feed_leaves_the_last_list_for_ten_seconds_and_is_asked_once_a_second(
    prices: OstiumPrices, sandbox: SandboxUrls, clock: Clock
) -> None:
    first = prices.latest()
    sandbox.control.fail(endpoint=Endpoint.FEED, status=500)
    clock.now += 1.0
    kept = prices.latest()
    assert (kept.prices, kept.fetched_at, kept.stale) == (first.prices, first.fetched_at, True)
    assert prices.latest().stale
    assert count(sandbox) == 2
    clock.now += 9.0
    for _ in range(3):
        with pytest.raises(Unreachable, match="server_error"):
            prices.latest()
    assert count(sandbox) == 3
    sandbox.control.stop_failing(endpoint=Endpoint.FEED)
    clock.now += 1.0
    assert not prices.latest().stale


@pytest.mark.parametrize(
    ("reply", "failure", "token"),
    [
        (answer(b"[]"), BadAnswer, "shape"),
        (answer(b'{"prices": []}'), BadAnswer, "shape"),
        (answer(b"<html>"), BadAnswer, "json"),
        (answer(b'[{"from": "BTC"'), BadAnswer, "json"),
        (answer(b"[" * 100_000), BadAnswer, "json"),
        (answer(b"no", status="404 Not Found"), Refused, "http_error"),
        (answer(b"", status="503 Busy"), Unreachable, "server_error"),
        (answer(b"x" * 2_200_000), BadAnswer, "too_large"),
        (b"", Unreachable, "connection_cut"),
    ],
)
def test_a_feed_that_never_answered_raises(
    faulty: FaultyServer, reply: bytes, failure: type[GatewayError], token: str
) -> None:
    faulty.script = reply_with(reply)
    with pytest.raises(failure) as raised:
        OstiumPrices(faulty.url, policy=QUICK).latest()
    assert raised.value.token == token
    assert faulty.requests[0].startswith(b"GET /rpc/the-api-key/PricePublish/latest-prices HTTP/1.1")


def test_m3_a_feed_behind_an_unknown_certificate_is_refused(tls_vault: TlsVault) -> None:
    with pytest.raises(Unreachable, match="tls"):
        OstiumPrices(tls_vault.addr, policy=QUICK).latest()

"""Markets and prices over HTTP: whole payloads, and every documented refusal."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import Settings

from ostium_service import composition
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.support.callers import SignedCaller
from tests.support.wiring import point_service


@pytest.fixture
def caller(transactional_db: None, client: Client, settings: Settings, sandbox: SandboxUrls) -> Iterator[SignedCaller]:
    """A caller before a service without keys: reads need none."""
    point_service(
        settings,
        rpc_url="http://127.0.0.1:9",
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
    )
    sandbox.control.set_price(pair_id=0, mid=Decimal("90000.5"), half_spread=Decimal("1.25"))
    sandbox.control.set_price(pair_id=18, mid=Decimal("187.005"), half_spread=Decimal(0))
    yield SignedCaller(client)
    composition.reset()


def list_by_pair(caller: SignedCaller) -> dict[int, dict[str, object]]:
    data = caller.post("/v1/markets/list", {"network": "testnet"})
    assert set(data) == {"network", "markets", "asOfBlock"}
    assert (data["network"], data["asOfBlock"] > 0) == ("testnet", True)
    return {market["pairId"]: market for market in data["markets"]}


def test_markets_list(caller: SignedCaller, sandbox: SandboxUrls) -> None:
    sandbox.control.reset_calls()
    markets = list_by_pair(caller)
    calls = sandbox.control.calls()
    assert (calls["feed"], calls["subgraph"]) == (1, 1)
    for name in ("longOpenInterest", "shortOpenInterest"):
        Decimal(str(markets[0].pop(name)))
    assert markets[0] == {
        "pairId": 0,
        "symbol": "BTC",
        "pair": "BTC/USD",
        "base": "BTC",
        "quote": "USD",
        "group": "crypto",
        "status": "open",
        "price": "90000.5",
        "bid": "89999.25",
        "ask": "90001.75",
        "isMarketOpen": True,
        "isDayTradingClosed": False,
        "minLeverage": "1",
        "maxLeverage": "100",
        "overnightMaxLeverage": None,
        "makerFeePercent": "0.03",
        "takerFeePercent": "0.1",
        "maxOpenInterest": "10000000",
        "minPositionValue": "4.5",
    }
    nvda = markets[18]
    assert (nvda["maxLeverage"], nvda["overnightMaxLeverage"], nvda["group"]) == ("100", "10", "stocks")
    assert markets[8]["maxLeverage"] == "50", "the pair's own maximum before the group's 150"
    symbols = [market["symbol"] for market in markets.values()]
    assert len(set(symbols)) == len(symbols)
    assert [markets[pair]["symbol"] for pair in (4, 16, 13)] == ["USD/JPY", "USD/CAD", "NIK"]


def test_warm_list_asks_nobody(caller: SignedCaller, sandbox: SandboxUrls) -> None:
    list_by_pair(caller)
    sandbox.control.reset_calls()
    for _ in range(20):
        list_by_pair(caller)
    calls = sandbox.control.calls()
    assert calls.get("subgraph", 0) <= 1
    assert calls.get("feed", 0) <= 2


def test_closed_market_keeps_its_last_price(caller: SignedCaller, sandbox: SandboxUrls) -> None:
    sandbox.control.set_market(is_open=False, pair_ids=[18])
    sandbox.control.set_day_trading(is_closed=True, pair_ids=[18])
    sandbox.control.set_timestamp(timestamp=int(time.time()) - 3600, pair_ids=[18])
    nvda = list_by_pair(caller)[18]
    assert (nvda["status"], nvda["price"], nvda["isMarketOpen"], nvda["isDayTradingClosed"]) == (
        "closed",
        "187.005",
        False,
        True,
    )
    price = caller.post("/v1/prices/get", {"network": "testnet", "market": "NVDA"})
    assert 3600 <= price["ageSeconds"] < 3700


def test_unusable_quote_is_shown_as_none(caller: SignedCaller, sandbox: SandboxUrls) -> None:
    sandbox.control.omit_fields(names=["mid"], pair_ids=[0])
    btc = list_by_pair(caller)[0]
    assert [btc[name] for name in ("price", "bid", "ask", "isMarketOpen", "status")] == [
        None,
        None,
        None,
        False,
        "closed",
    ]
    assert caller.post("/v1/prices/get", {"network": "testnet", "base": "BTC"}, 503)["code"] == "PRICE_STALE"


@pytest.mark.parametrize(
    "name",
    [
        {"base": "BTC"},
        {"base": "btc", "quote": "usd"},
        {"base": "BTC/USD", "quote": "USD"},
        {"base": "btcusd", "quote": "USD"},
        {"base": " BTC-USD "},
        {"base": "0", "quote": "USD"},
        {"market": "btc/usd", "base": "ETH", "quote": "EUR"},
        {"market": "BTC-USD"},
        {"market": 0},
        {"market": "BTC", "base": None},
    ],
)
def test_prices_get(caller: SignedCaller, name: dict[str, object]) -> None:
    before = int(time.time())
    data = caller.post("/v1/prices/get", {"network": " TESTNET ", **name})
    timestamp = data.pop("timestamp")
    assert before - 2 <= timestamp <= int(time.time()) + 1
    assert 0 <= data.pop("ageSeconds") <= 3
    assert data == {
        "network": "testnet",
        "base": "BTC",
        "quote": "USD",
        "pairId": 0,
        "price": "90000.5",
        "bid": "89999.25",
        "ask": "90001.75",
        "isMarketOpen": True,
        "isDayTradingClosed": False,
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"market": "DOGE"}, 400, "INVALID_MARKET"),
        ({"base": "BTC", "quote": "EUR"}, 400, "INVALID_MARKET"),
        ({"base": "60000", "quote": "USD"}, 400, "INVALID_MARKET"),
        ({"market": "USD"}, 400, "AMBIGUOUS_MARKET"),
        ({}, 400, "VALIDATION_ERROR"),
        ({"base": ""}, 400, "VALIDATION_ERROR"),
        ({"base": "B" * 21}, 400, "VALIDATION_ERROR"),
        ({"market": "M" * 51}, 400, "VALIDATION_ERROR"),
        ({"market": 1.5}, 400, "VALIDATION_ERROR"),
        ({"network": "goerli", "market": "BTC"}, 400, "INVALID_NETWORK"),
    ],
)
def test_refused_prices(caller: SignedCaller, body: dict[str, object], status: int, code: str) -> None:
    error = caller.post("/v1/prices/get", {"network": "testnet", **body}, status)
    assert (error["code"], error["retryable"]) == (code, False)


def test_a_base_that_has_no_such_quote_is_told_those_it_has(caller: SignedCaller) -> None:
    """Yen are never answered to a question about dollars, although today's callers send USD for want of better."""
    error = caller.post("/v1/prices/get", {"network": "testnet", "base": "nik", "quote": "USD"}, 400)
    assert error["details"] == {"reason": "unknown_market", "candidates": ["NIK/JPY"]}
    told = caller.post("/v1/prices/get", {"network": "testnet", "base": "NIK", "quote": "jpy"})
    assert (told["pairId"], told["base"], told["quote"]) == (13, "NIK", "JPY")


def test_a_feed_that_is_too_slow_is_a_read_that_timed_out(caller: SignedCaller, sandbox: SandboxUrls) -> None:
    sandbox.control.set_latency(endpoint=Endpoint.FEED, milliseconds=5_000)
    error = caller.post("/v1/prices/get", {"network": "testnet", "market": "BTC"}, 504)
    assert (error["code"], error["retryable"]) == ("OSTIUM_SERVICE_TIMEOUT", True)
    assert error["details"] == {"reason": "too_slow"}


@pytest.mark.parametrize(
    ("endpoint", "code"), [(Endpoint.FEED, "PRICE_FETCH_FAILED"), (Endpoint.SUBGRAPH, "MARKETS_FETCH_FAILED")]
)
def test_upstream_down(caller: SignedCaller, sandbox: SandboxUrls, endpoint: Endpoint, code: str) -> None:
    sandbox.control.fail(endpoint=endpoint, status=500)
    for path, body in (("/v1/markets/list", {}), ("/v1/prices/get", {"market": "BTC"})):
        error = caller.post(path, {"network": "testnet", **body}, 502)
        assert (error["code"], error["retryable"]) == (code, True)

"""The price feed over HTTP: its shape, what can be scripted, and how it can be made to fail."""

import time
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.processes import SandboxError
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.sandbox.venue import BTC, NVDA, Venue

KEYS = [
    "feed_id",
    "bid",
    "mid",
    "ask",
    "isMarketOpen",
    "isDayTradingClosed",
    "secondsToToggleIsDayTradingClosed",
    "from",
    "to",
    "timestampSeconds",
]


def fetch(sandbox: SandboxUrls) -> requests.Response:
    """The feed as a client gets it."""
    return requests.get(f"{sandbox.prices_url}/PricePublish/latest-prices", timeout=10)


def row_of(sandbox: SandboxUrls, base: str) -> dict[str, Any]:
    """One row, numbers kept exact."""
    rows = fetch(sandbox).json(parse_float=Decimal)
    (row,) = [row for row in rows if row["from"] == base]
    found: dict[str, Any] = row
    return found


def test_rows_are_the_venues(sandbox: SandboxUrls) -> None:
    response = fetch(sandbox)
    rows = response.json()

    assert response.headers["Content-Type"] == "application/json"
    assert {tuple(row) for row in rows} == {tuple(KEYS)}
    assert [(row["from"], row["to"]) for row in rows] == [
        ("BTC", "USD"),
        ("ETH", "USD"),
        ("EUR", "USD"),
        ("USD", "JPY"),
        ("XAU", "USD"),
        ("XAG", "USD"),
        ("NIK", "JPY"),
        ("USD", "CAD"),
        ("NVDA", "USD"),
        ("COIN", "USD"),
        ("BNB", "USD"),
        ("BABA", "USD"),
        ("BYD", "USD"),
    ]
    assert all(row["bid"] < row["mid"] < row["ask"] for row in rows)
    assert all(abs(row["timestampSeconds"] - time.time()) < 3 for row in rows)


def test_feed_ids_are_the_chains(sandbox: SandboxUrls) -> None:
    venue = Venue(sandbox.rpc_url)

    feed = venue.read("PairsStorage", "pairFeed", NVDA)

    assert row_of(sandbox, "NVDA")["feed_id"] == "0x" + feed.hex()


def test_a_scripted_row(sandbox: SandboxUrls) -> None:
    sandbox.control.set_price(pair_id=NVDA, mid=Decimal("187.123456789012345678"), half_spread=Decimal("0.01"))
    sandbox.control.set_market(pair_ids=[NVDA], is_open=False)
    sandbox.control.set_day_trading(pair_ids=[NVDA], is_closed=True)
    sandbox.control.set_timestamp(pair_ids=[NVDA], timestamp=1768510799)

    row = row_of(sandbox, "NVDA")

    assert {name: value for name, value in row.items() if name != "feed_id"} == {
        "bid": Decimal("187.113456789012345678"),
        "mid": Decimal("187.123456789012345678"),
        "ask": Decimal("187.133456789012345678"),
        "isMarketOpen": False,
        "isDayTradingClosed": True,
        "secondsToToggleIsDayTradingClosed": 1,
        "from": "NVDA",
        "to": "USD",
        "timestampSeconds": 1768510799,
    }
    assert row_of(sandbox, "BTC")["isMarketOpen"] is True


def test_missing_fields(sandbox: SandboxUrls) -> None:
    sandbox.control.omit_fields(pair_ids=[BTC], names=["mid", "isMarketOpen"])

    assert [key for key in KEYS if key not in row_of(sandbox, "BTC")] == ["mid", "isMarketOpen"]
    assert list(row_of(sandbox, "ETH")) == KEYS


def test_failures_by_number_and_until_taken_back(sandbox: SandboxUrls) -> None:
    sandbox.control.fail(endpoint=Endpoint.FEED, status=500, body="oops", times=2)
    assert [fetch(sandbox).status_code for _ in range(3)] == [500, 500, 200]

    sandbox.control.fail(endpoint=Endpoint.FEED, status=503)
    assert [fetch(sandbox).status_code for _ in range(3)] == [503, 503, 503]
    sandbox.control.stop_failing(endpoint=Endpoint.FEED)
    assert fetch(sandbox).status_code == 200


def test_a_cut_connection(sandbox: SandboxUrls) -> None:
    sandbox.control.fail(endpoint=Endpoint.FEED, status=0, times=1)

    with pytest.raises(requests.ConnectionError):
        fetch(sandbox)
    assert fetch(sandbox).status_code == 200


def test_latency_and_counts(sandbox: SandboxUrls) -> None:
    sandbox.control.set_latency(endpoint=Endpoint.FEED, milliseconds=150)
    sandbox.control.reset_calls()

    started = time.monotonic()
    fetch(sandbox)

    assert time.monotonic() - started >= 0.15
    assert sandbox.control.calls() == {"feed": 1}


def test_rpc_behind_the_shaper(sandbox: SandboxUrls) -> None:
    call = {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId", "params": []}
    block = {**call, "id": 8, "method": "eth_blockNumber"}
    sandbox.control.reset_calls()
    sandbox.control.fail(endpoint=Endpoint.RPC, status=502, method="eth_blockNumber")

    plain = requests.post(sandbox.shaped_rpc_url, json=call, timeout=10)
    batch = requests.post(sandbox.shaped_rpc_url, json=[call, block], timeout=10)

    assert plain.json() == {"jsonrpc": "2.0", "id": 7, "result": "0x66eee"}
    assert batch.status_code == 502
    assert sandbox.control.calls() == {"rpc": 2, "eth_chainId": 2, "eth_blockNumber": 1}


def test_a_lost_answer_after_the_work_was_done(sandbox: SandboxUrls) -> None:
    venue = Venue(sandbox.rpc_url)
    account = venue.create_trader(usdc=0)
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "anvil_setBalance",
        "params": [account.address, "0x7"],
    }
    sandbox.control.fail(endpoint=Endpoint.RPC, status=0, times=1, after_serving=True)

    with pytest.raises(requests.ConnectionError):
        requests.post(sandbox.shaped_rpc_url, json=call, timeout=10)

    assert int(str(venue.node.request("eth_getBalance", account.address, "latest")), 16) == 7


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"),
    [
        ("nonsense", {}, "unknown command nonsense"),
        ("price", {"pairId": 0, "mid": 90000.5}, "text"),
        ("price", {"pairId": 0, "mid": "-1"}, "above zero"),
        ("price", {"pairId": 3, "mid": "1"}, "missing or unknown: 3"),
        ("price", {"mid": "1"}, "missing or unknown: pairId"),
        ("cancel-next", {"reason": 16}, "1 to 15"),
        ("keeper", {"delaySeconds": -1}, "not negative"),
        ("latency", {"endpoint": "elsewhere", "milliseconds": 1}, "elsewhere"),
        ("fund", {"address": "0x12", "usdc": "1"}, "not an address"),
        ("fund", {"address": "0x" + "1" * 40, "usdc": "0.0000001"}, "at most 6"),
    ],
)
def test_bad_commands_are_refused(
    sandbox: SandboxUrls, command: str, arguments: dict[str, Any], complaint: str
) -> None:
    response = requests.post(f"{sandbox.prices_url}/control/{command}", json=arguments, timeout=10)

    assert response.status_code == 400
    assert complaint in response.json()["error"]


def test_the_client_passes_complaints_on(sandbox: SandboxUrls) -> None:
    with pytest.raises(SandboxError, match="above zero"):
        sandbox.control.set_price(pair_id=BTC, mid=Decimal(0))


def test_unknown_paths(sandbox: SandboxUrls) -> None:
    answers = [
        requests.get(f"{sandbox.prices_url}/PricePublish/latest-price", timeout=10),
        requests.post(f"{sandbox.prices_url}/", json={}, timeout=10),
        requests.post(f"{sandbox.prices_url}/subgraph", data=b"{", timeout=10),
        requests.post(f"{sandbox.prices_url}/control/state", json=[], timeout=10),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 400, 400]


def test_funding(sandbox: SandboxUrls) -> None:
    venue = Venue(sandbox.rpc_url)
    account = venue.create_trader(usdc=0)

    sandbox.control.fund(address=account.address, usdc=Decimal("12.5"), ether=Decimal("0.25"))

    assert venue.usdc(account.address) == 12_500_000
    assert int(str(venue.node.request("eth_getBalance", account.address, "latest")), 16) == 25 * 10**16

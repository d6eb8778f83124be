"""The subgraph pages, filters, refuses and lags as the venue's does."""

import time
from decimal import Decimal

import pytest

from sandbox.actors import USDC
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.sandbox.market import Market
from tests.integration.sandbox.venue import BTC, E18, LIMIT, Order


@pytest.fixture
def market(sandbox: SandboxUrls) -> Market:
    """A keeper without delay, BTC at 90,000 without spread."""
    found = Market(sandbox)
    found.control.set_price(pair_id=BTC, mid=Decimal(90000), half_spread=Decimal(0))
    found.control.set_keeper(delay_seconds=0)
    return found


def test_lag_hides_what_is_new(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_lag(seconds=600)
    order_id = market.venue.place(trader, Order())
    market.await_value(lambda: market.venue.trade(trader.address)["collateral"], bool)
    market.control.catch_up()
    assert market.orders(trader.address) == []
    head = market.venue.node.head().number
    assert market.query("{ _meta { block { number } } }")["_meta"]["block"]["number"] < head

    market.control.set_lag(blocks=3)
    block = market.query("{ _meta { block { number } hasIndexingErrors } }")["_meta"]["block"]["number"]
    assert market.control.state()["block"] - block <= 5

    market.control.set_lag()
    market.await_order(order_id)


def test_pages(market: Market) -> None:
    trader = market.venue.create_trader(usdc=50_000 * USDC)
    market.control.set_keeper(is_automating=False)
    for _ in range(9):
        market.venue.place(trader, Order(kind=LIMIT, slippage=0, price=80_000 * E18, collateral=100 * USDC))
    market.control.catch_up()
    document = (
        "query($t: Bytes!, $first: Int, $skip: Int) { limits(where: {trader: $t, isActive: true}, first: $first, "
        "skip: $skip, orderBy: uniqueId, orderDirection: desc) { uniqueId index } }"
    )

    pages = [market.query(document, t=trader.address, first=4, skip=skip)["limits"] for skip in (0, 4, 8, 12)]

    assert [len(page) for page in pages] == [4, 4, 1, 0]
    numbers = [int(row["uniqueId"]) for page in pages for row in page]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize(
    "document",
    [
        "{ pairs { nosuchfield } }",
        "{ pairs(first: 1001) { id } }",
        "{ pairs(skip: -1) { id } }",
        "{ pairs(where: {nothing: 1}) { id } }",
        "{ pairs(orderBy: nothing) { id } }",
        "{ pairs { id ",
        "",
    ],
)
def test_bad_documents_are_errors_with_status_200(market: Market, document: str) -> None:
    answer = market.post(document)

    assert [list(answer), [set(error) for error in answer["errors"]]] == [["errors"], [{"message"}]]


def test_where_compares_orders_and_lists(market: Market) -> None:
    def ids(where: str) -> list[str]:
        return [row["id"] for row in market.query(f"{{ pairs(where: {where}, orderBy: id) {{ id }} }}")["pairs"]]

    assert ids('{from: "USD"}') == ["16", "4"]
    assert ids('{id_in: ["0", "38", "99"]}') == ["0", "38"]
    assert ids('{group: "4"}') == ["18", "31"]
    assert ids('{overnightMaxLeverage_gt: "0"}') == ["18", "31"]
    assert ids('{maxLeverage_gte: 7500, maxLeverage_not: "0"}') == ["38"]
    assert ids('{to_not_in: ["USD", "JPY"]}') == ["16"]


def test_a_failing_and_slow_subgraph(market: Market) -> None:
    market.control.set_latency(endpoint=Endpoint.SUBGRAPH, milliseconds=100)
    started = time.monotonic()
    market.query("{ pairs(first: 1) { id } }")
    assert time.monotonic() - started >= 0.1
    market.control.fail(
        endpoint=Endpoint.SUBGRAPH, status=200, body='{"errors":[{"message":"indexing_error"}]}', times=1
    )
    assert market.post("{ pairs { id } }") == {"errors": [{"message": "indexing_error"}]}

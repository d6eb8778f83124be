"""The index's client against the sandbox's subgraph and against servers that fail."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ostium_service.gateways.failures import BadAnswer, GatewayError, Refused, Unreachable
from ostium_service.gateways.ostium_subgraph import OstiumSubgraph
from ostium_service.gateways.resilience import Policy
from ostium_service.types import Address
from sandbox.actors import approve_usdc, create_account, send_signed
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.gateways.faulty_server import FaultyServer, answer, reply_with
from tests.integration.gateways.node_actors import ADDRESSES, open_long
from tests.unit.gateways.test_subgraph_parsing import PAIR, TRADE

QUICK = Policy(read_seconds=2.0, total_seconds=2.0, attempts=1)
TRADER = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


@pytest.fixture
def subgraph(sandbox: SandboxUrls) -> Iterator[OstiumSubgraph]:
    """A client of the sandbox's index."""
    sandbox.control.reset_calls()
    client = OstiumSubgraph(sandbox.subgraph_url, policy=QUICK)
    yield client
    client.close()


def test_markets_come_with_one_request(subgraph: OstiumSubgraph, sandbox: SandboxUrls) -> None:
    sandbox.control.catch_up()
    data = subgraph.market_data()
    assert sandbox.control.calls()["subgraph"] == 1
    pairs = {pair.id: pair for pair in data.pairs}
    assert list(pairs) == sorted(pairs)
    assert {0, 2, 5, 8, 13, 18, 31, 38} <= set(pairs)
    bitcoin, nvidia = pairs[0], pairs[18]
    assert (bitcoin.base, bitcoin.quote, bitcoin.max_leverage, bitcoin.group.max_leverage) == ("BTC", "USD", 0, 10_000)
    assert (bitcoin.maker_fee, bitcoin.taker_fee, bitcoin.min_position_value) == (30_000, 100_000, 4_500_000)
    assert (nvidia.max_leverage, nvidia.overnight_max_leverage) == (10_000, 1000) or nvidia.group.max_leverage == 10_000
    assert (data.trading_paused, data.liquidation_margin_percent) == (False, 25)
    assert data.block is not None
    assert subgraph.pairs() == list(data.pairs)
    assert subgraph.liquidation_margin_percent() == 25


def test_a_position_shows_while_open_and_by_its_number(subgraph: OstiumSubgraph, sandbox: SandboxUrls) -> None:
    sandbox.control.set_keeper(delay_seconds=0)
    account = create_account(rpc_url=sandbox.rpc_url)
    trader = Address(account.address)
    sandbox.control.fund(address=trader, usdc=Decimal(1000), ether=Decimal(1))
    approve_usdc(rpc_url=sandbox.rpc_url, account=account, units=10**9)
    assert (subgraph.open_trades(trader), subgraph.limits(trader), subgraph.history(trader, 5)) == ([], [], [])
    send_signed(rpc_url=sandbox.rpc_url, account=account, to=ADDRESSES.trading, data=open_long(trader))
    rows = subgraph.open_trades(trader)
    for _ in range(100):
        if rows:
            break
        sandbox.control.catch_up()
        rows = subgraph.open_trades(trader)
    [row] = rows
    assert (row.trader, row.pair_id, row.index, row.is_buy) == (trader, 0, 0, True)
    assert (row.collateral, row.leverage, row.is_open) == (98_900_000, 1000, True)
    assert rows.block is not None
    assert subgraph.trade(row.trade_id) == row
    order = subgraph.order(row.trade_id)
    assert order is not None
    assert (order.id, order.order_action, order.is_pending, order.is_cancelled) == (row.trade_id, "Open", False, False)
    assert subgraph.history(trader, 5) == [order]
    assert subgraph.order(1) is None
    assert subgraph.trade(1) is None


@pytest.mark.parametrize("status", [0, 500])
def test_m4_an_index_that_fails_raises_rather_than_show_nothing(
    subgraph: OstiumSubgraph, sandbox: SandboxUrls, status: int
) -> None:
    sandbox.control.fail(endpoint=Endpoint.SUBGRAPH, status=status)
    with pytest.raises(Unreachable):
        subgraph.open_trades(TRADER)


META = {"block": {"number": 77}, "hasIndexingErrors": False}


def reply(value: Any, status: str = "200 OK") -> bytes:
    """A JSON answer."""
    return answer(json.dumps(value).encode(), status=status)


@pytest.mark.parametrize(
    ("body", "failure", "token"),
    [
        (reply({"errors": [{"message": "x"}]}), BadAnswer, "graphql_errors"),
        (reply({"data": {"trades": []}, "errors": [{"message": "x"}]}), BadAnswer, "graphql_errors"),
        (reply({"data": {"trades": [], "_meta": META | {"hasIndexingErrors": True}}}), BadAnswer, "indexing_errors"),
        (reply({"data": {"trades": [], "_meta": {"block": None}}}), BadAnswer, "row"),
        (reply({"data": {"trades": None}}), BadAnswer, "shape"),
        (reply({"data": None}), BadAnswer, "shape"),
        (reply([]), BadAnswer, "shape"),
        (reply({"data": {"trades": [TRADE | {"collateral": None}]}}), BadAnswer, "row"),
        (answer(b"<html>", status="404 Not Found"), Refused, "http_error"),
        (answer(b"{"), BadAnswer, "json"),
        (answer(b"[" * 100_000), BadAnswer, "json"),
    ],
)
def test_m4_answers_that_are_none(faulty: FaultyServer, body: bytes, failure: type[GatewayError], token: str) -> None:
    faulty.script = reply_with(body)
    with pytest.raises(failure) as raised:
        OstiumSubgraph(faulty.url, policy=QUICK).open_trades(TRADER)
    assert raised.value.token == token


def test_m6_lists_are_read_whole_page_by_page(faulty: FaultyServer) -> None:
    rows = [TRADE | {"id": f"{number:05}", "tradeID": str(number)} for number in range(2_345)]

    def script(connection: Any, request: bytes) -> None:
        variables = json.loads(request.partition(b"\r\n\r\n")[2])["variables"]
        assert variables["trader"] == TRADER.lower()
        page = [row for row in rows if row["id"] > variables["after"]][:1000]
        meta = {"block": {"number": 77 + len(faulty.requests)}, "hasIndexingErrors": False}
        connection.sendall(reply({"data": {"trades": page, "_meta": meta}}))

    faulty.script = script
    found = OstiumSubgraph(faulty.url, policy=QUICK).open_trades(TRADER)
    assert [row.trade_id for row in found] == list(range(2_345))
    assert (len(faulty.requests), found.block) == (3, 78)


def test_m4_an_index_without_meta_is_asked_without_it_from_then_on(faulty: FaultyServer) -> None:
    def script(connection: Any, request: bytes) -> None:
        known = b"_meta" not in request
        connection.sendall(reply({"data": {"trades": []}} if known else {"errors": [{"message": "no _meta"}]}))

    faulty.script = script
    client = OstiumSubgraph(faulty.url, policy=QUICK)
    assert (client.open_trades(TRADER), client.open_trades(TRADER).block) == ([], None)
    assert [b"_meta" in request for request in faulty.requests] == [True, False, False]


def test_one_odd_pair_does_not_close_the_other_markets(faulty: FaultyServer) -> None:
    pairs = [PAIR | {"id": "10"}, PAIR | {"id": "9", "maxOI": None}, PAIR | {"id": "2"}]
    meta_data = [{"liqMarginThresholdP": "25", "isTradingPaused": True}]
    faulty.script = reply_with(reply({"data": {"pairs": pairs, "metaDatas": meta_data, "_meta": META}}))
    data = OstiumSubgraph(faulty.url, policy=QUICK).market_data()
    assert ([pair.id for pair in data.pairs], data.trading_paused, data.block) == ([2, 10], True, 77)
    faulty.script = reply_with(reply({"data": {"pairs": pairs[1:2], "metaDatas": meta_data, "_meta": META}}))
    with pytest.raises(BadAnswer, match="row"):
        OstiumSubgraph(faulty.url, policy=QUICK).market_data()
    faulty.script = reply_with(reply({"data": {"pairs": pairs, "metaDatas": [], "_meta": META}}))
    with pytest.raises(BadAnswer, match="row"):
        OstiumSubgraph(faulty.url, policy=QUICK).market_data()

"""Orders, history, metrics and pages of the ledger over HTTP: whole payloads, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from ostium_service import composition
from positions.models import PerpsExecution
from sandbox import actors
from sandbox.shaping import Endpoint
from tests.contract.trading import OPEN, whose
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller
from tests.support.wiring import point_service

ORDERS = "/v1/orders/list"
POSITIONS = "/v1/positions/list"
HISTORY = "/v1/accounts/history"
METRICS = "/v1/positions/metrics"
EXECUTIONS = "/v1/executions/list"
DETAILS = "/v1/markets/details"
FUNDING = "/v1/markets/funding-rate"
ROLLOVER = "/v1/markets/rollover-rate"


def place(desk: Desk, caller: SignedCaller, key: str, **changes: Any) -> dict[str, Any]:
    """A BTC long of 100 USDC at 10x, at market unless told otherwise."""
    terms = {"market": "BTC", "side": "long", "collateral": 100, "leverage": 10, **changes}
    return caller.post(OPEN, whose(desk, **terms), request_id=key)


def test_orders_that_rest_and_orders_that_wait(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    place(desk, caller, "position")
    limit = place(desk, caller, "limit", orderType="limit", triggerPrice=80000, slPrice=75000)
    stop = place(desk, caller, "stop", orderType="stop", triggerPrice="95000.5", side="long")
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 2
    waiting = place(desk, caller, "waiting", tpPrice=99000)
    closing = caller.post("/v1/positions/close", whose(desk, pairId=0, tradeIndex=0), request_id="close")
    listed = caller.post(ORDERS, whose(desk))
    assert set(listed) == {"network", "traderAddress", "orders", "asOfBlock"}
    assert listed["asOfBlock"] > 0
    common = {"pairId": 0, "market": "BTC", "pair": "BTC/USD", "collateral": "100", "leverage": "10", "side": "long"}
    resting = {**common, "status": "open", "action": "open", "tpPrice": None}
    for order in listed["orders"][:2]:
        assert order.pop("createdAt").endswith("Z")
    assert listed["orders"] == [
        {
            **resting,
            "orderId": limit["orderId"],
            "tradeIndex": 0,
            "orderType": "limit",
            "triggerPrice": "80000",
            "slPrice": "75000",
        },
        {
            **resting,
            "orderId": stop["orderId"],
            "tradeIndex": 1,
            "orderType": "stop",
            "triggerPrice": "95000.5",
            "slPrice": None,
        },
        {
            **common,
            "orderId": waiting["orderId"],
            "tradeIndex": None,
            "orderType": "market",
            "triggerPrice": "90000",
            "slPrice": None,
            "tpPrice": "99000",
            "createdAt": None,
            "status": "pending",
            "action": "open",
        },
        {
            **common,
            "orderId": closing["orderId"],
            "tradeIndex": 0,
            "orderType": "market",
            "triggerPrice": "90000",
            "slPrice": None,
            "tpPrice": None,
            "createdAt": None,
            "status": "pending",
            "action": "close",
            "side": None,
            "collateral": None,
            "leverage": None,
        },
    ]


def test_a_cancelled_order_is_gone_from_the_list_at_once(desk: Desk, caller: SignedCaller) -> None:
    desk.sandbox.control.set_lag(blocks=1000)
    placed = place(desk, caller, "limit", orderType="limit", triggerPrice=80000)
    assert [order["orderId"] for order in caller.post(ORDERS, whose(desk))["orders"]] == [placed["orderId"]]
    assert caller.post("/v1/orders/track", {"network": "testnet", "orderId": placed["orderId"]})["status"] == "open"
    caller.post("/v1/orders/cancel", whose(desk, orderId=placed["orderId"]), request_id="cancel")
    assert caller.post(ORDERS, whose(desk))["orders"] == []
    tracked = caller.post("/v1/orders/track", {"network": "testnet", "orderId": placed["orderId"]})
    assert tracked["status"] == "cancelled"


def test_history(desk: Desk, caller: SignedCaller) -> None:
    opened = place(desk, caller, "open")
    closed = caller.post("/v1/positions/close", whose(desk, pairId=0, tradeIndex=0), request_id="close")
    desk.sandbox.control.catch_up()
    told = caller.post(HISTORY, whose(desk))
    assert (told["network"], told["traderAddress"]) == ("testnet", desk.trader)
    newest, oldest = told["history"]
    assert [newest["orderId"], oldest["orderId"]] == [closed["orderId"], opened["orderId"]]
    for moment in ("initiatedAt", "executedAt"):
        assert newest.pop(moment).endswith("Z")
    assert oldest["executedTx"] != newest["executedTx"] != closed["txHash"], "the oracle's own transactions"
    assert newest == {
        "orderId": closed["orderId"],
        "tradeId": opened["orderId"],
        "limitId": None,
        "orderType": "Market",
        "orderAction": "Close",
        "traderAddress": desk.trader,
        "pairId": 0,
        "market": "BTC",
        "pair": "BTC/USD",
        "side": "long",
        "cancelReason": None,
        "price": "90000",
        "collateral": "98.9",
        "leverage": "10",
        "closePercentage": "100",
        "usdcSentToTrader": "98.9",
        "initiatedTx": closed["txHash"],
        "executedTx": newest["executedTx"],
    }
    assert len(caller.post(HISTORY, whose(desk, limit=1))["history"]) == 1


def test_metrics(desk: Desk, caller: SignedCaller) -> None:
    opened = place(desk, caller, "open")
    desk.sandbox.control.catch_up()
    desk.set_price(0, "91000", "10")
    told = caller.post(METRICS, whose(desk, pairId=0, tradeIndex=0))
    metrics = told.pop("metrics")
    assert told == {"network": "testnet", "traderAddress": desk.trader, "pairId": 0, "tradeIndex": 0}
    fees = Decimal(metrics.pop("rollover")) + Decimal(metrics.pop("funding"))
    assert metrics.pop("asOfBlock") > 0
    liquidation = Decimal(metrics.pop("liquidationPrice"))
    assert Decimal(metrics.pop("netPnl")) == Decimal("10.879") - fees
    assert Decimal(metrics.pop("netValue")) == Decimal("109.779") - fees
    assert Decimal(81225) <= liquidation < Decimal(81300)
    assert metrics == {
        "tradeId": opened["orderId"],
        "market": "BTC",
        "side": "long",
        "collateral": "98.9",
        "leverage": "10",
        "openPrice": "90000",
        "price": "90990",
        "midPrice": "91000",
        "isMarketOpen": True,
        "pnl": "10.879",
        "pnlPercent": "11",
    }


def test_ledger_pages_hold_every_execution_once(desk: Desk, caller: SignedCaller) -> None:
    for number in range(3):
        place(desk, caller, f"k{number}", orderType="limit", triggerPrice=80000 + number)
    caller.post("/v1/orders/cancel", whose(desk, pairId=0, tradeIndex=7), 404, request_id="refused")
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = caller.post(EXECUTIONS, whose(desk, limit=2, **({"cursor": cursor} if cursor else {})))
        assert set(page) == {"network", "executions", "nextCursor"}
        seen += page["executions"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert [row["status"] for row in seen] == ["rejected", "settled", "settled", "settled"]
    assert seen[0]["error"] == {"code": "ORDER_NOT_FOUND", "reason": "ORDER_NOT_FOUND"}
    assert {row["executionId"] for row in seen} == {str(row.pk) for row in PerpsExecution.objects.all()}
    one = caller.post("/v1/executions/get", {"network": "testnet", "executionId": seen[1]["executionId"]})
    assert one == seen[1]
    assert caller.post(EXECUTIONS, {"network": "testnet", "userId": "ann"})["executions"] == seen
    nobody = caller.post(EXECUTIONS, {"network": "testnet", "userId": "bob"})
    assert (nobody["executions"], nobody["nextCursor"]) == ([], None)


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        (DETAILS, {}, 400, "VALIDATION_ERROR"),
        (DETAILS, {"pairId": 60000}, 400, "INVALID_MARKET"),
        (DETAILS, {"market": "NOPE"}, 400, "INVALID_MARKET"),
        (FUNDING, {"pairId": 0, "periodHours": 0}, 400, "VALIDATION_ERROR"),
        (ROLLOVER, {"pairId": 0, "periodHours": 721}, 400, "VALIDATION_ERROR"),
        (HISTORY, {"traderAddress": "0x" + "12" * 20, "limit": 101}, 400, "VALIDATION_ERROR"),
        (METRICS, {"traderAddress": "0x" + "12" * 20, "pairId": 0, "tradeIndex": 0}, 404, "POSITION_NOT_FOUND"),
        (METRICS, {"traderAddress": "0x" + "12" * 20, "pairId": 60000, "tradeIndex": 0}, 404, "POSITION_NOT_FOUND"),
        (EXECUTIONS, {}, 400, "VALIDATION_ERROR"),
        (EXECUTIONS, {"userId": "ann", "cursor": "bm90IGEgY3Vyc29y"}, 400, "VALIDATION_ERROR"),
        (EXECUTIONS, {"userId": "ann", "cursor": "*"}, 400, "VALIDATION_ERROR"),
        (EXECUTIONS, {"userId": "ann", "limit": 0}, 400, "VALIDATION_ERROR"),
    ],
)
def test_refused_reads(
    desk: Desk, caller: SignedCaller, path: str, fields: dict[str, Any], status: int, code: str
) -> None:
    error = caller.post(path, {"network": "testnet", **fields}, status)
    assert (error["code"], error["retryable"]) == (code, False)


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        (ORDERS, {}, "ORDERS_FETCH_FAILED"),
        (POSITIONS, {}, "POSITIONS_FETCH_FAILED"),
        (METRICS, {"pairId": 0, "tradeIndex": 0}, "METRICS_FETCH_FAILED"),
        (FUNDING, {"pairId": 0}, "FUNDING_FETCH_FAILED"),
        (ROLLOVER, {"pairId": 0}, "ROLLOVER_FETCH_FAILED"),
    ],
)
def test_reads_without_a_node(
    desk: Desk, caller: SignedCaller, settings: Settings, path: str, fields: dict[str, Any], code: str
) -> None:
    sandbox = desk.sandbox
    point_service(
        settings, rpc_url="http://127.0.0.1:9", subgraph_url=sandbox.subgraph_url, prices_url=sandbox.prices_url
    )
    error = caller.post(path, whose(desk, **fields), 502)
    assert (error["code"], error["retryable"]) == (code, True)


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        (ORDERS, {}, "ORDERS_FETCH_FAILED"),
        (POSITIONS, {}, "POSITIONS_FETCH_FAILED"),
        (HISTORY, {}, "HISTORY_FETCH_FAILED"),
        (METRICS, {"pairId": 0, "tradeIndex": 0}, "METRICS_FETCH_FAILED"),
        (DETAILS, {"pairId": 0}, "MARKET_DETAILS_FAILED"),
        (FUNDING, {"pairId": 0}, "FUNDING_FETCH_FAILED"),
        (ROLLOVER, {"pairId": 0}, "ROLLOVER_FETCH_FAILED"),
    ],
)
def test_reads_without_an_index(desk: Desk, caller: SignedCaller, path: str, fields: dict[str, Any], code: str) -> None:
    desk.sandbox.control.fail(endpoint=Endpoint.SUBGRAPH, status=500)
    composition.reset()
    error = caller.post(path, whose(desk, **fields), 502)
    assert (error["code"], error["retryable"]) == (code, True)


def test_an_account_without_anything(desk: Desk, caller: SignedCaller) -> None:
    trader = actors.create_account(rpc_url=desk.sandbox.rpc_url).address
    body = {"network": "testnet", "traderAddress": trader}
    assert caller.post(ORDERS, body)["orders"] == []
    assert caller.post(HISTORY, body)["history"] == []
    assert caller.post(EXECUTIONS, body) == {"network": "testnet", "executions": [], "nextCursor": None}

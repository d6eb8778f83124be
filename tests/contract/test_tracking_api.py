"""`/v1/orders/track`: every name of an order, whoever placed it, and sources that do not answer."""

from typing import Any

import pytest
from pytest_django import Settings

from ostium_service.gateways.ostium_contracts import OrderType, TradeRequest, encode_open_trade
from ostium_service.types import LeverageUnits, PercentUnits, PriceUnits, UsdcUnits
from positions.models import ExecutionState, PerpsExecution
from positions.services.working import follow_execution
from sandbox import actors
from sandbox.shaping import Endpoint
from tests.contract.trading import OPEN, open_at_market, whose
from tests.integration.positions.conftest import ADDRESSES, ETHER, USDC, Desk
from tests.support.callers import SignedCaller
from tests.support.services import wait_for

TRACK = "/v1/orders/track"
ORDERS = "/v1/orders/list"
CANCEL = "/v1/orders/cancel"


def track(caller: SignedCaller, order_id: str, status: int = 200) -> dict[str, Any]:
    return caller.post(TRACK, {"network": "testnet", "orderId": order_id}, status)


def place_by_hand(desk: Desk) -> str:
    """A limit order that the trader places at the venue's own front end; its orderId as our list has it."""
    trade = TradeRequest(
        trader=desk.trader,
        pair_id=0,
        is_long=True,
        collateral=UsdcUnits(100 * USDC),
        price=PriceUnits(80_000 * ETHER),
        leverage=LeverageUnits(1000),
        take_profit=PriceUnits(0),
        stop_loss=PriceUnits(75_000 * ETHER),
        is_day_trade=False,
    )
    data = encode_open_trade(trade=trade, order_type=OrderType.LIMIT, slippage=PercentUnits(0))
    actors.send_signed(rpc_url=desk.sandbox.rpc_url, account=desk.account, to=ADDRESSES.trading, data=data)
    desk.sandbox.control.catch_up()
    return name_of(desk, 0)


def name_of(desk: Desk, index: int) -> str:
    number = actors.read_contract(
        rpc_url=desk.sandbox.rpc_url,
        contract="TradingStorage",
        function="limitOrderIds",
        arguments=(desk.trader, 0, index),
    )
    return f"limit-{number}"


def test_a_resting_order_that_was_placed_elsewhere(desk: Desk, caller: SignedCaller) -> None:
    order_id = place_by_hand(desk)
    [listed] = caller.post(ORDERS, whose(desk))["orders"]
    told = track(caller, order_id)
    order = {
        "orderId": order_id,
        "pairId": 0,
        "tradeIndex": 0,
        "side": "long",
        "orderType": "limit",
        "triggerPrice": "80000",
        "collateral": "100",
        "leverage": "10",
        "slPrice": "75000",
        "tpPrice": None,
        "createdAt": listed["createdAt"],
        "traderAddress": desk.trader,
    }
    assert told == {
        "network": "testnet",
        "orderId": order_id,
        "status": "open",
        "order": order,
        "trade": None,
        "executionId": None,
    }
    caller.post(CANCEL, whose(desk, orderId=order_id), request_id="cancel")
    desk.sandbox.control.catch_up()
    ended = track(caller, order_id)
    assert {**ended["order"], "createdAt": listed["createdAt"]} == order
    assert (ended["status"], ended["executionId"]) == ("closed", None)


def test_every_name_of_our_own_resting_order_while_it_rests_and_after(desk: Desk, caller: SignedCaller) -> None:
    terms = {"market": "BTC", "side": "long", "collateral": 100, "leverage": 10}
    placed = caller.post(OPEN, whose(desk, **terms, orderType="stop", triggerPrice=95000), request_id="place")
    names = (placed["orderId"], f"{desk.trader.lower()}_0_0", f"{desk.trader}_0_0")
    for name in names:
        told = track(caller, name)
        assert (told["orderId"], told["status"], told["executionId"]) == (name, "open", placed["executionId"])
    caller.post(CANCEL, whose(desk, orderId=placed["orderId"]), request_id="cancel")
    desk.sandbox.control.catch_up()
    for name in names:
        told = track(caller, name)
        assert (told["status"], told["executionId"]) == ("cancelled", placed["executionId"])
        assert told["order"] == {
            "orderId": placed["orderId"],
            "tradeId": None,
            "orderAction": "Open",
            "traderAddress": desk.trader,
            **{name: placed[name] for name in ("pairId", "market", "side", "orderType", "price")},
            **{name: placed[name] for name in ("collateral", "leverage", "result")},
            "cancelReason": None,
            "initiatedTx": placed["txHash"],
        }


def test_a_number_whose_slot_holds_another_order_now(desk: Desk, caller: SignedCaller) -> None:
    first = place_by_hand(desk)
    caller.post(CANCEL, whose(desk, orderId=first), request_id="cancel")
    second = place_by_hand(desk)
    assert first != second
    assert track(caller, second)["status"] == "open"
    assert track(caller, first, 404)["code"] == "ORDER_NOT_FOUND"


def test_our_own_order_whose_slot_holds_another_one_now(desk: Desk, caller: SignedCaller) -> None:
    terms = whose(desk, market="BTC", side="long", collateral=100, leverage=10, orderType="limit", triggerPrice=80000)
    first = caller.post(OPEN, terms, request_id="first")
    caller.post(CANCEL, whose(desk, orderId=first["orderId"]), request_id="cancel")
    second = caller.post(OPEN, terms, request_id="second")
    assert first["result"]["tradeIndex"] == second["result"]["tradeIndex"] == 0
    told = {name: track(caller, name) for name in (first["orderId"], second["orderId"], f"{desk.trader}_0_0")}
    assert [answer["status"] for answer in told.values()] == ["cancelled", "open", "open"]
    executions = [answer["executionId"] for answer in told.values()]
    assert executions == [first["executionId"], second["executionId"], second["executionId"]]


def test_without_the_index_the_chain_and_the_ledger_are_enough(
    desk: Desk, caller: SignedCaller, settings: Settings
) -> None:
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 2
    opened = open_at_market(desk, caller)
    desk.sandbox.control.fail(endpoint=Endpoint.SUBGRAPH, status=500)
    waiting = track(caller, opened["orderId"])
    assert waiting == {
        "network": "testnet",
        "orderId": opened["orderId"],
        "status": "pending",
        "order": {
            "orderId": opened["orderId"],
            "orderAction": "Open",
            "traderAddress": desk.trader,
            "pairId": 0,
            "price": "90000",
            "collateral": "100",
            "closePercentage": None,
            "requestBlock": waiting["order"]["requestBlock"],
        },
        "trade": None,
        "executionId": opened["executionId"],
    }
    desk.sandbox.control.set_keeper(is_silent=False)
    row = PerpsExecution.objects.get(pk=opened["executionId"])
    wait_for(
        lambda: follow_execution(execution_id=row.pk).state == ExecutionState.SETTLED, seconds=30, purpose="settlement"
    )
    assert track(caller, opened["orderId"])["status"] == "executed"


@pytest.mark.parametrize("order_id", ["1", "limit-999999"])
def test_an_order_that_only_the_index_could_know(desk: Desk, caller: SignedCaller, order_id: str) -> None:
    desk.sandbox.control.fail(endpoint=Endpoint.SUBGRAPH, status=500)
    error = track(caller, order_id, 502)
    assert (error["code"], error["retryable"]) == ("ORDER_TRACKING_FAILED", True)


def test_what_is_no_name_of_an_order_is_not_asked_about(desk: Desk, caller: SignedCaller) -> None:
    order_id = place_by_hand(desk)
    desk.sandbox.control.fail(endpoint=Endpoint.SUBGRAPH, status=500)
    for name in ("limit-" + "9" * 78, "nonsense", "0x12_0_0"):
        assert track(caller, name, 404)["code"] == "ORDER_NOT_FOUND"
    assert track(caller, order_id, 502)["code"] == "ORDER_TRACKING_FAILED"

"""Resting orders and collateral over HTTP: whole payloads, and every documented refusal."""

from typing import Any

import pytest
from pytest_django import Settings

from positions.models import ExecutionState, Operation, PerpsExecution
from positions.services.working import follow_execution
from tests.contract.trading import OPEN, last_row, open_at_market, whose, write_fields
from tests.integration.positions.conftest import USDC, Desk
from tests.support.callers import SignedCaller
from tests.support.services import wait_for

CANCEL = "/v1/orders/cancel"
UPDATE = "/v1/orders/update"
ADD = "/v1/positions/add-collateral"
REMOVE = "/v1/positions/remove-collateral"
RECLAIM = "/v1/positions/reclaim"


def place_limit(desk: Desk, caller: SignedCaller, **changes: Any) -> str:
    """A BTC long of 100 USDC at 10x, far under the market; its orderId."""
    terms = {"market": "BTC", "side": "long", "collateral": 100, "leverage": 10, "orderType": "limit"}
    body = whose(desk, **terms, triggerPrice=80000, slPrice=75000, tpPrice=95000, **changes)
    placed = caller.post(OPEN, body, request_id=f"place-{PerpsExecution.objects.count()}")
    return str(placed["orderId"])


@pytest.mark.parametrize("form", ["limit", "slot", "index name", "both"])
def test_cancel_by_every_name(desk: Desk, caller: SignedCaller, form: str) -> None:
    before = desk.usdc()
    order_id = place_limit(desk, caller)
    names: dict[str, dict[str, Any]] = {
        "limit": {"orderId": order_id},
        "slot": {"pairId": 0, "tradeIndex": 0},
        "index name": {"orderId": f"{desk.trader.lower()}_0_0"},
        "both": {"orderId": order_id, "pairId": 0, "tradeIndex": 0},
    }
    answer = caller.post(CANCEL, whose(desk, **names[form]), request_id="cancel")
    assert answer == {
        **write_fields(desk, last_row(Operation.CANCEL_ORDER)),
        "orderId": order_id,
        "pairId": 0,
        "tradeIndex": 0,
        "result": {"pairId": 0, "tradeIndex": 0, "oracleFee": "0.1"},
    }
    assert order_id.startswith("limit-")
    assert desk.usdc() == before - USDC // 10
    assert caller.post(CANCEL, whose(desk, **names[form]), request_id="cancel") == answer


def test_update_order_keeps_what_is_not_named_and_clears_with_zero(desk: Desk, caller: SignedCaller) -> None:
    order_id = place_limit(desk, caller)
    moved = caller.post(UPDATE, whose(desk, orderId=order_id, price="81000.5"), request_id="move")
    created = moved.pop("createdAt")
    assert created.endswith("Z")
    order = {
        "orderId": order_id,
        "pairId": 0,
        "tradeIndex": 0,
        "side": "long",
        "orderType": "limit",
        "triggerPrice": "81000.5",
        "collateral": "100",
        "leverage": "10",
        "slPrice": "75000",
        "tpPrice": "95000",
    }
    prices = {"triggerPrice": "81000.5", "slPrice": "75000", "tpPrice": "95000"}
    assert moved == {
        **write_fields(desk, last_row(Operation.UPDATE_ORDER)),
        **order,
        "result": {"pairId": 0, "tradeIndex": 0, **prices},
    }
    cleared = caller.post(UPDATE, whose(desk, pairId=0, tradeIndex=0, slPrice=0, tpPrice="0"), request_id="clear")
    assert cleared.pop("createdAt") == created
    assert cleared == {
        **write_fields(desk, last_row(Operation.UPDATE_ORDER)),
        **order,
        "slPrice": None,
        "tpPrice": None,
        "result": {"pairId": 0, "tradeIndex": 0, "triggerPrice": "81000.5", "slPrice": None, "tpPrice": None},
    }


@pytest.mark.parametrize(
    ("path", "fields", "status", "code"),
    [
        (CANCEL, {}, 400, "VALIDATION_ERROR"),
        (CANCEL, {"pairId": 0}, 400, "VALIDATION_ERROR"),
        (CANCEL, {"pairId": 0, "tradeIndex": 1}, 404, "ORDER_NOT_FOUND"),
        (CANCEL, {"orderId": "limit-999999"}, 404, "ORDER_NOT_FOUND"),
        (CANCEL, {"orderId": "limit-" + "9" * 90}, 404, "ORDER_NOT_FOUND"),
        (CANCEL, {"orderId": "1"}, 404, "ORDER_NOT_FOUND"),
        (CANCEL, {"orderId": "9" * 77}, 404, "ORDER_NOT_FOUND"),
        (CANCEL, {"orderId": "nonsense"}, 404, "ORDER_NOT_FOUND"),
        (CANCEL, {"orderId": "0x" + "12" * 20 + "_0_0"}, 404, "ORDER_NOT_FOUND"),
        (UPDATE, {"pairId": 0, "tradeIndex": 0}, 400, "VALIDATION_ERROR"),
        (UPDATE, {"pairId": 0, "tradeIndex": 0, "price": 1, "triggerPrice": 2}, 400, "VALIDATION_ERROR"),
        (UPDATE, {"pairId": 0, "tradeIndex": 0, "triggerPrice": 0}, 400, "VALIDATION_ERROR"),
        (UPDATE, {"pairId": 0, "tradeIndex": 0, "price": 1}, 404, "ORDER_NOT_FOUND"),
        (ADD, {"pairId": 0, "tradeIndex": 0, "amount": 0}, 400, "VALIDATION_ERROR"),
        (ADD, {"pairId": 0, "tradeIndex": 0, "amount": 5}, 404, "POSITION_NOT_FOUND"),
        (REMOVE, {"pairId": 0, "tradeIndex": 0, "amount": 5}, 404, "POSITION_NOT_FOUND"),
        (REMOVE, {"pairId": 60000, "tradeIndex": 0, "amount": 5}, 400, "INVALID_MARKET"),
        (RECLAIM, {}, 400, "VALIDATION_ERROR"),
        (RECLAIM, {"orderId": "1"}, 409, "ORDER_NOT_RECLAIMABLE"),
        (RECLAIM, {"orderId": "limit-1"}, 404, "ORDER_NOT_FOUND"),
    ],
)
def test_refusals(desk: Desk, caller: SignedCaller, path: str, fields: dict[str, Any], status: int, code: str) -> None:
    error = caller.post(path, whose(desk, **fields), status)
    assert (error["code"], error["retryable"]) == (code, False)
    assert desk.sent() == 0


def test_update_of_a_resting_order_to_a_wrong_side(desk: Desk, caller: SignedCaller) -> None:
    order_id = place_limit(desk, caller)
    for field, value, code in (("slPrice", 82000, "INVALID_STOP_LOSS"), ("tpPrice", 79000, "INVALID_TAKE_PROFIT")):
        error = caller.post(UPDATE, whose(desk, orderId=order_id, **{field: value}), 400, request_id=field)
        assert error["code"] == code
    assert desk.sent() == 1


def test_names_that_mean_different_orders(desk: Desk, caller: SignedCaller) -> None:
    order_id = place_limit(desk, caller)
    place_limit(desk, caller)
    error = caller.post(CANCEL, whose(desk, orderId=order_id, pairId=0, tradeIndex=1), 404)
    assert error["code"] == "ORDER_NOT_FOUND"


def test_add_collateral(desk: Desk, caller: SignedCaller) -> None:
    opened = open_at_market(desk, caller, leverage="33.33")
    before = desk.usdc()
    answer = caller.post(ADD, whose(desk, pairId=0, tradeIndex=0, amount=7), request_id="add")
    paid = before - desk.usdc()
    assert 0 < paid <= 7 * USDC
    row = last_row(Operation.ADD_COLLATERAL)
    amount = f"{paid / USDC:.6f}".rstrip("0")
    assert answer == {
        **write_fields(desk, row),
        "pairId": 0,
        "tradeIndex": 0,
        "tradeId": opened["orderId"],
        "requestedAmount": "7",
        "amount": amount,
        "leverage": answer["result"]["leverage"],
        "result": {"amount": amount, "leverage": answer["leverage"]},
    }
    assert float(answer["leverage"]) < 33.33


def test_remove_collateral(desk: Desk, caller: SignedCaller) -> None:
    opened = open_at_market(desk, caller)
    before = desk.usdc()
    answer = caller.post(REMOVE, whose(desk, pairId=0, tradeIndex=0, amount=20), request_id="remove")
    row = last_row(Operation.REMOVE_COLLATERAL)
    assert row.order_id.isdigit()
    assert answer == {
        **write_fields(desk, row),
        "pairId": 0,
        "tradeIndex": 0,
        "tradeId": opened["orderId"],
        "requestedAmount": "20",
        "amount": "19.969434",
        "leverage": "12.53",
        "result": {
            "tradeId": opened["orderId"],
            "amount": "19.969434",
            "leverage": "12.53",
            "slPrice": None,
            "tpPrice": answer["result"]["tpPrice"],
        },
    }
    assert desk.usdc() == before + 19_969_434 - USDC // 10


def test_a_removal_that_the_oracle_refuses(desk: Desk, caller: SignedCaller) -> None:
    open_at_market(desk, caller)
    desk.sandbox.control.cancel_next(reason=10)
    error = caller.post(REMOVE, whose(desk, pairId=0, tradeIndex=0, amount=20), 409, request_id="remove")
    row = last_row(Operation.REMOVE_COLLATERAL)
    details = {"executionId": str(row.pk), "txHash": row.tx_hash, "reason": "UNDER_LIQUIDATION"}
    assert (error["code"], error["details"]) == ("ORDER_CANCELLED", details)


def test_a_removal_is_submitted_until_it_has_settled(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    open_at_market(desk, caller)
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 2
    answer = caller.post(REMOVE, whose(desk, pairId=0, tradeIndex=0, amount=20), request_id="remove")
    assert (answer["status"], answer["amount"], answer["leverage"], answer["result"]) == ("mined", None, None, None)
    desk.sandbox.control.set_keeper(is_silent=False)
    row = last_row(Operation.REMOVE_COLLATERAL)
    wait_for(
        lambda: follow_execution(execution_id=row.pk).state == ExecutionState.SETTLED, seconds=30, purpose="settlement"
    )
    again = caller.post(REMOVE, whose(desk, pairId=0, tradeIndex=0, amount=20), request_id="remove")
    assert (again["status"], again["amount"], again["leverage"]) == ("settled", "19.969434", "12.53")


@pytest.mark.parametrize(
    ("path", "amount", "code"),
    [
        (ADD, "0.000001", "VALIDATION_ERROR"),
        (ADD, "2000", "LEVERAGE_TOO_LOW"),
        (REMOVE, "0.000001", "VALIDATION_ERROR"),
        (REMOVE, "98.9", "VALIDATION_ERROR"),
        (REMOVE, "95", "LEVERAGE_TOO_HIGH"),
    ],
)
def test_amounts_that_no_leverage_fits(desk: Desk, caller: SignedCaller, path: str, amount: str, code: str) -> None:
    open_at_market(desk, caller)
    error = caller.post(path, whose(desk, pairId=0, tradeIndex=0, amount=amount), 400, request_id="change")
    assert error["code"] == code
    assert desk.sent() == 1


@pytest.mark.parametrize("path", [ADD, REMOVE])
def test_collateral_without_an_allowance(desk: Desk, caller: SignedCaller, path: str) -> None:
    open_at_market(desk, caller)
    desk.approve(0)
    error = caller.post(path, whose(desk, pairId=0, tradeIndex=0, amount=5), 400, request_id="change")
    assert error["code"] == "ALLOWANCE_MISSING"


@pytest.mark.parametrize("path", [ADD, REMOVE])
def test_collateral_of_another_trade(desk: Desk, caller: SignedCaller, path: str) -> None:
    opened = open_at_market(desk, caller)
    error = caller.post(path, whose(desk, pairId=0, tradeIndex=0, amount=5, tradeId="1"), 409, request_id="change")
    assert (error["code"], error["details"]) == ("POSITION_CHANGED", {"tradeId": opened["orderId"]})

"""M4: what a caller has just done shows at once, however far behind the index is."""

from typing import Any

import pytest

from tests.contract.trading import open_at_market, whose
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller

POSITIONS = "/v1/positions/list"
CLOSE = "/v1/positions/close"
METRICS = "/v1/positions/metrics"
HISTORY = "/v1/accounts/history"
SLOT = {"pairId": 0, "tradeIndex": 0}


@pytest.fixture(autouse=True)
def markets_are_known(desk: Desk, caller: SignedCaller) -> None:
    """The list of markets is held before the index falls behind to where it had none."""
    desk.sandbox.control.catch_up()
    caller.post("/v1/markets/list", {"network": "testnet"})


def list_ids(desk: Desk, caller: SignedCaller) -> list[Any]:
    return [position["tradeId"] for position in caller.post(POSITIONS, whose(desk))["positions"]]


def test_m4_just_opened_is_there_and_just_closed_is_not(desk: Desk, caller: SignedCaller) -> None:
    desk.sandbox.control.set_lag(blocks=200)
    before = caller.post(POSITIONS, whose(desk))
    assert before["positions"] == []
    opened = open_at_market(desk, caller)
    after = caller.post(POSITIONS, whose(desk))
    assert [position["tradeId"] for position in after["positions"]] == [opened["orderId"]]
    assert after["asOfBlock"] > before["asOfBlock"]
    metrics = caller.post(METRICS, whose(desk, **SLOT))["metrics"]
    assert (metrics["tradeId"], metrics["rollover"], metrics["funding"]) == (opened["orderId"], "0", "0")
    history = caller.post(HISTORY, whose(desk))
    assert history["history"] == []
    assert history["asOfBlock"] < after["asOfBlock"], "the index says itself how far behind it is"
    caller.post(CLOSE, whose(desk, **SLOT), request_id="close")
    assert list_ids(desk, caller) == []
    assert caller.post(METRICS, whose(desk, **SLOT), 404)["code"] == "POSITION_NOT_FOUND"


def test_m4_a_position_that_the_index_still_has_is_not_shown_again(desk: Desk, caller: SignedCaller) -> None:
    """The slot is used again: the new position has its own number, and nothing of what the index knew of the old."""
    first = open_at_market(desk, caller)
    desk.sandbox.control.catch_up()
    desk.sandbox.control.set_lag(blocks=200)
    caller.post(CLOSE, whose(desk, **SLOT), request_id="close")
    second = open_at_market(desk, caller, side="short")
    [listed] = caller.post(POSITIONS, whose(desk))["positions"]
    assert (listed["tradeId"], listed["side"], listed["tradeIndex"]) == (second["orderId"], "short", 0)
    assert first["orderId"] != second["orderId"]
    changed = caller.post(CLOSE, whose(desk, **SLOT, tradeId=first["orderId"]), 409, request_id="the old one")
    assert (changed["code"], changed["details"]) == ("POSITION_CHANGED", {"tradeId": second["orderId"]})

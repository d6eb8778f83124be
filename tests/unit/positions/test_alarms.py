"""T14: an open that stands on chain without the stop-loss or take-profit asked for is told to somebody."""

from typing import Any

import pytest

from ostium_service.gateways.arbitrum import Log
from ostium_service.types import Address, TxHash
from positions.models import PerpsExecution
from positions.services import alarms
from positions.services.settlement import Settlement

LOG = Log(Address("0x" + "11" * 20), (), b"", 1, "0x" + "22" * 32, TxHash("0x" + "33" * 32), 0)


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    kinds: list[str] = []
    monkeypatch.setattr(alarms, "count_trade_alarm", kinds.append)
    return kinds


@pytest.mark.parametrize(
    ("asked", "found", "expected"),
    [
        ({"slPrice": "85000", "tpPrice": "99000"}, {"slPrice": "85000", "tpPrice": "99000"}, []),
        ({"slPrice": "85000.0"}, {"slPrice": "85000", "tpPrice": "171000"}, []),
        ({"slPrice": None, "tpPrice": None}, {"slPrice": None, "tpPrice": "171000"}, []),
        ({"slPrice": "0"}, {"slPrice": None}, []),
        ({"slPrice": "85000"}, {"slPrice": None}, ["stop_loss_missing"]),
        ({"tpPrice": "99000"}, {"tpPrice": None}, ["take_profit_missing"]),
        (
            {"slPrice": "1", "tpPrice": "999999"},
            {"slPrice": "82350", "tpPrice": "171000"},
            ["stop_loss_moved", "take_profit_moved"],
        ),
    ],
)
def test_t14_protection(raised: list[str], asked: dict[str, Any], found: dict[str, Any], expected: list[str]) -> None:
    row = PerpsExecution(operation="open", request=asked)
    alarms.compare_protection(execution=row, settlement=Settlement(log=LOG, trade_id="7", result=found))
    assert raised == expected


def test_t14_a_cancelled_open_has_nothing_to_protect(raised: list[str]) -> None:
    row = PerpsExecution(operation="open", request={"slPrice": "85000"})
    ended = Settlement(log=LOG, trade_id="", result={"cancelReason": "SLIPPAGE"}, cancel_reason="SLIPPAGE")
    alarms.compare_protection(execution=row, settlement=ended)
    assert raised == []


@pytest.mark.parametrize(
    ("meant", "found", "expected"), [("7", "7", []), ("7", "8", ["other_trade"]), (None, "8", []), ("7", "", [])]
)
def test_t5_another_trade_hit(raised: list[str], meant: str | None, found: str, expected: list[str]) -> None:
    alarms.compare_trade(execution=PerpsExecution(terms={"tradeId": meant}), found=found)
    assert raised == expected

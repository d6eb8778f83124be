"""When the keeper would fire what."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sandbox.prices import PriceScript, Quote
from sandbox.triggers import TriggerKind, find_triggers
from tests.unit.sandbox.snapshots import LIMIT, ONE, PAIR, TRADE, make_snapshot


def make_quote(mid: str, *, half_spread: str = "0", is_open: bool = True, day_closed: bool = False) -> Quote:
    """BTC at a mid price."""
    script = PriceScript()
    script.set_price(pair_id=0, mid=Decimal(mid), half_spread=Decimal(half_spread))
    return replace(script.quote_of(0), is_market_open=is_open, is_day_trading_closed=day_closed)


def kinds(quote: Quote, **tables: list[Mapping[str, Any]]) -> list[TriggerKind]:
    """What would be fired."""
    return [trigger.kind for trigger in find_triggers(snapshot=make_snapshot(**tables), quotes={"0": quote})]


@pytest.mark.parametrize(
    ("changes", "mid", "fires"),
    [
        ({}, "80001", False),
        ({}, "80000", False),  # the ask is still above
        ({}, "79999", True),
        ({"isBuy": False}, "80000", False),
        ({"isBuy": False}, "80001", True),
        ({"limitType": "Stop"}, "79999.999", False),
        ({"limitType": "Stop"}, "80000", True),
        ({"limitType": "Stop", "isBuy": False}, "80000.001", False),
        ({"limitType": "Stop", "isBuy": False}, "80000", True),
        ({"isActive": False}, "79999", False),
        ({"executionStarted": True}, "79999", False),
    ],
)
def test_resting_orders(changes: dict[str, Any], mid: str, fires: bool) -> None:
    expected = [TriggerKind.OPEN] if fires else []
    assert kinds(make_quote(mid, half_spread="1"), Limit=[{**LIMIT, **changes}]) == expected


@pytest.mark.parametrize(
    ("changes", "mid", "expected"),
    [
        ({"takeProfitPrice": 95_000 * ONE}, "95000", []),  # the bid is still below
        ({"takeProfitPrice": 95_000 * ONE}, "95001", [TriggerKind.TAKE_PROFIT]),
        ({"takeProfitPrice": 85_000 * ONE, "isBuy": False}, "85000", []),
        ({"takeProfitPrice": 85_000 * ONE, "isBuy": False}, "84999", [TriggerKind.TAKE_PROFIT]),
        ({"stopLossPrice": 85_000 * ONE}, "85000.001", []),
        ({"stopLossPrice": 85_000 * ONE}, "85000", [TriggerKind.STOP_LOSS]),
        ({"stopLossPrice": 95_000 * ONE, "isBuy": False}, "94999.999", []),
        ({"stopLossPrice": 95_000 * ONE, "isBuy": False}, "95000", [TriggerKind.STOP_LOSS]),
        # Section 3.3's example liquidates at 81,225; equal value is not under the margin.
        ({}, "81225", []),
        ({}, "81224.99", [TriggerKind.LIQUIDATION]),
        ({"isBuy": False}, "98775", []),
        ({"isBuy": False}, "98775.01", [TriggerKind.LIQUIDATION]),
        ({"stopLossPrice": 85_000 * ONE}, "80000", [TriggerKind.LIQUIDATION]),
        ({"isOpen": False, "stopLossPrice": 85_000 * ONE}, "80000", []),
    ],
)
def test_positions(changes: dict[str, Any], mid: str, expected: list[TriggerKind]) -> None:
    assert kinds(make_quote(mid, half_spread="1"), Trade=[{**TRADE, **changes}]) == expected


def test_day_trades_end_only_with_the_window() -> None:
    day = {**TRADE, "isDayTrade": True}

    assert kinds(make_quote("90000"), Trade=[day]) == []
    assert kinds(make_quote("90000", day_closed=True), Trade=[day]) == [TriggerKind.CLOSE_DAY_TRADE]
    assert kinds(make_quote("90000", day_closed=True), Trade=[TRADE]) == []


def test_nothing_in_a_closed_market() -> None:
    quote = make_quote("10000", is_open=False)

    assert kinds(quote, Trade=[TRADE], Limit=[LIMIT]) == []


def test_nothing_twice_while_an_order_is_pending() -> None:
    pending = {"id": "9", "tradeID": 7, "limitID": None, "isPending": True}

    assert kinds(make_quote("80000"), Trade=[TRADE], Order=[pending]) == []
    assert kinds(make_quote("80000"), Trade=[TRADE], Order=[{**pending, "isPending": False}]) == [
        TriggerKind.LIQUIDATION
    ]


@pytest.mark.parametrize(
    ("pair", "mid", "is_day_trade", "liquidated"),
    [
        ({"overnightMaxLeverage": 1000}, "83250", False, False),
        ({"overnightMaxLeverage": 1000}, "83249", False, True),  # margin 25 %
        ({"overnightMaxLeverage": 1000, "maxLeverage": 5000}, "83249", True, False),  # margin 5 %
        ({"maxLeverage": 5000}, "81450", False, False),
        ({"maxLeverage": 5000}, "81449", False, True),
    ],
)
def test_the_effective_maximum_decides_the_margin(
    pair: dict[str, int], mid: str, is_day_trade: bool, liquidated: bool
) -> None:
    found = kinds(make_quote(mid), Pair=[{**PAIR, **pair}], Trade=[{**TRADE, "isDayTrade": is_day_trade}])

    assert (found == [TriggerKind.LIQUIDATION]) is liquidated


@pytest.mark.parametrize(("is_buy", "mid"), [(True, "81226"), (False, "98774")])
def test_accrued_rollover_brings_liquidation_nearer(is_buy: bool, mid: str) -> None:
    trade = {**TRADE, "isBuy": is_buy}
    pair = {**PAIR, "brokerPremium": 3 * 10**12, "lastRolloverBlock": 0}

    assert kinds(make_quote(mid), Trade=[trade]) == []
    assert kinds(make_quote(mid), Trade=[trade], Pair=[pair]) == [TriggerKind.LIQUIDATION]


def test_negative_rollover_counts_only_where_it_is_allowed() -> None:
    # Just under the liquidation price: a rebate of 3e12 x 100 blocks would save the position.
    pair = {**PAIR, "lastRolloverLongPure": -3 * 10**12}
    quote = make_quote("81224.99")

    assert kinds(quote, Trade=[TRADE], Pair=[pair]) == [TriggerKind.LIQUIDATION]
    assert kinds(quote, Trade=[TRADE], Pair=[{**pair, "isNegativeRolloverAllowed": True}]) == []


def test_a_changed_order_is_another_trigger() -> None:
    quote = make_quote("79999")
    first = next(find_triggers(snapshot=make_snapshot(Limit=[LIMIT]), quotes={"0": quote}))
    again = next(find_triggers(snapshot=make_snapshot(Limit=[LIMIT]), quotes={"0": quote}))
    edited = next(find_triggers(snapshot=make_snapshot(Limit=[{**LIMIT, "updatedAt": 2}]), quotes={"0": quote}))

    assert first == again
    assert first != edited

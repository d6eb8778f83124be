"""Resting limit and stop orders: placed, edited, cancelled, fired."""

import pytest
from eth_account.signers.local import LocalAccount

from sandbox.actors import USDC
from tests.integration.sandbox.venue import (
    BTC,
    E18,
    LIMIT,
    OPEN,
    ORACLE_FEE,
    STOP,
    Order,
    Revert,
    Venue,
    find_event,
    names_of,
)

ENTRY = 90_000 * E18


def test_a_limit_is_stored_as_placed(venue: Venue, trader: LocalAccount) -> None:
    order = Order(kind=STOP, slippage=0, tp=95_000 * E18, sl=89_000 * E18)
    events = venue.act(trader, "openTrade", *order.arguments(trader.address))
    now = venue.now()
    assert names_of(events) == ["Transfer", "OpenLimitPlacedV2"]
    trade = {
        "collateral": 1000 * USDC,
        "openPrice": ENTRY,
        "tp": order.tp,
        "sl": order.sl,
        "trader": trader.address,
        "leverage": 1000,
        "pairIndex": BTC,
        "index": 0,
        "buy": True,
        "isDayTrade": False,
    }
    assert events[1].arguments == {
        "trader": trader.address,
        "pairIndex": BTC,
        "index": 0,
        "trade": trade,
        "orderType": STOP,
        "builderFee": {"builder": "0x0000000000000000000000000000000000000000", "builderFee": 0},
    }
    assert venue.read("TradingStorage", "getOpenLimitOrder", trader.address, BTC, 0) == {
        "collateral": 1000 * USDC,
        "targetPrice": ENTRY,
        "tp": order.tp,
        "sl": order.sl,
        "trader": trader.address,
        "leverage": 1000,
        "createdAt": now,
        "lastUpdated": now,
        "pairIndex": BTC,
        "orderType": STOP,
        "index": 0,
        "buy": True,
        "isDayTrade": False,
    }
    assert venue.read("TradingStorage", "limitOrderIds", trader.address, BTC, 0) == 1
    assert venue.read("TradingStorage", "openLimitOrdersCount", trader.address, BTC) == 1


def test_limit_indices_are_reused_and_ids_are_not(venue: Venue, trader: LocalAccount) -> None:
    order = Order(kind=LIMIT, slippage=0)
    assert [venue.place(trader, order) for _ in range(3)] == [0, 1, 2]
    venue.act(trader, "cancelOpenLimitOrder", BTC, 1)
    venue.act(trader, "cancelOpenLimitOrder", BTC, 0)
    assert venue.place(trader, order) == 0
    ids = [venue.read("TradingStorage", "limitOrderIds", trader.address, BTC, index) for index in range(3)]
    assert ids == [4, 0, 3]
    stored = venue.read("TradingStorage", "getOpenLimitOrders", BTC)
    assert sorted(entry["index"] for entry in stored) == [0, 2]
    assert venue.read("TradingStorage", "hasOpenLimitOrder", trader.address, BTC, 1) is False
    for index in (0, 2):
        assert venue.read("TradingStorage", "getOpenLimitOrder", trader.address, BTC, index)["index"] == index


def test_cancelling_costs_one_oracle_fee(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    before = venue.usdc(trader.address)
    events = venue.act(trader, "cancelOpenLimitOrder", BTC, 0)
    assert names_of(events) == ["Transfer", "OracleFeeChargedLimitCancelled", "OpenLimitCanceled"]
    assert events[1].arguments == {"trader": trader.address, "pairIndex": BTC, "amount": ORACLE_FEE}
    assert venue.usdc(trader.address) == before + limit.collateral - ORACLE_FEE
    gone = Revert("NoLimitFound", (trader.address.lower(), BTC, 0))
    assert venue.refusal(trader.address, "cancelOpenLimitOrder", BTC, 0) == gone


def test_an_update_overwrites_all_three_values(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    events = venue.act(trader, "updateOpenLimitOrder", BTC, 0, 88_000 * E18, 0, 0)
    assert events[0].arguments == {
        "trader": trader.address,
        "pairIndex": BTC,
        "index": 0,
        "newPrice": 88_000 * E18,
        "newTp": 0,
        "newSl": 0,
    }
    stored = venue.read("TradingStorage", "getOpenLimitOrder", trader.address, BTC, 0)
    assert (stored["targetPrice"], stored["tp"], stored["sl"]) == (88_000 * E18, 0, 0)
    assert stored["lastUpdated"] == venue.now()


def test_refusals_of_limit_edits_in_order(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    who = trader.address
    venue.fire(OPEN, trader)

    def refuse(*arguments: int) -> Revert | None:
        return venue.refusal(who, "updateOpenLimitOrder", BTC, *arguments)

    assert refuse(1, 0, 1, 10**30) == Revert("WrongParams")
    assert refuse(1, ENTRY, 1, 10**30) == Revert("NoLimitFound", (who.lower(), BTC, 1))
    assert refuse(0, ENTRY, ENTRY, 10**30) == Revert("WrongTP")
    assert refuse(0, ENTRY, 0, ENTRY) == Revert("WrongSL")
    pending = Revert("TriggerPending", (who.lower(), BTC, 0))
    assert refuse(0, ENTRY, 0, 0) == pending
    assert venue.refusal(who, "cancelOpenLimitOrder", BTC, 0) == pending
    venue.mine(30)
    assert refuse(0, ENTRY, 0, 0) is None
    assert venue.refusal(who, "cancelOpenLimitOrder", BTC, 0) is None


@pytest.mark.parametrize(
    ("kind", "buy", "prices", "hit"),
    [
        # A limit looks at the price it would be executed at.
        (LIMIT, True, (89_990, 89_980, 90_000), True),
        (LIMIT, True, (89_990, 89_980, 90_001), False),
        (LIMIT, False, (90_010, 90_000, 90_020), True),
        (LIMIT, False, (90_010, 89_999, 90_020), False),
        # A stop looks at mid.
        (STOP, True, (90_000, 89_990, 90_010), True),
        (STOP, True, (89_999, 89_990, 90_010), False),
        (STOP, False, (90_000, 89_990, 90_010), True),
        (STOP, False, (90_001, 89_990, 90_010), False),
    ],
)
def test_when_a_resting_order_is_hit(
    venue: Venue, trader: LocalAccount, kind: int, buy: bool, prices: tuple[int, int, int], hit: bool
) -> None:
    venue.place(trader, Order(kind=kind, slippage=0, buy=buy))
    order_id = venue.fire(OPEN, trader)
    mid, bid, ask = (price * E18 for price in prices)
    events = venue.settle(order_id, mid, bid, ask)
    if hit:
        opened = find_event(events, "LimitOpenExecuted").arguments
        assert (opened["limitIndex"], opened["t"]["openPrice"]) == (0, ask if buy else bid)
    else:
        assert find_event(events, "AutomationOpenOrderCanceled").arguments["cancelReason"] == 11


def test_an_executed_limit_becomes_a_position(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    initiated = venue.fire(OPEN, trader)
    events = venue.settle(initiated, ENTRY)
    stored = find_event(events, "LimitOpenExecuted").arguments["t"]
    assert stored["collateral"] == 989_900_000 - 5 * USDC
    assert (stored["tp"], stored["sl"]) == (limit.tp, limit.sl)
    assert venue.trade(trader.address) == stored
    assert venue.info(trader.address)["tradeId"] == initiated
    assert find_event(events, "OracleFeeCharged").arguments["amount"] == ORACLE_FEE
    assert venue.read("TradingStorage", "hasOpenLimitOrder", trader.address, BTC, 0) is False
    assert venue.read("TradingStorage", "openLimitOrdersCount", trader.address, BTC) == 0


def test_a_missed_limit_stays_and_pays_nothing(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    before = venue.usdc(trader.address)
    initiated = venue.fire(OPEN, trader)
    events = venue.settle(initiated, 91_000 * E18)
    assert names_of(events) == ["AutomationOpenOrderCanceled"]
    assert venue.usdc(trader.address) == before
    assert venue.read("TradingStorage", "hasOpenLimitOrder", trader.address, BTC, 0) is True
    assert venue.refusal(trader.address, "cancelOpenLimitOrder", BTC, 0) is None


def test_a_replaced_or_cancelled_limit_is_not_executed(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    first = venue.fire(OPEN, trader)
    venue.mine(30)
    venue.act(trader, "cancelOpenLimitOrder", BTC, 0)
    assert venue.settle(first, ENTRY)[0].arguments["cancelReason"] == 9
    venue.place(trader, limit)
    second = venue.fire(OPEN, trader)
    venue.mine(30)
    venue.act(trader, "cancelOpenLimitOrder", BTC, 0)
    venue.place(trader, limit)
    assert venue.settle(second, ENTRY)[0].arguments["cancelReason"] == 15

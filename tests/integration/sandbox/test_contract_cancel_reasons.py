"""Every cancel reason an answer can have, and the order in which an open is judged."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from sandbox.actors import USDC
from tests.integration.sandbox.venue import (
    BNB,
    BTC,
    E18,
    LIMIT,
    NVDA,
    OPEN,
    ORACLE_FEE,
    SL,
    TP,
    Order,
    Venue,
    find_event,
    names_of,
)

ENTRY = 90_000 * E18


def test_an_open_is_judged_in_the_venues_order(venue: Venue, trader: LocalAccount) -> None:
    """One stock order that everything speaks against; each repair uncovers the next reason (facts 3.2)."""
    price = 187 * E18
    wrong: dict[str, Any] = {"tp": 188 * E18, "slippage": 100}
    answer: dict[str, Any] = {"ask": 200 * E18, "is_open": False, "day_closed": True}
    venue.admin("TradingCallbacks", "pause")
    venue.admin("TradingStorage", "setMaxOpenInterest", NVDA, 1)
    stages: list[tuple[int, Any]] = [
        (2, lambda: answer.update(is_open=True)),
        (13, lambda: answer.update(day_closed=False)),
        (1, lambda: venue.admin("TradingCallbacks", "pause")),
        (3, lambda: wrong.update(slippage=9_999)),
        (4, lambda: wrong.update(tp=0)),
        (6, lambda: venue.admin("TradingStorage", "setMaxOpenInterest", NVDA, 10**15)),
        (7, lambda: answer.update(ask=price)),
        (8, lambda: None),
    ]
    for reason, repair in stages:
        before = venue.usdc(trader.address)
        venue.admin("PairsStorage", "setPairMaxLeverage", NVDA, 0)
        order_id = venue.place(trader, Order(pair=NVDA, price=price, leverage=5000, day_trade=True, **wrong))
        venue.admin("PairsStorage", "setPairMaxLeverage", NVDA, 4_999)
        events = venue.settle(order_id, price, **answer)
        assert find_event(events, "MarketOpenCanceled").arguments == {
            "orderId": order_id,
            "trader": trader.address,
            "pairIndex": NVDA,
            "cancelReason": reason,
        }
        assert venue.usdc(trader.address) == before - ORACLE_FEE
        repair()


def settle_open(venue: Venue, trader: LocalAccount, order: Order, *prices: int) -> int:
    events = venue.settle(venue.place(trader, order), *prices)
    reason: int = find_event(events, "MarketOpenCanceled").arguments["cancelReason"]
    return reason


@pytest.mark.parametrize(
    ("buy", "executed", "cancelled"),
    [(True, 90_900, False), (True, 90_901, True), (False, 89_100, False), (False, 89_099, True)],
)
def test_slippage_of_an_open(venue: Venue, trader: LocalAccount, buy: bool, executed: int, cancelled: bool) -> None:
    events = venue.settle(venue.place(trader, Order(buy=buy)), executed * E18)
    assert names_of(events)[-1] == ("MarketOpenCanceled" if cancelled else "MarketOpenExecuted")


def test_sl_reached(venue: Venue, trader: LocalAccount) -> None:
    assert settle_open(venue, trader, Order(sl=89_500 * E18), 89_500 * E18) == 5
    assert settle_open(venue, trader, Order(sl=90_500 * E18, buy=False), 90_500 * E18) == 5


def test_exposure_of_the_pair_and_of_the_group(venue: Venue, trader: LocalAccount) -> None:
    """BNB: 1 million USD a side, on the gross collateral; then the group's share of the vault."""
    order = Order(pair=BNB, price=900 * E18, collateral=20_000 * USDC, leverage=5000)
    order_id = venue.place(trader, order)
    assert venue.settle(order_id, 900 * E18)[-1].name == "MarketOpenExecuted"
    assert settle_open(venue, trader, order, 900 * E18) == 6
    venue.admin("PairsStorage", "updateGroup", 0, (b"crypto".ljust(32, b"\0"), 10_000, 100, 0))
    assert settle_open(venue, trader, Order(), ENTRY) == 6


def test_price_impact_and_leverage(venue: Venue, trader: LocalAccount) -> None:
    """40 % of collateral is the most that the spread may cost: at 100x, 0.4 % of the price."""
    order = Order(leverage=10_000, slippage=9_999, collateral=100 * USDC)
    ask = 90_361 * E18
    assert settle_open(venue, trader, order, ENTRY, ENTRY, ask) == 7
    order_id = venue.place(trader, order)
    assert names_of(venue.settle(order_id, ENTRY, ENTRY, 90_360 * E18))[-1] == "MarketOpenExecuted"
    order_id = venue.place(trader, order)
    venue.admin("PairsStorage", "setPairMaxLeverage", BTC, 9_999)
    assert find_event(venue.settle(order_id, ENTRY), "MarketOpenCanceled").arguments["cancelReason"] == 8


@pytest.mark.parametrize("prices", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 1, 1)])
def test_any_price_that_is_not_positive_means_closed(
    venue: Venue, trader: LocalAccount, prices: tuple[int, int, int]
) -> None:
    assert settle_open(venue, trader, Order(), *(price * ENTRY for price in prices)) == 2


def test_a_cancel_keeps_all_of_a_collateral_below_the_oracle_fee(venue: Venue, trader: LocalAccount) -> None:
    order_id = venue.place(trader, Order(collateral=2 * USDC))
    venue.admin("PairsStorage", "updateFee", 0, (b"standard".ljust(32, b"\0"), 4_500_000, 3 * USDC, 0))
    before = venue.usdc(trader.address)
    events = venue.settle(order_id, ENTRY, is_open=False)
    assert find_event(events, "OracleFeeCharged").arguments["amount"] == 2 * USDC
    assert venue.usdc(trader.address) == before


def test_a_close_of_a_position_that_is_gone(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    trade_id = venue.info(trader.address)["tradeId"]
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    assert venue.automate(SL, trader.address, BTC, 0) is None
    fired = venue.fire(TP, trader)
    venue.settle(fired, 171_000 * E18)
    before = venue.usdc(trader.address)
    events = venue.settle(order_id, 171_000 * E18)
    assert find_event(events, "MarketCloseCanceled").arguments == {
        "orderId": order_id,
        "tradeId": trade_id,
        "trader": trader.address,
        "pairIndex": BTC,
        "index": 0,
        "cancelReason": 9,
    }
    assert venue.usdc(trader.address) == before


def test_a_close_in_a_closed_market(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    events = venue.settle(order_id, ENTRY, is_open=False)
    assert find_event(events, "MarketCloseCanceled").arguments["cancelReason"] == 2
    # The lock is gone at once.
    assert venue.refusal(trader.address, "closeTradeMarket", BTC, 0, 10_000, ENTRY, 100) is None


@pytest.mark.parametrize("reason", range(1, 16))
def test_any_reason_can_be_forced_on_an_open(venue: Venue, trader: LocalAccount, reason: int) -> None:
    before = venue.usdc(trader.address)
    order_id = venue.place(trader, Order())
    events = venue.force_cancel(order_id, reason)
    assert find_event(events, "MarketOpenCanceled").arguments["cancelReason"] == reason
    assert venue.usdc(trader.address) == before - ORACLE_FEE
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == []


def test_the_other_kinds_of_request_can_be_cancelled_too(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    close = venue.close(trader, BTC, 0, price=ENTRY)
    assert find_event(venue.force_cancel(close, 2), "MarketCloseCanceled").arguments["cancelReason"] == 2
    removal = venue.act(trader, "removeCollateral", BTC, 0, USDC)[-1].arguments["orderId"]
    assert find_event(venue.force_cancel(removal, 12), "RemoveCollateralRejected").arguments["reason"] == 12
    fired = venue.fire(TP, trader)
    assert find_event(venue.force_cancel(fired, 11), "AutomationCloseOrderCanceled").arguments["cancelReason"] == 11
    venue.place(trader, Order(kind=LIMIT, slippage=0))
    fired = venue.fire(OPEN, trader)
    assert find_event(venue.force_cancel(fired, 6), "AutomationOpenOrderCanceled").arguments["cancelReason"] == 6
    assert venue.trade(trader.address)["leverage"] == 1000
    assert venue.read("TradingStorage", "hasOpenLimitOrder", trader.address, BTC, 0) is True

"""The keeper answers price requests: when it should, at the scripted prices, or as it was told."""

import time
from decimal import Decimal

import pytest

from sandbox.actors import USDC
from sandbox.entities import CANCEL_REASONS
from tests.fixtures import SandboxUrls
from tests.integration.sandbox.market import Market, pick
from tests.integration.sandbox.venue import BTC, E18, NVDA, Order

STATE = ("isCancelled", "cancelReason")


@pytest.fixture
def market(sandbox: SandboxUrls) -> Market:
    """A keeper without delay, BTC at 90,000 without spread."""
    found = Market(sandbox)
    found.control.set_price(pair_id=BTC, mid=Decimal(90000), half_spread=Decimal(0))
    found.control.set_keeper(delay_seconds=0)
    return found


def test_settles_at_the_scripted_bid_and_ask(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_price(pair_id=BTC, mid=Decimal(90000), half_spread=Decimal("4.5"))

    order_id = market.venue.place(trader, Order())

    order = market.await_order(order_id)
    assert order == {
        "id": str(order_id),
        "tradeID": str(order_id),
        "orderType": "Market",
        "orderAction": "Open",
        "isPending": False,
        "isCancelled": False,
        "cancelReason": None,
        "price": str(90000 * E18),
        "priceAfterImpact": "90004500000000000000000",
    }
    assert market.venue.trade(trader.address)["openPrice"] == 90004_500000000000000000


def test_waits_for_its_delay(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_keeper(delay_seconds=2)
    started = time.monotonic()

    market.await_order(market.venue.place(trader, Order()))

    assert time.monotonic() - started >= 2


@pytest.mark.parametrize("reason", [number for number in range(1, 16) if number not in {9, 10, 11, 12, 14, 15}])
def test_cancels_the_next_open_with_any_reason_of_an_open(market: Market, reason: int) -> None:
    trader = market.venue.create_trader(usdc=2000 * USDC)
    market.control.cancel_next(reason=reason)

    cancelled = market.await_order(market.venue.place(trader, Order()))
    executed = market.await_order(market.venue.place(trader, Order()))

    assert pick(cancelled, *STATE) == (True, CANCEL_REASONS[reason])
    assert pick(executed, *STATE) == (False, None)


def test_cancels_everything_until_told_otherwise(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.cancel_all(reason=6)

    orders = [market.await_order(market.venue.place(trader, Order())) for _ in range(2)]
    market.control.cancel_all(reason=None)
    executed = market.await_order(market.venue.place(trader, Order()))

    assert [pick(order, *STATE) for order in [*orders, executed]] == [
        (True, "EXPOSURE_LIMITS"),
        (True, "EXPOSURE_LIMITS"),
        (False, None),
    ]


def test_a_cancelled_close_leaves_the_position(market: Market) -> None:
    trader = market.venue.create_trader()
    market.await_order(market.venue.place(trader, Order()))
    market.control.cancel_next(reason=3)

    order_id = market.venue.close(trader, BTC, 0, price=90000 * E18)

    order = market.await_order(order_id)
    assert pick(order, "orderAction", *STATE) == ("Close", True, "SLIPPAGE")
    (trade,) = market.query(
        "query($t: Bytes!) { trades(where: {trader: $t}) { isOpen closeInitiated collateral } }", t=trader.address
    )["trades"]
    assert trade == {"isOpen": True, "closeInitiated": False, "collateral": "989900000"}


def test_silence_leaves_orders_pending_and_resuming_answers_them(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_keeper(is_silent=True)
    order_id = market.venue.place(trader, Order())
    market.control.catch_up()
    market.await_value(lambda: market.control.state()["keeper"]["waiting"], lambda waiting: order_id in waiting)
    assert market.orders(trader.address)[0]["isPending"] is True

    market.control.set_keeper(is_silent=False)

    assert pick(market.await_order(order_id), *STATE) == (False, None)


def test_timeout_of_an_unanswered_open(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_keeper(is_silent=True)
    order_id = market.venue.place(trader, Order())
    market.venue.mine(30)

    market.venue.act(trader, "openTradeMarketTimeout", order_id)

    assert pick(market.await_order(order_id), *STATE) == (True, "TIMEOUT")
    assert market.venue.usdc(trader.address) == 50_000 * USDC
    market.control.set_keeper(is_silent=False)
    market.await_value(lambda: market.control.state()["keeper"], lambda state: state["waiting"] == [])
    assert market.control.state()["keeper"]["lastError"] is None


def test_a_closed_market_cancels(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_market(pair_ids=[BTC], is_open=False)

    order = market.await_order(market.venue.place(trader, Order()))

    assert pick(order, *STATE) == (True, "MARKET_CLOSED")


def test_a_day_trade_in_the_closed_window_cancels(market: Market) -> None:
    trader = market.venue.create_trader()
    market.control.set_day_trading(is_closed=True)
    market.control.set_price(pair_id=NVDA, mid=Decimal(187), half_spread=Decimal(0))

    day = market.venue.place(trader, Order(pair=NVDA, price=187 * E18, leverage=5000, day_trade=True))
    overnight = market.venue.place(trader, Order(pair=NVDA, price=187 * E18))

    assert pick(market.await_order(day), *STATE) == (True, "DAY_TRADE_NOT_ALLOWED")
    assert pick(market.await_order(overnight), *STATE) == (False, None)


def test_many_orders_are_answered_together(market: Market) -> None:
    traders = [market.venue.create_trader() for _ in range(4)]
    market.control.set_keeper(delay_seconds=1)

    order_ids = [market.venue.place(trader, Order()) for trader in traders]

    assert [pick(market.await_order(order_id), *STATE) for order_id in order_ids] == [(False, None)] * 4


def test_removal_of_collateral_is_answered(market: Market) -> None:
    trader = market.venue.create_trader()
    market.await_order(market.venue.place(trader, Order()))
    market.venue.act(trader, "removeCollateral", BTC, 0, 100 * USDC)

    orders = market.await_actions(trader.address, ["Open", "RemoveCollateral"])

    assert pick(orders[-1], *STATE) == (False, None)
    after = market.venue.trade(trader.address)
    (row,) = market.query(
        "query($t: Bytes!) { trades(where: {trader: $t}) { collateral leverage } }", t=trader.address
    )["trades"]
    assert row == {"collateral": str(after["collateral"]), "leverage": str(after["leverage"])}
    assert after["leverage"] > 1000

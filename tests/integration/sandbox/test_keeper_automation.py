"""The keeper fires what the prices call for: limits, stops, TP, SL, liquidations and the end of day trades."""

from decimal import Decimal

import pytest

from tests.fixtures import SandboxUrls
from tests.integration.sandbox.market import Market, pick
from tests.integration.sandbox.venue import BTC, COIN, E18, LIMIT, NVDA, STOP, XAG, Order

ROW = ("orderAction", "orderType", "isCancelled")


@pytest.fixture
def market(sandbox: SandboxUrls) -> Market:
    """A keeper without delay; gold dust: every pair used here is set by its test."""
    found = Market(sandbox)
    found.control.set_keeper(delay_seconds=0)
    return found


def set_price(market: Market, pair: int, mid: str) -> None:
    """A price without spread."""
    market.control.set_price(pair_id=pair, mid=Decimal(mid), half_spread=Decimal(0))


def let_the_keeper_look(market: Market) -> None:
    """Two orders of somebody else are answered one after the other, so at least one whole look lies between."""
    other = market.venue.create_trader()
    for _ in range(2):
        market.await_order(market.venue.place(other, Order()))


@pytest.mark.parametrize(
    ("kind", "buy", "target", "mid"),
    [(LIMIT, True, 80, "79.5"), (LIMIT, False, 110, "110.5"), (STOP, True, 110, "111"), (STOP, False, 80, "79")],
)
def test_a_resting_order_fires_when_its_price_comes(
    market: Market, kind: int, buy: bool, target: int, mid: str
) -> None:
    trader = market.venue.create_trader()
    set_price(market, XAG, "90")
    market.venue.place(trader, Order(pair=XAG, price=target * E18, kind=kind, slippage=0, buy=buy))
    market.control.catch_up()
    assert market.orders(trader.address) == []

    set_price(market, XAG, mid)

    (order,) = market.await_actions(trader.address, ["Open"])
    assert pick(order, *ROW) == ("Open", "Limit" if kind == LIMIT else "Stop", False)
    (limit,) = market.query(
        "query($t: Bytes!) { limits(where: {trader: $t}) { isActive executionStarted limitType } }", t=trader.address
    )["limits"]
    assert limit == {"isActive": False, "executionStarted": True, "limitType": "Limit" if kind == LIMIT else "Stop"}
    assert market.venue.trade(trader.address, XAG)["openPrice"] == int(Decimal(mid) * E18)


@pytest.mark.parametrize(
    ("buy", "tp", "sl", "mid", "action"),
    [
        (True, 95, 85, "96", "TakeProfit"),
        (True, 95, 85, "84.5", "StopLoss"),
        (False, 85, 95, "84", "TakeProfit"),
        (False, 85, 95, "95.5", "StopLoss"),
    ],
)
def test_a_position_closes_at_its_tp_or_sl(market: Market, buy: bool, tp: int, sl: int, mid: str, action: str) -> None:
    trader = market.venue.create_trader()
    set_price(market, XAG, "90")
    order = Order(pair=XAG, price=90 * E18, tp=tp * E18, sl=sl * E18, leverage=500, buy=buy)
    market.await_order(market.venue.place(trader, order))

    set_price(market, XAG, mid)

    orders = market.await_actions(trader.address, ["Open", action])
    assert pick(orders[-1], *ROW) == (action, action, False)
    assert orders[-1]["price"] == str(int(Decimal(mid) * E18))
    assert market.venue.trade(trader.address, XAG)["collateral"] == 0


def test_liquidation_pays_the_trader_nothing(market: Market) -> None:
    trader = market.venue.create_trader()
    set_price(market, BTC, "90000")
    order_id = market.venue.place(trader, Order())
    market.await_order(order_id)
    before = market.venue.usdc(trader.address)
    # Section 3.3 of the protocol notes: this position liquidates at 81,225.
    set_price(market, BTC, "81226")
    market.control.catch_up()

    set_price(market, BTC, "81224")

    market.await_actions(trader.address, ["Open", "Liquidation"])
    fields = "amountSentToTrader totalProfitPercent orderAction"
    assert market.orders(trader.address, fields=fields)[-1] == {
        "amountSentToTrader": "0",
        "totalProfitPercent": "-10000",
        "orderAction": "Liquidation",
    }
    assert market.venue.usdc(trader.address) == before


def test_overnight_stock_liquidates_by_its_overnight_maximum(market: Market) -> None:
    trader = market.venue.create_trader()
    set_price(market, COIN, "200")
    market.await_order(market.venue.place(trader, Order(pair=COIN, price=200 * E18, leverage=500)))

    # Margin is 25 % at the overnight maximum of 5x: gone at -15 %, where the day maximum of 50x would allow -19.5 %.
    set_price(market, COIN, "169.9")

    market.await_actions(trader.address, ["Open", "Liquidation"])


def test_day_trades_end_with_the_window(market: Market) -> None:
    trader = market.venue.create_trader()
    set_price(market, NVDA, "187")
    market.await_order(market.venue.place(trader, Order(pair=NVDA, price=187 * E18, leverage=5000, day_trade=True)))
    market.await_order(market.venue.place(trader, Order(pair=NVDA, price=187 * E18)))

    market.control.set_day_trading(is_closed=True)

    orders = market.await_actions(trader.address, ["Open", "Open", "CloseDayTrade"])
    assert pick(orders[-1], *ROW) == ("CloseDayTrade", "CloseDayTrade", False)
    assert orders[-1]["tradeID"] == orders[0]["id"]


def test_nothing_fires_while_automation_is_off_or_the_market_closed(market: Market) -> None:
    trader = market.venue.create_trader()
    set_price(market, XAG, "90")
    market.await_order(market.venue.place(trader, Order(pair=XAG, price=90 * E18, sl=85 * E18, leverage=500)))
    market.control.set_keeper(is_automating=False)
    set_price(market, XAG, "84")
    let_the_keeper_look(market)
    assert len(market.orders(trader.address)) == 1

    market.control.set_market(is_open=False)
    market.control.set_keeper(is_automating=True)
    let_the_keeper_look(market)
    assert len(market.orders(trader.address)) == 1

    market.control.set_market(is_open=True)
    market.await_actions(trader.address, ["Open", "StopLoss"])

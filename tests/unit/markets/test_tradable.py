"""Which quotes may be traded on."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from markets import services
from markets.catalogue import build_markets
from ostium_service.gateways.ostium_prices import Price, PriceList
from ostium_service.http import errors
from ostium_service.money import units_string
from tests.unit.markets.rows import make_pair

[BTC] = build_markets([make_pair(0, "BTC")])


def make_price(**changes: Any) -> Price:
    price = Price(
        base="BTC",
        quote="USD",
        bid=Decimal(89_990),
        mid=Decimal(90_000),
        ask=Decimal(90_010),
        is_market_open=True,
        is_day_trading_closed=False,
        timestamp=int(time.time()),
    )
    return replace(price, **changes)


def check(price: Price, *, is_day_trade: bool = False) -> Price:
    prices = PriceList({(price.base, price.quote): price}, fetched_at=time.time())
    return services.check_tradable(prices=prices, market=BTC, is_day_trade=is_day_trade)


def test_fresh_quote_of_an_open_market() -> None:
    price = make_price(timestamp=int(time.time()) - 9)
    assert check(price) is price


@pytest.mark.parametrize(
    ("changes", "is_day_trade", "code"),
    [
        ({"timestamp": int(time.time()) - 12}, False, errors.PriceStale),
        ({"valid": False}, False, errors.PriceStale),
        ({"is_market_open": False}, False, errors.MarketClosed),
        ({"is_market_open": False, "timestamp": 1}, False, errors.MarketClosed),
        ({"is_day_trading_closed": True}, True, errors.DayTradeClosed),
        ({"base": "ETH"}, False, errors.PriceFetchFailed),
    ],
)
def test_m1_refusals(changes: dict[str, Any], is_day_trade: bool, code: type[errors.ServiceError]) -> None:
    with pytest.raises(code):
        check(make_price(**changes), is_day_trade=is_day_trade)


def test_closed_day_window_does_not_stop_other_trades() -> None:
    check(make_price(is_day_trading_closed=True))


@pytest.mark.parametrize("text", ["3314.9199999999996", "0.000000000000000001", "999999999999.123456789012345678"])
def test_quotes_scale_exactly(text: str) -> None:
    assert units_string(services.scale_quote(Decimal(text)), 18) == text

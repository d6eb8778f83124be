"""Rows of the price list: exact, and worth nothing when anything about them is odd."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ostium_service.gateways.json_text import parse_json
from ostium_service.gateways.ostium_prices import Price, check_jump, index_prices, parse_price

NOW = 1_768_547_700.0
ROW = (
    b'{"feed_id": "0x0730", "bid": 1.16135, "mid": 1.16138, "ask": 1.16141, "isMarketOpen": true,'
    b' "isDayTradingClosed": false, "secondsToToggleIsDayTradingClosed": -1, "from": "EUR", "to": "USD",'
    b' "timestampSeconds": 1768547698}'
)
EUR = Price(
    base="EUR",
    quote="USD",
    bid=Decimal("1.16135"),
    mid=Decimal("1.16138"),
    ask=Decimal("1.16141"),
    is_market_open=True,
    is_day_trading_closed=False,
    timestamp=1_768_547_698,
)


def parse(**changes: Any) -> Price:
    """The captured row with changes, `...` leaving a field out."""
    row = {name: value for name, value in (parse_json(ROW) | changes).items() if value is not ...}
    price = parse_price(row, now=NOW)
    assert price is not None
    return price


def test_a_captured_row_is_read_exactly() -> None:
    assert parse() == EUR


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"bid": ...}, {"bid": Decimal(0)}),
        ({"mid": ...}, {"mid": Decimal(0)}),
        ({"mid": None}, {"mid": Decimal(0)}),
        ({"mid": "1.16138"}, {"mid": Decimal(0)}),
        ({"ask": True}, {"ask": Decimal(0)}),
        ({"bid": 0}, {"bid": Decimal(0)}),
        ({"bid": Decimal("-1.1")}, {"bid": Decimal(0)}),
        ({"ask": Decimal("1e13")}, {"ask": Decimal(0)}),
        ({"ask": Decimal("1e999999")}, {"ask": Decimal(0)}),
        ({"bid": "NaN"}, {"bid": Decimal(0)}),
        ({"bid": Decimal("1e-19")}, {"bid": Decimal(0)}),
        ({"bid": Decimal("1.17")}, {"bid": Decimal("1.17")}),
        ({"mid": Decimal("1.2")}, {"mid": Decimal("1.2")}),
        ({"timestampSeconds": 1_768_547_706}, {"timestamp": 1_768_547_706}),
        ({"timestampSeconds": 1_768_547_698_000}, {"timestamp": 1_768_547_698_000}),
        ({"timestampSeconds": 0}, {"timestamp": 0}),
        ({"timestampSeconds": ...}, {"timestamp": 0}),
        ({"timestampSeconds": True}, {"timestamp": 0}),
        ({"timestampSeconds": Decimal("1768547698.5")}, {"timestamp": 0}),
    ],
    ids=str,
)
def test_m1_an_odd_row_is_kept_as_invalid(changes: dict[str, Any], differences: dict[str, Any]) -> None:
    assert parse(**changes) == replace(EUR, valid=False, **differences)


def test_an_old_quote_is_valid_its_age_is_for_others_to_judge() -> None:
    assert parse(timestampSeconds=1) == replace(EUR, timestamp=1)
    assert parse(timestampSeconds=1_768_547_705).valid


@pytest.mark.parametrize("value", [..., None, "true", 1, "false", Decimal(1)])
def test_m2_a_market_is_open_only_when_the_feed_says_true(value: object) -> None:
    assert parse(isMarketOpen=value) == replace(EUR, is_market_open=False)
    assert parse(isDayTradingClosed=value) == replace(EUR, is_day_trading_closed=True)


def test_noise_beyond_the_chains_resolution_is_rounded_to_it() -> None:
    price = parse(
        bid=Decimal("0.000012345678901234565"),
        mid=Decimal("0.0000123456789012346"),
        ask=Decimal("0.000012345678901235"),
    )
    assert (price.bid, price.mid, price.ask, price.valid) == (
        Decimal("0.000012345678901235"),
        Decimal("0.000012345678901235"),
        Decimal("0.000012345678901235"),
        True,
    )


def test_a_mid_a_hair_outside_the_spread_is_float_noise() -> None:
    assert parse(bid=Decimal(1), mid=Decimal("0.9999999999"), ask=Decimal(1)).valid


@pytest.mark.parametrize("row", [None, 1, [], {}, {"from": "EUR"}, {"from": "", "to": "USD"}, {"from": 1, "to": "USD"}])
def test_a_row_without_a_pair_is_none(row: object) -> None:
    assert parse_price(row, now=NOW) is None


@pytest.mark.parametrize(
    ("mid", "later", "valid"),
    [
        ("11.6138", 1, False),
        ("0.116138", 1, False),
        ("11.5", 1, True),
        ("0.1162", 1, True),
        ("11.6138", 60, False),
        ("11.6138", 61, True),
    ],
)
def test_m1_a_jump_is_invalid_until_it_has_lasted(mid: str, later: int, valid: bool) -> None:
    price = replace(EUR, mid=Decimal(mid), timestamp=EUR.timestamp + later)
    assert check_jump(price, {("EUR", "USD"): EUR}) == replace(price, valid=valid)
    assert check_jump(price, {}) == price
    assert check_jump(price, {("EUR", "USD"): replace(EUR, valid=False)}) == price


def test_of_two_quotes_for_a_pair_the_newer_counts() -> None:
    older = replace(EUR, timestamp=1)
    assert index_prices([older, EUR]) == index_prices([EUR, older]) == {("EUR", "USD"): EUR}

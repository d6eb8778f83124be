"""Naming markets."""

import pytest

from markets.catalogue import build_markets, find_market, find_pair, find_quoted
from ostium_service.http import errors
from tests.unit.markets.rows import make_pair

MARKETS = build_markets(
    [
        make_pair(16, "USD", "CAD"),
        make_pair(4, "USD", "JPY"),
        make_pair(0, "BTC"),
        make_pair(13, "NIK", "JPY"),
        make_pair(8, "XAG", max_leverage=5000),
        make_pair(18, "NVDA", overnight_max_leverage=1000),
    ]
)


def test_symbols_are_unique_and_in_order_of_pair_id() -> None:
    assert [(market.pair_id, market.symbol, market.pair) for market in MARKETS] == [
        (0, "BTC", "BTC/USD"),
        (4, "USD/JPY", "USD/JPY"),
        (8, "XAG", "XAG/USD"),
        (13, "NIK", "NIK/JPY"),
        (16, "USD/CAD", "USD/CAD"),
        (18, "NVDA", "NVDA/USD"),
    ]


def test_every_symbol_and_pair_is_accepted_back() -> None:
    for market in MARKETS:
        for name in (market.symbol, market.pair, str(market.pair_id)):
            assert find_market(MARKETS, name) is market


@pytest.mark.parametrize(
    ("text", "pair_id"),
    [
        ("BTC/USD", 0),
        ("btc-usd", 0),
        (" BtcUsd ", 0),
        ("BTC", 0),
        ("0", 0),
        ("00000", 0),
        ("16", 16),
        ("nik", 13),
        ("usdjpy", 4),
    ],
)
def test_names(text: str, pair_id: int) -> None:
    assert find_market(MARKETS, text).pair_id == pair_id


@pytest.mark.parametrize("text", ["", "DOGE", "BTC/EUR", "JPY", "999", "000000000000", "१", "-1", "BTC USD", "/"])
def test_n14_unknown_names(text: str) -> None:
    with pytest.raises(errors.InvalidMarket):
        find_market(MARKETS, text)


@pytest.mark.parametrize(
    ("base", "quote", "pair_id"),
    [
        ("BTC", "USD", 0),
        (" btc ", " usd ", 0),
        ("usd", "jpy", 4),
        ("NIK", "JPY", 13),
        ("NIK/JPY", "USD", 13),
        ("usd-cad", "USD", 16),
        ("USDJPY", "USD", 4),
        ("18", "USD", 18),
    ],
)
def test_a_base_with_its_quote_or_a_name_as_base(base: str, quote: str, pair_id: int) -> None:
    assert find_quoted(MARKETS, base, quote).pair_id == pair_id


@pytest.mark.parametrize(
    ("base", "quote", "candidates"),
    [
        ("NIK", "USD", ["NIK/JPY"]),
        ("USD", "USD", ["USD/JPY", "USD/CAD"]),
        ("DOGE", "USD", None),
        ("1", "USD", None),
        ("", "", None),
        ("USD/", "JPY", None),
    ],
)
def test_n14_a_base_without_such_a_quote(base: str, quote: str, candidates: list[str] | None) -> None:
    with pytest.raises(errors.InvalidMarket) as caught:
        find_quoted(MARKETS, base, quote)
    assert isinstance(caught.value.details, dict)
    assert caught.value.details.get("candidates") == candidates


def test_ambiguous_base_names_the_candidates() -> None:
    with pytest.raises(errors.AmbiguousMarket) as caught:
        find_market(MARKETS, "usd")
    assert caught.value.details == {"candidates": ["USD/JPY", "USD/CAD"]}


def test_n14_pair_that_is_not_listed() -> None:
    with pytest.raises(errors.InvalidMarket):
        find_pair(MARKETS, 1)


@pytest.mark.parametrize(
    ("name", "is_day_trade", "maximum"),
    [("BTC", False, 10_000), ("XAG", False, 5_000), ("NVDA", False, 1_000), ("NVDA", True, 10_000)],
)
def test_effective_maximum_is_the_pair_before_the_group_and_overnight_unless_day_trade(
    name: str, is_day_trade: bool, maximum: int
) -> None:
    assert find_market(MARKETS, name).effective_max_leverage(is_day_trade=is_day_trade) == maximum


def test_day_maximum_ignores_the_overnight_one() -> None:
    assert find_market(MARKETS, "NVDA").max_leverage == 10_000

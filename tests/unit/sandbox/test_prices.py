"""The price script by itself."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.prices import PriceScript, default_feed_id, render_row, scale_price

NOW = 1_790_000_000


def make_script() -> PriceScript:
    """A script whose clock stands still."""
    return PriceScript(feed_ids={0: "0x" + "ab" * 32}, now=lambda: NOW + 0.9)


def test_one_row_to_the_character() -> None:
    script = make_script()

    assert render_row(script.quote_of(0)) == (
        '{"feed_id":"0x' + "ab" * 32 + '","bid":95685.6,"mid":95687.1,"ask":95688.6,"isMarketOpen":true,'
        '"isDayTradingClosed":false,"secondsToToggleIsDayTradingClosed":-1,"from":"BTC","to":"USD",'
        f'"timestampSeconds":{NOW}}}'
    )


def test_feed_ids_come_from_the_chain_or_are_made_up() -> None:
    script = make_script()

    assert script.quote_of(0).instrument.feed_id == "0x" + "ab" * 32
    assert script.quote_of(1).instrument.feed_id == default_feed_id(base="ETH", quote="USD")
    assert script.quote_for_feed("0x" + "ab" * 32).instrument.pair_id == 0
    with pytest.raises(KeyError):
        script.quote_for_feed("0x00")


@given(st.decimals(min_value=Decimal("0.000001"), max_value=10**9, places=18, allow_nan=False, allow_infinity=False))
def test_prices_leave_exactly_as_they_were_set(mid: Decimal) -> None:
    script = make_script()
    script.set_price(pair_id=0, mid=mid, half_spread=Decimal(0))

    row = json.loads(script.render_feed(), parse_float=Decimal, parse_int=Decimal)[0]

    assert (row["bid"], row["mid"], row["ask"]) == (mid, mid, mid)
    assert script.quote_of(0).scaled() == (int(mid.scaleb(18)),) * 3


@pytest.mark.parametrize(("mid", "spread"), [("0", None), ("-1", None), ("5", "5"), ("5", "-0.1")])
def test_prices_that_cannot_be(mid: str, spread: str | None) -> None:
    script = make_script()

    with pytest.raises(ValueError, match="above zero"):
        script.set_price(pair_id=0, mid=Decimal(mid), half_spread=None if spread is None else Decimal(spread))


def test_more_digits_than_the_chain_has_are_refused() -> None:
    with pytest.raises(ValueError, match="18 fraction digits"):
        scale_price(Decimal("0.0000000000000000001"))


def test_the_day_trade_window_concerns_stocks_only() -> None:
    script = make_script()

    script.set_day_trading(pair_ids=None, is_closed=True)

    closed = {quote.instrument.base for quote in script.quotes() if quote.is_day_trading_closed}
    assert closed == {"NVDA", "COIN", "BABA", "BYD"}


def test_an_unknown_pair_changes_nothing() -> None:
    script = make_script()
    before = script.quotes()

    with pytest.raises(KeyError):
        script.set_market(pair_ids=[0, 3], is_open=False)

    assert script.quotes() == before


def test_drift_is_off_by_default_bounded_and_repeatable() -> None:
    script = make_script()
    assert len({script.quote_of(0).mid for _ in range(20)}) == 1

    script.set_drift(drift_bp=Decimal(5), seed=7)
    walk = [script.quote_of(0).mid for _ in range(200)]
    script.set_drift(drift_bp=Decimal(5), seed=7)

    assert [script.quote_of(0).mid for _ in range(200)] == walk
    assert len(set(walk)) > 10
    assert all(abs(mid / Decimal("95687.1") - 1) <= Decimal("0.00051") for mid in walk)


def test_reset_takes_everything_back() -> None:
    script = make_script()
    before = script.render_feed()
    script.set_price(pair_id=0, mid=Decimal(1), half_spread=Decimal("0.5"))
    script.set_market(pair_ids=None, is_open=False)
    script.set_timestamp(pair_ids=[1], timestamp=5)
    script.omit_fields(pair_ids=[2], names=["mid"])
    script.set_drift(drift_bp=Decimal(10))
    assert script.render_feed() != before

    script.reset()

    assert script.render_feed() == before

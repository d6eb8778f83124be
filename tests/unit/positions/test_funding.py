"""Funding against values that the venue's own reference code gives."""

from dataclasses import replace

import pytest

from markets.funding import (
    FundingState,
    approximate_exponential,
    compute_current_rate,
    compute_funding_accumulators,
    compute_target_rate,
    convert_interest,
)
from ostium_service.types import PriceUnits, UsdcUnits

BLOCK = 419_641_384
LONG, SHORT = UsdcUnits(6_000_000_000_000), UsdcUnits(4_000_000_000_000)
STATE = FundingState(
    accumulated_long=0,
    accumulated_short=0,
    last_rate=740_836_496,
    max_rate=7_610_350_000,
    last_block=BLOCK,
    cap=UsdcUnits(10_000_000_000_000),
    inflection=120_500_000_000_000_000,
    positive_scale=92,
    negative_scale=117,
    spring=96_000_000_000_000,
    spring_up_percent=20_000,
    spring_down_percent=5_000,
)


def test_example_c_target_and_accumulators() -> None:
    assert compute_target_rate(state=STATE, long_interest=LONG, short_interest=SHORT) == 4_126_583_689
    accumulators = compute_funding_accumulators(
        state=STATE, block=BLOCK + 345_600, long_interest=LONG, short_interest=SHORT
    )
    assert accumulators == (1_390_879_122_991_317, -2_086_318_684_486_975)


def test_pairs_without_a_rate_keep_their_accumulators() -> None:
    still = replace(STATE, max_rate=0, last_rate=0, accumulated_long=5, accumulated_short=-7)
    assert compute_funding_accumulators(state=still, block=BLOCK + 10**9, long_interest=LONG, short_interest=SHORT) == (
        5,
        -7,
    )


def test_shorts_receive_nothing_from_nobody() -> None:
    """With no short interest the longs still accrue, and nothing is divided by zero."""
    long, short = compute_funding_accumulators(
        state=STATE, block=BLOCK + 1000, long_interest=LONG, short_interest=UsdcUnits(0)
    )
    assert long > 0
    assert short == 0


def test_no_spring_keeps_the_last_rate() -> None:
    """The public SDK divides by zero here."""
    stiff = replace(STATE, spring=0)
    long, _ = compute_funding_accumulators(state=stiff, block=BLOCK + 10, long_interest=LONG, short_interest=SHORT)
    assert long == 10 * STATE.last_rate


def test_empty_pair_has_no_skew() -> None:
    """The public SDK divides by zero here too."""
    empty = replace(STATE, cap=UsdcUnits(0), inflection=0)
    assert compute_target_rate(state=empty, long_interest=UsdcUnits(0), short_interest=UsdcUnits(0)) == 0


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        (-500_000_000_000_000_000, 606_557_377_049_180_327),
        (-3_000_000_000_000_000_000, 125_000_000_000_000_000),
        (-7_000_000_000_000_000_000, 0),
        (0, 1_000_000_000_000_000_000),
    ],
)
def test_exponential_has_the_contract_error(exponent: int, expected: int) -> None:
    assert approximate_exponential(exponent) == expected


def test_open_interest_converts_with_the_price() -> None:
    """0.11 BTC at 90,000."""
    assert convert_interest(base_units=11 * 10**16, price=PriceUnits(90_000 * 10**18)) == 9_900_000_000


@pytest.mark.parametrize(("blocks", "expected"), [(0, 740_836_496), (345_600, 4_126_583_689)])
def test_the_rate_moves_from_the_last_one_to_the_target(blocks: int, expected: int) -> None:
    """After a day it has arrived: the reference gives latest = target = 4.126583689E-9."""
    target = compute_target_rate(state=STATE, long_interest=LONG, short_interest=SHORT)
    assert compute_current_rate(state=STATE, target=target, block=BLOCK + blocks) == expected


def test_a_rate_between_lies_between() -> None:
    target = compute_target_rate(state=STATE, long_interest=LONG, short_interest=SHORT)
    rates = [compute_current_rate(state=STATE, target=target, block=BLOCK + blocks) for blocks in (0, 2_000, 8_000)]
    assert rates == sorted(rates)
    assert STATE.last_rate < rates[1] < target

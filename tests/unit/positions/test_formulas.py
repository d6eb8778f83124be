"""The venue's arithmetic, against the worked examples of its contracts and of the public SDK."""

from decimal import Decimal

import pytest

from markets.rollover import compute_rollover_accumulator
from ostium_service.money import PRICE_DECIMALS, USDC_DECIMALS, divide_toward_zero, units_string
from ostium_service.types import LeverageUnits, PriceUnits, UsdcUnits
from positions import formulas

PRICE = 10**18
USDC = 10**6


def test_notional_is_rounded_up_on_the_gross_collateral() -> None:
    assert formulas.compute_notional(collateral=UsdcUnits(1000 * USDC), leverage=LeverageUnits(1000)) == 10_000_000_000
    assert formulas.compute_notional(collateral=UsdcUnits(1), leverage=LeverageUnits(101)) == 2


def test_taker_fee_of_ten_basis_points() -> None:
    fee = formulas.compute_taker_fee(collateral=UsdcUnits(1000 * USDC), leverage=LeverageUnits(1000), taker_fee=100_000)
    assert fee == 10_000_000


@pytest.mark.parametrize(
    ("open_price", "leverage", "is_long", "expected"),
    [
        (90_000 * PRICE, 1000, True, 171_000 * PRICE),
        (90_000 * PRICE, 1000, False, 9_000 * PRICE),
        (100 * PRICE, 500, False, 0),
    ],
)
def test_take_profit_limit_is_nine_hundred_percent_and_never_negative(
    open_price: int, leverage: int, is_long: bool, expected: int
) -> None:
    limit = formulas.compute_take_profit_limit(
        open_price=PriceUnits(open_price), leverage=LeverageUnits(leverage), is_long=is_long
    )
    assert limit == expected


def test_full_close_pays_the_value_of_the_worked_example() -> None:
    """989.9 USDC at 10x from 90000, closed at bid 90990 with 0.89 USDC of rollover: 11 % and 1097.899 USDC."""
    percent = formulas.compute_profit_percent(
        open_price=PriceUnits(90_000 * PRICE),
        exit_price=PriceUnits(90_990 * PRICE),
        is_long=True,
        leverage=LeverageUnits(1000),
        initial_leverage=LeverageUnits(1000),
    )
    value = formulas.compute_value(
        collateral=UsdcUnits(989_900_000), profit_percent=percent, rollover=890_000, funding=0
    )
    assert (percent, value) == (11_000_000, 1_097_899_000)


def test_example_a_long_with_rollover_only() -> None:
    accumulator = compute_rollover_accumulator(
        accumulated=32_221_774_832_607_031,
        last_block=419_641_384,
        block=419_641_384 + 345_600,
        pure_rate=260_000_000,
        broker_premium=0,
        is_long=True,
        negative_allowed=False,
    )
    collateral, leverage = UsdcUnits(1000 * USDC), LeverageUnits(1000)
    rollover = formulas.compute_accrued_fee(
        accumulator_change=accumulator - 32_221_774_832_607_031, collateral=collateral, leverage=leverage
    )
    percent = formulas.compute_profit_percent(
        open_price=PriceUnits(90_000 * PRICE),
        exit_price=PriceUnits(90_990 * PRICE),
        is_long=True,
        leverage=leverage,
        initial_leverage=leverage,
    )
    liquidation = formulas.compute_liquidation_price(
        open_price=PriceUnits(90_000 * PRICE),
        is_long=True,
        collateral=collateral,
        leverage=leverage,
        max_leverage=LeverageUnits(10_000),
        margin_percent=25,
        fees=rollover,
    )
    value = formulas.compute_value(collateral=collateral, profit_percent=percent, rollover=rollover, funding=0)
    assert (
        rollover,
        formulas.compute_profit(collateral=collateral, profit_percent=percent),
        value,
        units_string(liquidation, PRICE_DECIMALS),
    ) == (898_560, 110 * USDC, 1_109_101_440, "81233.08704")


def test_example_b_short_follows_the_contract_where_the_sdk_rounds_the_margin() -> None:
    """The SDK cuts the margin's share to six digits (0.083333) and gets 4684.313239; the contract's integers do not."""
    collateral, leverage = UsdcUnits(500 * USDC), LeverageUnits(5000)
    rollover = formulas.compute_accrued_fee(
        accumulator_change=437_500_000 * 10_000, collateral=collateral, leverage=leverage
    )
    percent = formulas.compute_profit_percent(
        open_price=PriceUnits(4600 * PRICE),
        exit_price=PriceUnits(4640 * PRICE + PRICE // 2),
        is_long=False,
        leverage=leverage,
        initial_leverage=leverage,
    )
    liquidation = formulas.compute_liquidation_price(
        open_price=PriceUnits(4600 * PRICE),
        is_long=False,
        collateral=collateral,
        leverage=leverage,
        max_leverage=LeverageUnits(15_000),
        margin_percent=25,
        fees=rollover,
    )
    assert (rollover, formulas.compute_profit(collateral=collateral, profit_percent=percent)) == (109_375, -220_108_695)
    assert formulas.compute_value(collateral=collateral, profit_percent=percent, rollover=rollover, funding=0) == (
        279_781_930
    )
    exact = Decimal(4600) + Decimal(4600) * Decimal("458.223959") / 25_000
    assert units_string(liquidation, PRICE_DECIMALS) == str(exact.normalize())
    assert abs(Decimal(liquidation) / PRICE - Decimal("4684.313239")) < Decimal("0.0001")


def test_example_c_gain_is_capped_for_the_highest_leverage() -> None:
    """A position topped up from 50x to 25x may gain 900 % x 25 / 50."""
    percent = formulas.compute_profit_percent(
        open_price=PriceUnits(100 * PRICE),
        exit_price=PriceUnits(121 * PRICE),
        is_long=True,
        leverage=LeverageUnits(2500),
        initial_leverage=LeverageUnits(5000),
    )
    assert percent == 450_000_000
    assert formulas.compute_profit(collateral=UsdcUnits(200 * USDC), profit_percent=percent) == 900 * USDC


def test_loss_has_no_floor_but_value_has() -> None:
    percent = formulas.compute_profit_percent(
        open_price=PriceUnits(100 * PRICE),
        exit_price=PriceUnits(80 * PRICE),
        is_long=True,
        leverage=LeverageUnits(1000),
        initial_leverage=LeverageUnits(1000),
    )
    assert percent == -200_000_000
    assert formulas.compute_value(collateral=UsdcUnits(USDC), profit_percent=percent, rollover=0, funding=0) == 0


@pytest.mark.parametrize(
    ("profit_percent", "rollover", "value"), [(-97_000_000, 2 * USDC, 28 * USDC), (-97_500_000, 0, 25 * USDC)]
)
def test_value_at_the_margin_is_kept_because_the_contract_liquidates_below_it_only(
    profit_percent: int, rollover: int, value: int
) -> None:
    """The SDK's getTradeValue follows contracts of 2025 and says 0 at exactly the margin of 25."""
    collateral, leverage = UsdcUnits(1000 * USDC), LeverageUnits(1000)
    assert (
        formulas.compute_value(collateral=collateral, profit_percent=profit_percent, rollover=rollover, funding=0)
        == value
    )
    margin = formulas.compute_liquidation_margin(
        collateral=collateral, leverage=leverage, max_leverage=LeverageUnits(10_000), margin_percent=25
    )
    assert margin == 25 * USDC


def test_liquidation_margin_of_the_worked_example() -> None:
    margin = formulas.compute_liquidation_margin(
        collateral=UsdcUnits(989_900_000),
        leverage=LeverageUnits(1000),
        max_leverage=LeverageUnits(10_000),
        margin_percent=25,
    )
    assert margin == 24_747_500


@pytest.mark.parametrize(
    ("open_price", "is_long", "collateral", "leverage", "maximum", "fees", "expected"),
    [
        pytest.param("90000", True, "989.9", 1000, 10_000, "0", "81225", id="worked example"),
        pytest.param("187", True, "100", 1000, 1000, "0", "172.975", id="NVDA overnight: the overnight maximum"),
        pytest.param("187", True, "100", 1000, 10_000, "0", "168.7675", id="NVDA with the day maximum"),
        pytest.param("90", True, "500", 2000, 5000, "0", "85.95", id="XAG: the pair's 50x, where the SDK takes 150x"),
        pytest.param("1.16138", False, "250", 10_000, 20_000, "1.5", "1.1714723922", id="short with rollover"),
    ],
)
def test_liquidation_price(
    open_price: str, is_long: bool, collateral: str, leverage: int, maximum: int, fees: str, expected: str
) -> None:
    price = formulas.compute_liquidation_price(
        open_price=PriceUnits(int(Decimal(open_price) * PRICE)),
        is_long=is_long,
        collateral=UsdcUnits(int(Decimal(collateral) * USDC)),
        leverage=LeverageUnits(leverage),
        max_leverage=LeverageUnits(maximum),
        margin_percent=25,
        fees=int(Decimal(fees) * USDC),
    )
    assert units_string(price, PRICE_DECIMALS) == expected


def test_rollover_of_a_day_at_three_billion_per_block() -> None:
    fee = formulas.compute_accrued_fee(
        accumulator_change=3_000_000_000 * 345_600, collateral=UsdcUnits(1000 * USDC), leverage=LeverageUnits(1000)
    )
    assert units_string(fee, USDC_DECIMALS) == "10.368"


@pytest.mark.parametrize(("change", "fee"), [(1, 1), (0, 0), (-1, 0)])
def test_a_positive_fee_that_rounds_to_nothing_costs_one_unit(change: int, fee: int) -> None:
    assert (
        formulas.compute_accrued_fee(accumulator_change=change, collateral=UsdcUnits(USDC), leverage=LeverageUnits(100))
        == fee
    )


@pytest.mark.parametrize(
    ("is_long", "negative_allowed", "expected"),
    [(True, False, 300), (False, False, 0), (False, True, -100)],
)
def test_rollover_rate_has_the_sign_of_the_side(is_long: bool, negative_allowed: bool, expected: int) -> None:
    accumulator = compute_rollover_accumulator(
        accumulated=0,
        last_block=100,
        block=101,
        pure_rate=200,
        broker_premium=100,
        is_long=is_long,
        negative_allowed=negative_allowed,
    )
    assert accumulator == expected


def test_division_rounds_toward_zero_like_the_contract() -> None:
    assert [divide_toward_zero(n, d) for n, d in ((7, 2), (-7, 2), (7, -2), (-7, -2))] == [3, -3, -3, 3]

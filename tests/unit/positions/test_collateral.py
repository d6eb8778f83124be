"""Moving collateral at a constant size, as the contract rounds it."""

import pytest

from ostium_service.types import LeverageUnits, UsdcUnits
from positions.formulas import compute_removal, compute_top_up


def test_the_venues_own_example_of_a_top_up() -> None:
    """Facts 2.3: 100 USDC at 33.33x with 7 USDC more is 31.15x, and only 6.998394 USDC are pulled."""
    moved = compute_top_up(collateral=UsdcUnits(100_000_000), leverage=LeverageUnits(3333), amount=UsdcUnits(7_000_000))
    assert moved == (6_998_394, 3115)


def test_a_top_up_that_is_too_small_moves_nothing() -> None:
    moved = compute_top_up(collateral=UsdcUnits(100_000_000), leverage=LeverageUnits(1000), amount=UsdcUnits(1))
    assert moved == (0, 1000)


@pytest.mark.parametrize(
    ("amount", "expected"), [(20_000_000, (19_969_434, 1253)), (1, (0, 1000)), (49_450_000, (49_450_000, 2000))]
)
def test_a_removal_takes_out_what_makes_the_leverage_whole(amount: int, expected: tuple[int, int]) -> None:
    moved = compute_removal(collateral=UsdcUnits(98_900_000), leverage=LeverageUnits(1000), amount=UsdcUnits(amount))
    assert moved == expected

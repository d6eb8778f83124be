"""Gas limits and fee caps in integers."""

from ostium_service.types import Wei
from relay.fees import fee_cap, is_replacement, padded_gas, replacement_fee

GWEI = 10**9


def test_s20_gas_has_thirty_percent_and_a_margin() -> None:
    assert padded_gas(460_000) == 648_000


def test_fee_cap_is_twice_the_base_fee_between_floor_and_ceiling() -> None:
    floor, ceiling = Wei(40_000_000), Wei(5 * GWEI)
    assert fee_cap(base_fee=Wei(20_200_000), floor=floor, ceiling=ceiling) == 40_400_000
    assert fee_cap(base_fee=Wei(1), floor=floor, ceiling=ceiling) == floor
    assert fee_cap(base_fee=Wei(3 * GWEI), floor=floor, ceiling=ceiling) == ceiling
    assert fee_cap(base_fee=ceiling, floor=floor, ceiling=ceiling) == ceiling


def test_a_base_fee_above_the_ceiling_has_no_cap() -> None:
    assert fee_cap(base_fee=Wei(5 * GWEI + 1), floor=Wei(0), ceiling=Wei(5 * GWEI)) is None


def test_a_replacement_pays_at_least_a_tenth_more_and_rounds_up() -> None:
    ceiling = Wei(5 * GWEI)
    assert replacement_fee(previous=Wei(1001), base_fee=Wei(1), ceiling=ceiling) == 1127
    assert replacement_fee(previous=Wei(1000), base_fee=Wei(3000), ceiling=ceiling) == 6000


def test_a_replacement_stops_at_the_ceiling_or_waits() -> None:
    assert replacement_fee(previous=Wei(1000), base_fee=Wei(3000), ceiling=Wei(4000)) == 4000
    assert replacement_fee(previous=Wei(1000), base_fee=Wei(3000), ceiling=Wei(2999)) is None
    assert replacement_fee(previous=Wei(1000), base_fee=Wei(1), ceiling=Wei(1100)) is None


def test_a_replacement_is_what_replacement_fee_asks_for_and_no_less() -> None:
    ceiling = Wei(5 * GWEI)
    for previous in (Wei(1), Wei(1000), Wei(1001), Wei(40_000_000)):
        least = replacement_fee(previous=previous, base_fee=Wei(0), ceiling=ceiling)
        assert least is not None
        assert is_replacement(fee=least, previous=previous)
        assert not is_replacement(fee=Wei(least - 1), previous=previous)

"""Scaling is exact or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.money import decimal_string, from_units, to_units, units_string


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("100", 6, 100_000_000),
        ("2.01", 6, 2_010_000),
        ("1.15", 2, 115),
        ("4620.123456", 18, 4_620_123_456_000_000_000_000),
        ("0.000001", 6, 1),
        ("1E+2", 2, 10_000),
        ("-1.5", 2, -150),
        ("-0.0", 6, 0),
        ("0E-40", 6, 0),
        ("9007199254740993", 18, 9007199254740993 * 10**18),
    ],
)
def test_to_units_is_exact(text: str, decimals: int, units: int) -> None:
    assert to_units(Decimal(text), decimals) == units


@pytest.mark.parametrize("text", ["0.0000001", "1.005", "NaN", "Infinity", "-sNaN", "1E-999999999", "1E+999999999"])
def test_to_units_refuses_what_it_would_have_to_round_or_cannot_hold(text: str) -> None:
    with pytest.raises(ValueError, match=r"fraction digits|finite"):
        to_units(Decimal(text), 2)


@given(st.integers(min_value=-(2**256), max_value=2**256), st.integers(min_value=0, max_value=18))
def test_units_survive_the_round_trip_at_any_size(units: int, decimals: int) -> None:
    assert to_units(from_units(units, decimals), decimals) == units
    assert "E" not in units_string(units, decimals)


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000"), ("1.500", "1.5"), ("-0.00", "0"), ("0.0000001", "0.0000001"), ("100", "100")],
)
def test_decimal_string_has_no_exponent_and_no_padding(value: str, text: str) -> None:
    assert decimal_string(Decimal(value)) == text

"""Exact scaling between decimals and the contracts' integers. No float passes through here."""

from decimal import Decimal

USDC_DECIMALS = 6
PRICE_DECIMALS = 18
LEVERAGE_DECIMALS = 2
PERCENT_DECIMALS = 2
ETHER_DECIMALS = 18
GWEI_DECIMALS = 9
LARGEST_EXPONENT = 96


def to_units(value: Decimal, decimals: int) -> int:
    """Scale `value` by 10**decimals; ValueError for more fraction digits than that, since nothing is rounded.

    Magnitudes beyond 10**96 are refused too: no contract integer holds them and `1e999999999` must stay cheap.
    """
    if not value.is_finite() or value.adjusted() > LARGEST_EXPONENT:
        raise ValueError("not a finite number of usable size")
    sign, digits, exponent = value.as_tuple()
    shift = int(exponent) + decimals
    number = int("".join(map(str, digits)))
    if number == 0:
        return 0
    if shift < -len(digits):
        raise ValueError(f"more than {decimals} fraction digits")
    if shift >= 0:
        scaled = number * int(10**shift)
    else:
        scaled, rest = divmod(number, 10**-shift)
        if rest:
            raise ValueError(f"more than {decimals} fraction digits")
    return -scaled if sign else scaled


def from_units(units: int, decimals: int) -> Decimal:
    """The exact decimal of a scaled integer, whatever the ambient context's precision."""
    sign, digits = (1, str(-units)) if units < 0 else (0, str(units))
    return Decimal((sign, tuple(map(int, digits)), -decimals))


def decimal_string(value: Decimal) -> str:
    """Plain notation without exponent, trailing zeros or a negative zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def units_string(units: int, decimals: int) -> str:
    """`decimal_string` of a scaled integer."""
    return decimal_string(from_units(units, decimals))


def divide_toward_zero(numerator: int, denominator: int) -> int:
    """Solidity's signed division; ZeroDivisionError where the contract panics."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient

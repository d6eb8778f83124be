"""Callers' decimals as the contract's integers, refused where its types end."""

from decimal import Decimal

from ostium_service.http import errors
from ostium_service.money import LEVERAGE_DECIMALS, PERCENT_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, to_units
from ostium_service.types import LeverageUnits, PercentUnits, PriceUnits, UsdcUnits


def scale_usdc(value: Decimal, *, field: str) -> UsdcUnits:
    """USDC x 1e6 within uint256; ValidationError otherwise or for more than six fraction digits."""
    return UsdcUnits(_scale(value, USDC_DECIMALS, 256, field))


def scale_price(value: Decimal | None, *, field: str) -> PriceUnits:
    """A price x 1e18 within uint192, zero for None; ValidationError otherwise."""
    return PriceUnits(0 if value is None else _scale(value, PRICE_DECIMALS, 192, field))


def scale_leverage(value: Decimal, *, field: str) -> LeverageUnits:
    """Leverage x 100 within uint32; ValidationError otherwise."""
    return LeverageUnits(_scale(value, LEVERAGE_DECIMALS, 32, field))


def scale_percent(value: Decimal, *, field: str) -> PercentUnits:
    """Percent x 100 within uint16; ValidationError otherwise."""
    return PercentUnits(_scale(value, PERCENT_DECIMALS, 16, field))


def _scale(value: Decimal, decimals: int, bits: int, field: str) -> int:
    try:
        units = to_units(value, decimals)
    except ValueError as error:
        raise _refuse(field, str(error)) from error
    if not 0 <= units < 2**bits:
        raise _refuse(field, "larger than the contract can hold")
    return units


def _refuse(field: str, message: str) -> errors.ServiceError:
    return errors.ValidationError(details=[{"field": field, "message": message}])

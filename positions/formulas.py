"""The venue's arithmetic on positions, in the integers and with the rounding of its contracts. Pure.

Units: USDC x 1e6, prices x 1e18, leverage x 100, profit percent x 1e6 of one percent, accumulators x 1e18.
Source: facts 3.3, 3.4, 3.8 and 3.9 (the newer public contracts). Solidity divides toward zero, so does this module.
"""

from ostium_service.money import divide_toward_zero
from ostium_service.types import LeverageUnits, PriceUnits, UsdcUnits

MAX_PROFIT_PERCENT = 900
MAX_STOP_LOSS_PERCENT = 85
PROFIT_PERCENT_SCALE = 10**6
ACCUMULATOR_SCALE = 10**18
LEVERAGE_SCALE = 100
FEE_SCALE = 10**6
"""Maker and taker fees are 1e6 for one percent."""


def compute_notional(*, collateral: UsdcUnits, leverage: LeverageUnits) -> UsdcUnits:
    """Position value in USDC, rounded up as the contract does."""
    return UsdcUnits(-(-collateral * leverage // LEVERAGE_SCALE))


def compute_taker_fee(*, collateral: UsdcUnits, leverage: LeverageUnits, taker_fee: int) -> UsdcUnits:
    """The opening fee if all of it were taken at the taker's rate: what the contract checks a new order against."""
    notional = compute_notional(collateral=collateral, leverage=leverage)
    return UsdcUnits(notional * taker_fee // FEE_SCALE // 100)


def compute_take_profit_limit(*, open_price: PriceUnits, leverage: LeverageUnits, is_long: bool) -> PriceUnits:
    """The +900 % price: what the contract sets when no take-profit was asked, and the furthest one it keeps."""
    distance = open_price * MAX_PROFIT_PERCENT // leverage
    return PriceUnits(open_price + distance if is_long else max(open_price - distance, 0))


def compute_top_up(
    *, collateral: UsdcUnits, leverage: LeverageUnits, amount: UsdcUnits
) -> tuple[UsdcUnits, LeverageUnits]:
    """What a top-up really adds and the leverage after it: the size stays and the leverage is rounded up to 0.01.

    The amount is 0 or less where the contract refuses because nothing would be left to add.
    """
    size, wanted = collateral * leverage, collateral + amount
    lower = -(-size // wanted)
    return UsdcUnits(size // lower - collateral), LeverageUnits(lower)


def compute_removal(
    *, collateral: UsdcUnits, leverage: LeverageUnits, amount: UsdcUnits
) -> tuple[UsdcUnits, LeverageUnits]:
    """What a removal really takes out and the leverage after it, rounded down to 0.01.

    The same leverage as before means that the contract refuses. `amount` has to be less than the collateral.
    """
    size = collateral * leverage
    higher = size // (collateral - amount)
    return UsdcUnits(collateral - size // higher), LeverageUnits(higher)


def compute_profit_percent(
    *,
    open_price: PriceUnits,
    exit_price: PriceUnits,
    is_long: bool,
    leverage: LeverageUnits,
    initial_leverage: LeverageUnits,
) -> int:
    """Profit in percent of the collateral, x 1e6, before rollover and funding.

    Capped at 900 % for the highest leverage the position has had and scaled to the present one; there is no floor at
    -100 %: only the value of the position stops at zero.
    """
    highest = max(leverage, initial_leverage)
    move = exit_price - open_price if is_long else open_price - exit_price
    percent = divide_toward_zero(move * PROFIT_PERCENT_SCALE * highest, open_price)
    capped = min(percent, MAX_PROFIT_PERCENT * PROFIT_PERCENT_SCALE)
    return divide_toward_zero(capped * leverage, highest)


def compute_profit(*, collateral: UsdcUnits, profit_percent: int) -> UsdcUnits:
    """The profit percent (x 1e6) as USDC; negative for a loss."""
    return UsdcUnits(divide_toward_zero(collateral * profit_percent, 100 * PROFIT_PERCENT_SCALE))


def compute_value(*, collateral: UsdcUnits, profit_percent: int, rollover: int, funding: int) -> UsdcUnits:
    """What a close pays before any liquidation test, never below zero."""
    profit = compute_profit(collateral=collateral, profit_percent=profit_percent)
    return UsdcUnits(max(collateral + profit - rollover - funding, 0))


def compute_liquidation_margin(
    *, collateral: UsdcUnits, leverage: LeverageUnits, max_leverage: LeverageUnits, margin_percent: int
) -> UsdcUnits:
    """The value under which a position is liquidated. `max_leverage` is the one effective for this position."""
    return UsdcUnits(collateral * margin_percent * leverage // (100 * max_leverage))


def compute_liquidation_price(
    *,
    open_price: PriceUnits,
    is_long: bool,
    collateral: UsdcUnits,
    leverage: LeverageUnits,
    max_leverage: LeverageUnits,
    margin_percent: int,
    fees: int,
) -> PriceUnits:
    """The mid price at which the value falls to the margin; `fees` is accrued rollover + funding in USDC units.

    With fees above what the collateral can lose the distance is negative: the position is past its liquidation.
    """
    margin = compute_liquidation_margin(
        collateral=collateral, leverage=leverage, max_leverage=max_leverage, margin_percent=margin_percent
    )
    room = collateral - margin - fees
    distance = divide_toward_zero(open_price * room * LEVERAGE_SCALE, collateral * leverage)
    return PriceUnits(max(open_price - distance if is_long else open_price + distance, 0))


def compute_accrued_fee(*, accumulator_change: int, collateral: UsdcUnits, leverage: LeverageUnits) -> int:
    """Rollover or funding owed since opening, in USDC units; negative when the position receives.

    A positive change that rounds to nothing costs one unit, as in the contract.
    """
    fee = divide_toward_zero(accumulator_change * collateral * leverage, ACCUMULATOR_SCALE * LEVERAGE_SCALE)
    return 1 if accumulator_change > 0 and fee == 0 else fee

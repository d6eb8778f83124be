"""Funding accumulators as the venue's contracts move them, in integers. Pure.

The venue has set the maximum rate of every pair to zero since mid-2026, which leaves the accumulators where they are;
the curve stays here because a pair may get a rate again. Source: facts 3.8 and 8. Rates and accumulators x 1e18.
"""

from dataclasses import dataclass

from ostium_service.money import divide_toward_zero
from ostium_service.types import PriceUnits, UsdcUnits

ONE = 10**18
SCALE_6 = 10**6
HILL_STEEPNESS = 184
"""The curve's 1.84, x 100."""
HILL_CONSTANT = 16 * 10**16
"""The curve's 0.16, x 1e18."""
PADE_LIMIT = 793_231_258_909_201_900
"""Below this |x| the contract approximates exp(x) by a Pade quotient, above it by a table of square roots."""
EXPONENT_LIMIT = 6_906 * 10**15
ROOTS_OF_TWO_STEPS = (
    1_648_721,
    1_284_025,
    1_133_148,
    1_064_494,
    1_031_743,
    1_015_748,
    1_007_843,
    1_003_915,
    1_001_955,
    1_000_977,
)
"""exp(2**-n) x 1e6 for n = 1 to 10. The contract doubles once per whole unit: exp(-3) is 0.125 there."""


@dataclass(frozen=True, slots=True)
class FundingState:
    """A pair's funding parameters: rates x 1e18 per block, scales x 100, percents x 100, the cap in USDC units."""

    accumulated_long: int
    accumulated_short: int
    last_rate: int
    max_rate: int
    last_block: int
    cap: UsdcUnits
    inflection: int
    positive_scale: int
    negative_scale: int
    spring: int
    spring_up_percent: int
    spring_down_percent: int


def compute_funding_accumulators(
    *, state: FundingState, block: int, long_interest: UsdcUnits, short_interest: UsdcUnits
) -> tuple[int, int]:
    """The (long, short) accumulators at `block`, an L2 height; open interest is in USDC units, not base units."""
    blocks = max(block - state.last_block, 0)
    if blocks == 0 or (state.max_rate == 0 and state.last_rate == 0):
        return state.accumulated_long, state.accumulated_short
    target = compute_target_rate(state=state, long_interest=long_interest, short_interest=short_interest)
    accrued = _accrue(state, target, blocks)
    long, short = state.accumulated_long, state.accumulated_short
    if accrued > 0 and long_interest > 0:
        long += accrued
        short -= divide_toward_zero(accrued * long_interest, short_interest) if short_interest > 0 else 0
    elif accrued <= 0 and short_interest > 0:
        short -= accrued
        long += divide_toward_zero(accrued * short_interest, long_interest) if long_interest > 0 else 0
    return long, short


def compute_target_rate(*, state: FundingState, long_interest: UsdcUnits, short_interest: UsdcUnits) -> int:
    """The rate that the pair's skew pulls toward, x 1e18 per block."""
    widest = max(state.cap, long_interest, short_interest)
    skew = divide_toward_zero((long_interest - short_interest) * SCALE_6, widest) if widest else 0
    argument = divide_toward_zero(HILL_STEEPNESS * skew, 100)
    squared = argument * argument * SCALE_6
    hill = squared * ONE // (HILL_CONSTANT + squared)
    scale = state.positive_scale if skew >= 0 else -state.negative_scale
    share = divide_toward_zero(scale * hill, 100) + state.inflection
    return divide_toward_zero(state.max_rate * min(max(share, -ONE), ONE), ONE)


def compute_current_rate(*, state: FundingState, target: int, block: int) -> int:
    """The rate at `block` on its way from the last one to the target, x 1e18 per block."""
    blocks = max(block - state.last_block, 0)
    spring = _choose_spring(state, target)
    decay = approximate_exponential(-(spring * blocks // 10_000))
    return target + divide_toward_zero((state.last_rate - target) * decay, ONE)


def approximate_exponential(exponent: int) -> int:
    """exp(exponent / 1e18) x 1e18 for exponents <= 0, with the error of the contract's own approximation."""
    size = abs(exponent)
    if size < PADE_LIMIT:
        above, below = exponent + 3 * ONE, exponent - 3 * ONE
        return (above * above // ONE + 3 * ONE) * ONE // (below * below // ONE + 3 * ONE)
    if size > EXPONENT_LIMIT:
        return 0
    whole, fraction = divmod(size, ONE)
    product = SCALE_6
    for root in ROOTS_OF_TWO_STEPS:
        fraction *= 2
        if fraction >= ONE:
            product = product * root // SCALE_6
            fraction -= ONE
    rounded = product // 1000 * (1 << whole)
    return 10**6 // rounded * 10**15


def _accrue(state: FundingState, target: int, blocks: int) -> int:
    """The sum of the rate over the blocks while it springs from the last one toward the target."""
    spring = _choose_spring(state, target)
    if spring == 0:
        return state.last_rate * blocks
    decay = approximate_exponential(-(spring * blocks // 10_000))
    distance = (ONE - decay) * (state.last_rate - target)
    return target * blocks + divide_toward_zero(distance * 10_000, spring)


def _choose_spring(state: FundingState, target: int) -> int:
    """The spring factor x 1e18 x 1e4: slower toward a smaller rate of the same sign, faster across zero."""
    if state.last_rate * target < 0:
        return state.spring * state.spring_up_percent
    if abs(target) > abs(state.last_rate):
        return state.spring * 10_000
    return state.spring * state.spring_down_percent


def convert_interest(*, base_units: int, price: PriceUnits) -> UsdcUnits:
    """Open interest in base units (x 1e18) at a price, as USDC units."""
    return UsdcUnits(base_units * price // 10**30)

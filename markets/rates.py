"""Rollover and funding of a pair at a block, from the index's last stored values. Pure.

Rates x 1e18 per L2 block, accumulators x 1e18.
"""

from markets.funding import (
    FundingState,
    compute_current_rate,
    compute_funding_accumulators,
    compute_target_rate,
    convert_interest,
)
from markets.rollover import compute_rollover_accumulator, compute_rollover_rate
from ostium_service.gateways.ostium_subgraph import PairRow
from ostium_service.types import PriceUnits, UsdcUnits


def project_rollover(*, pair: PairRow, block: int, is_long: bool) -> int:
    """One side's rollover accumulator at the block."""
    return compute_rollover_accumulator(
        accumulated=pair.acc_rollover_long if is_long else pair.acc_rollover_short,
        last_block=pair.last_rollover_block,
        block=block,
        pure_rate=pair.last_rollover_long_pure,
        broker_premium=pair.broker_premium,
        is_long=is_long,
        negative_allowed=pair.is_negative_rollover_allowed,
    )


def read_rollover_rate(*, pair: PairRow, is_long: bool) -> int:
    """One side's rollover per block."""
    return compute_rollover_rate(
        pure_rate=pair.last_rollover_long_pure,
        broker_premium=pair.broker_premium,
        is_long=is_long,
        negative_allowed=pair.is_negative_rollover_allowed,
    )


def project_funding(*, pair: PairRow, block: int) -> tuple[int, int]:
    """The (long, short) funding accumulators at the block."""
    long, short = _read_interest(pair)
    return compute_funding_accumulators(
        state=describe_funding(pair), block=block, long_interest=long, short_interest=short
    )


def project_funding_rates(*, pair: PairRow, block: int) -> tuple[int, int]:
    """The funding rate at the block, positive where longs pay, and the one it moves toward."""
    state = describe_funding(pair)
    long, short = _read_interest(pair)
    target = compute_target_rate(state=state, long_interest=long, short_interest=short)
    return compute_current_rate(state=state, target=target, block=block), target


def _read_interest(pair: PairRow) -> tuple[UsdcUnits, UsdcUnits]:
    price = PriceUnits(pair.last_trade_price)
    return (
        convert_interest(base_units=pair.long_oi, price=price),
        convert_interest(base_units=pair.short_oi, price=price),
    )


def describe_funding(pair: PairRow) -> FundingState:
    """The pair's funding parameters as the formulas take them."""
    return FundingState(
        accumulated_long=pair.acc_funding_long,
        accumulated_short=pair.acc_funding_short,
        last_rate=pair.last_funding_rate,
        max_rate=pair.max_funding_fee_per_block,
        last_block=pair.last_funding_block,
        cap=UsdcUnits(pair.max_oi),
        inflection=pair.hill_inflection_point,
        positive_scale=pair.hill_pos_scale,
        negative_scale=pair.hill_neg_scale,
        spring=pair.spring_factor,
        spring_up_percent=pair.s_factor_up_scale,
        spring_down_percent=pair.s_factor_down_scale,
    )

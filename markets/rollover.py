"""Rollover accumulators as the venue's contracts move them, in integers x 1e18. Pure. Source: facts 3.8."""


def compute_rollover_rate(*, pure_rate: int, broker_premium: int, is_long: bool, negative_allowed: bool) -> int:
    """One side's rate per L2 block, x 1e18 of the notional: the pure long rate with the side's sign plus the broker's
    premium, not below zero unless the pair allows it.
    """
    rate = (pure_rate if is_long else -pure_rate) + broker_premium
    return rate if rate >= 0 or negative_allowed else 0


def compute_rollover_accumulator(
    *,
    accumulated: int,
    last_block: int,
    block: int,
    pure_rate: int,
    broker_premium: int,
    is_long: bool,
    negative_allowed: bool,
) -> int:
    """One side's rollover accumulator (x 1e18) at `block` (L2 height), from the pair's last stored one.

    `pure_rate` and the rest as `compute_rollover_rate` takes them.
    """
    rate = compute_rollover_rate(
        pure_rate=pure_rate, broker_premium=broker_premium, is_long=is_long, negative_allowed=negative_allowed
    )
    return accumulated + max(block - last_block, 0) * rate

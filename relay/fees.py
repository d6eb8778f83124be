"""Gas and fee arithmetic, in wei and gas units. Pure."""

from ostium_service.types import Wei

GAS_NUMERATOR, GAS_DENOMINATOR = 13, 10
"""Estimates move with the L1 data price on Arbitrum: 30 % on top (facts 9)."""

GAS_FLOOR_MARGIN = 50_000
"""The 63/64 rule of nested calls and the delegate's wrapper are not always in an estimate."""

REPLACEMENT_NUMERATOR, REPLACEMENT_DENOMINATOR = 9, 8
"""Nodes ask for 10 % more on a replacement; 12.5 % leaves room for their rounding."""


def padded_gas(estimate: int) -> int:
    """The gas limit to sign for an estimate."""
    return estimate * GAS_NUMERATOR // GAS_DENOMINATOR + GAS_FLOOR_MARGIN


def fee_cap(*, base_fee: Wei, floor: Wei, ceiling: Wei) -> Wei | None:
    """Twice the latest base fee, at least `floor`; None when the base fee itself is above the ceiling.

    Arbitrum charges the base fee, not the cap, and ignores the tip, so the headroom costs nothing (facts 9).
    """
    if base_fee > ceiling:
        return None
    return Wei(min(max(2 * base_fee, floor), ceiling))


def is_replacement(*, fee: Wei, previous: Wei) -> bool:
    """Whether a node takes a cap of `fee` in place of `previous` under the same nonce."""
    return fee * REPLACEMENT_DENOMINATOR >= previous * REPLACEMENT_NUMERATOR


def replacement_fee(*, previous: Wei, base_fee: Wei, ceiling: Wei) -> Wei | None:
    """A cap that a node takes in place of `previous` under the same nonce and that the present base fee allows.

    None when no cap up to `ceiling` does both: then the transaction waits for the fee to fall.
    """
    least = Wei(-(-previous * REPLACEMENT_NUMERATOR // REPLACEMENT_DENOMINATOR))
    fee = Wei(min(max(least, 2 * base_fee), ceiling))
    return fee if fee >= least and fee >= base_fee else None

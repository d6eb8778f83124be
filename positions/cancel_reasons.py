"""Why the oracle's callback did not execute an order (facts 3.1)."""

CANCEL_REASONS = (
    "NONE",
    "PAUSED",
    "MARKET_CLOSED",
    "SLIPPAGE",
    "TP_REACHED",
    "SL_REACHED",
    "EXPOSURE_LIMITS",
    "PRICE_IMPACT",
    "MAX_LEVERAGE",
    "NO_TRADE",
    "UNDER_LIQUIDATION",
    "NOT_HIT",
    "GAIN_LOSS",
    "DAY_TRADE_NOT_ALLOWED",
    "CLOSE_DAY_TRADE_NOT_ALLOWED",
    "WRONG_TRADE",
)
RECLAIMED = "RECLAIMED"
"""The oracle never answered and the venue paid the order back; the venue's own name holds a word callers grep for."""


def name_cancel_reason(number: int) -> str:
    """The venue's name of a cancel reason; a number that the venue added later stays a token with that number."""
    return CANCEL_REASONS[number] if 0 <= number < len(CANCEL_REASONS) else f"REASON_{number}"

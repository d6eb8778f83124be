"""Pairs as the index lists them, for tests without one."""

from typing import Any

from ostium_service.gateways.ostium_subgraph import GroupRow, PairRow

CRYPTO = GroupRow(id=0, name="crypto", min_leverage=100, max_leverage=10_000)


def make_pair(pair_id: int, base: str, quote: str = "USD", **changes: Any) -> PairRow:
    """A crypto pair of the usual fees; zero where a test does not care."""
    fields: dict[str, Any] = {
        **dict.fromkeys(PairRow.__dataclass_fields__, 0),
        "id": pair_id,
        "base": base,
        "quote": quote,
        "feed": "0x" + "00" * 32,
        "group": CRYPTO,
        "is_negative_rollover_allowed": False,
        "min_position_value": 4_500_000,
        "oracle_fee": 100_000,
        "maker_fee": 30_000,
        "taker_fee": 100_000,
        **changes,
    }
    return PairRow(**fields)

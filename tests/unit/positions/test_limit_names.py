"""The index's name of a resting order."""

import pytest

from positions.services.limit_orders import parse_slot_name

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS.lower()])
def test_slot_name(address: str) -> None:
    assert parse_slot_name(f"{address}_5_0") == (ADDRESS, 5, 0)


@pytest.mark.parametrize(
    "text", ["limit-3", "800001", f"{ADDRESS}_5", f"{ADDRESS}_65536_0", f"{ADDRESS}_0_256", "_1_2", ""]
)
def test_anything_else(text: str) -> None:
    assert parse_slot_name(text) is None

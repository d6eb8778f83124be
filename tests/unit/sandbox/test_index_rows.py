"""The arithmetic of index rows."""

import pytest

from sandbox.index_rows import builder_fields, close_result, cut_toward_zero, limit_key, to_base_units, to_notional


def test_notional_and_base_units_of_the_integer_example() -> None:
    notional = to_notional(collateral=989_900_000, leverage=1000)

    assert notional == 9_899_000_000
    assert to_base_units(notional=notional, price=90_000 * 10**18) == 109_988_888_888_888_888
    assert to_base_units(notional=notional, price=0) == 0


def test_the_close_of_the_integer_example() -> None:
    event = {"price": 90_990 * 10**18, "priceImpactP": 10_989_010_989_010_989, "percentProfit": 11_000_000}

    assert close_result(event=event, collateral=989_900_000, sent=1_097_899_000) == {
        "priceAfterImpact": 90_990 * 10**18,
        "priceImpactP": 1,
        "profitPercent": 1100,
        "totalProfitPercent": 1091,
        "amountSentToTrader": 1_097_899_000,
    }


@pytest.mark.parametrize(("value", "expected"), [(199, 1), (-199, -1), (0, 0), (-100, -1), (-99, 0)])
def test_gains_and_losses_are_cut_alike(value: int, expected: int) -> None:
    assert cut_toward_zero(value, 100) == expected


def test_keys_are_lower_case() -> None:
    assert limit_key(trader="0xABcd", pair=5, index=0) == "0xabcd_5_0"


def test_no_builder_is_null() -> None:
    assert builder_fields({"builder": "0x" + "0" * 40, "builderFee": 0}) == {"builder": None, "builderFee": None}
    assert builder_fields({"builder": "0xAB" + "0" * 38, "builderFee": 7}) == {
        "builder": "0xab" + "0" * 38,
        "builderFee": 7,
    }

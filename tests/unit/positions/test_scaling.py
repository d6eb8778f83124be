"""Callers' decimals at the edges of the contract's integers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.services import opening, scaling
from positions.services.opening import OpenOrder, OrderKind, Side


@given(st.decimals(min_value=0, max_value=10**12, places=6))
def test_usdc_is_exact(value: Decimal) -> None:
    assert Decimal(scaling.scale_usdc(value, field="x")).scaleb(-6) == value


@pytest.mark.parametrize(
    "value", [Decimal("0.0000001"), Decimal("1E+100"), Decimal("NaN"), Decimal("Infinity"), Decimal(-1)]
)
def test_usdc_that_the_contract_cannot_hold(value: Decimal) -> None:
    with pytest.raises(errors.ValidationError) as caught:
        scaling.scale_usdc(value, field="collateral")
    assert isinstance(caught.value.details, list)
    assert caught.value.details[0]["field"] == "collateral"


def test_largest_leverage_and_percent() -> None:
    assert scaling.scale_leverage(Decimal("42949672.95"), field="x") == 2**32 - 1
    assert scaling.scale_percent(Decimal(100), field="x") == 10_000
    with pytest.raises(errors.ValidationError):
        scaling.scale_leverage(Decimal("42949672.96"), field="x")


def test_price_without_a_value_is_unset() -> None:
    assert scaling.scale_price(None, field="x") == 0
    with pytest.raises(errors.ValidationError):
        scaling.scale_price(Decimal(2**192), field="x")


@pytest.mark.parametrize(
    ("kind", "asked", "expected"),
    [
        (OrderKind.MARKET, None, 200),
        (OrderKind.MARKET, Decimal("0.5"), 50),
        (OrderKind.LIMIT, None, 0),
        (OrderKind.LIMIT, Decimal(1), 0),
        (OrderKind.STOP, Decimal(1), 0),
    ],
)
def test_t6_only_a_market_order_carries_a_slippage(kind: OrderKind, asked: Decimal | None, expected: int) -> None:
    """The contract refuses a market order without one, and a limit or stop order with one."""
    order = OpenOrder(
        network=Network.TESTNET,
        trader=Address("0x" + "11" * 20),
        market="BTC",
        side=Side.LONG,
        collateral=Decimal(100),
        leverage=Decimal(10),
        kind=kind,
        trigger_price=Decimal(80_000),
        slippage=asked,
    )
    assert opening._scale(order).slippage == expected

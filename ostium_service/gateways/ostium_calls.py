"""Call data for the trading contract and USDC: exact integers in, bytes out, and back. No I/O.

Scales (the contract's own): USDC 1e6, prices 1e18, leverage 1e2, percents 1e2 (basis points).
Values outside a type's range are a ValueError; nothing is rounded or clamped.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ostium_service.gateways.ostium_abi import (
    NotEncoded,
    declare,
    decode_values,
    load_functions,
)
from ostium_service.types import Address, LeverageUnits, PercentUnits, PriceUnits, UsdcUnits

ZERO_ADDRESS = "0x" + "00" * 20
UNSET = PriceUnits(0)
"""The contract's word for "no take-profit" and "no stop-loss"."""
WHOLE = PercentUnits(10_000)
"""One hundred percent."""


class OrderType(IntEnum):
    """The contract's OpenOrderType."""

    MARKET = 0
    LIMIT = 1
    STOP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRequest:
    """What an opening asks for."""

    trader: Address
    pair_id: int
    is_long: bool
    collateral: UsdcUnits
    price: PriceUnits
    """Market: the reference of the slippage band. Limit and stop: the trigger price."""
    leverage: LeverageUnits
    take_profit: PriceUnits = UNSET
    stop_loss: PriceUnits = UNSET
    is_day_trade: bool = False


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A call of the trading contract; `args` by the ABI's parameter names, structs as dictionaries."""

    name: str
    args: dict[str, Any]


_FUNCTIONS = load_functions(
    "trading",
    (
        "openTrade",
        "closeTradeMarket",
        "cancelOpenLimitOrder",
        "updateOpenLimitOrder",
        "updateTp",
        "updateSl",
        "topUpCollateral",
        "removeCollateral",
        "openTradeMarketTimeout",
        "closeTradeMarketTimeout",
        "setDelegate",
        "removeDelegate",
        "setDelegateWithSignature",
        "delegatedAction",
    ),
)
_BY_SELECTOR = {function.selector: function for function in _FUNCTIONS.values()}
_APPROVE = declare("approve(address,uint256) returns (bool)")


def encode_open_trade(*, trade: TradeRequest, order_type: OrderType, slippage: PercentUnits) -> bytes:
    """openTrade without a builder; the contract assigns the slot, so `index` is 0.

    ValueError: a market order with a slippage outside 1..9999, a limit or stop order with any.
    """
    if (1 <= slippage < WHOLE) is not (order_type is OrderType.MARKET):
        raise ValueError("slippage belongs to market orders, 1 to 9999")
    struct = (
        trade.collateral,
        trade.price,
        trade.take_profit,
        trade.stop_loss,
        trade.trader,
        trade.leverage,
        trade.pair_id,
        0,
        trade.is_long,
        trade.is_day_trade,
    )
    return _FUNCTIONS["openTrade"].encode(struct, (ZERO_ADDRESS, 0), int(order_type), slippage)


def encode_close_trade(
    *, pair_id: int, trade_index: int, percentage: PercentUnits, price: PriceUnits, slippage: PercentUnits
) -> bytes:
    """closeTradeMarket; `price` is the reference of the slippage band.

    ValueError for a percentage outside 1..10000: the contract would read 0 as everything.
    """
    if not 1 <= percentage <= WHOLE:
        raise ValueError("percentage is 1 to 10000")
    return _FUNCTIONS["closeTradeMarket"].encode(pair_id, trade_index, percentage, price, slippage)


def encode_update_tp(*, pair_id: int, trade_index: int, take_profit: PriceUnits) -> bytes:
    """updateTp; the contract refuses 0."""
    return _FUNCTIONS["updateTp"].encode(pair_id, trade_index, take_profit)


def encode_update_sl(*, pair_id: int, trade_index: int, stop_loss: PriceUnits) -> bytes:
    """updateSl; 0 removes the stop-loss."""
    return _FUNCTIONS["updateSl"].encode(pair_id, trade_index, stop_loss)


def encode_cancel_limit(*, pair_id: int, trade_index: int) -> bytes:
    """cancelOpenLimitOrder; the index is the order's, in its own space."""
    return _FUNCTIONS["cancelOpenLimitOrder"].encode(pair_id, trade_index)


def encode_update_limit(
    *, pair_id: int, trade_index: int, price: PriceUnits, take_profit: PriceUnits, stop_loss: PriceUnits
) -> bytes:
    """updateOpenLimitOrder; all three values replace the order's, 0 clears a take-profit or stop-loss."""
    return _FUNCTIONS["updateOpenLimitOrder"].encode(pair_id, trade_index, price, take_profit, stop_loss)


def encode_top_up_collateral(*, pair_id: int, trade_index: int, amount: UsdcUnits) -> bytes:
    """topUpCollateral; the contract may take a little less, so that leverage stays a whole 0.01."""
    return _FUNCTIONS["topUpCollateral"].encode(pair_id, trade_index, amount)


def encode_remove_collateral(*, pair_id: int, trade_index: int, amount: UsdcUnits) -> bytes:
    """removeCollateral; settled by the oracle."""
    return _FUNCTIONS["removeCollateral"].encode(pair_id, trade_index, amount)


def encode_open_timeout(*, order_id: int) -> bytes:
    """openTradeMarketTimeout: the whole collateral back from an open that the oracle never answered."""
    return _FUNCTIONS["openTradeMarketTimeout"].encode(order_id)


def encode_close_timeout(*, order_id: int, retry: bool) -> bytes:
    """closeTradeMarketTimeout: drop an unanswered close, or ask for it again at the old price and slippage."""
    return _FUNCTIONS["closeTradeMarketTimeout"].encode(order_id, retry)


def encode_delegated_action(trader: Address, inner: bytes) -> bytes:
    """delegatedAction: run `inner` as `trader`; the sender must be the trader's delegate."""
    return _FUNCTIONS["delegatedAction"].encode(trader, inner)


def encode_set_delegate(delegate: Address) -> bytes:
    """setDelegate; replaces the sender's one delegate."""
    return _FUNCTIONS["setDelegate"].encode(delegate)


def encode_remove_delegate() -> bytes:
    """removeDelegate; the only way to have none, since setDelegate refuses the zero address."""
    return _FUNCTIONS["removeDelegate"].encode()


def encode_approve(spender: Address, amount: UsdcUnits) -> bytes:
    """USDC approve; the spender that Ostium pulls with is tradingStorage, never trading."""
    return _APPROVE.encode(spender, amount)


def decode_approve(data: bytes) -> tuple[Address, int] | None:
    """Spender and amount (USDC x 1e6) of an ERC-20 `approve`, None for anything but its one canonical encoding."""
    if data[:4] != _APPROVE.selector:
        return None
    try:
        spender, amount = decode_values(_APPROVE.inputs, data[4:])
    except NotEncoded:
        return None
    return spender, amount


def decode_call(data: bytes) -> DecodedCall | None:
    """The trading call that `data` is, None for an unknown function or anything but its one canonical encoding.

    For `delegatedAction` the inner bytes stand under `call_data`; decode them with this function again.
    """
    function = _BY_SELECTOR.get(bytes(data[:4]))
    if function is None:
        return None
    try:
        values = decode_values(function.inputs, data[4:])
    except NotEncoded:
        return None
    return DecodedCall(function.name, dict(zip((p.name for p in function.inputs), values, strict=True)))

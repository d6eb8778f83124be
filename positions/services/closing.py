"""Closing a position at market, wholly or in part."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markets import services as markets
from ostium_service.gateways.ostium_contracts import encode_close_trade
from ostium_service.money import PERCENT_DECIMALS, USDC_DECIMALS, decimal_string, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, PercentUnits, UsdcUnits
from positions.models import Operation
from positions.services.ledger import Intent
from positions.services.pipeline import Answer, Plan, run_write
from positions.services.scaling import scale_percent
from positions.services.slots import HeldPosition, decode_slot, describe_slot_calls, require_position
from positions.services.trader_state import check_delegate, check_funds, read_trader_state

DEFAULT_SLIPPAGE = Decimal(2)
"""Percent; callers of today send none."""
EVERYTHING = Decimal(100)
"""Percent of the position, where a caller names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder:
    """A validated request to close. `percentage` is of the position, `slippage` of the reference price."""

    network: Network
    trader: Address
    pair_id: int
    trade_index: int
    percentage: Decimal = EVERYTHING
    slippage: Decimal = DEFAULT_SLIPPAGE
    trade_id: str | None = None


def close_position(*, order: CloseOrder, key: str, request_id: str, signature: str = "") -> Answer:
    """Ask the venue to close the position in a slot, once per key; it settles by the oracle.

    Refused before the signature, with nothing sent and the key free: DelegationNotActive, DelegationSuspended,
    InvalidMarket, PositionNotFound, PositionChanged (`trade_id` names another trade than the slot holds), MarketClosed,
    PriceStale, PriceFetchFailed, InsufficientBalance or AllowanceMissing for the oracle fee, and whatever the
    simulation says.
    """
    percentage = scale_percent(order.percentage, field="closePercentage")
    slippage = scale_percent(order.slippage, field="slippage")
    intent = Intent(
        operation=Operation.CLOSE,
        network=order.network,
        trader=order.trader,
        key=key,
        request=_describe_request(order),
        request_id=request_id,
        signature=signature,
    )
    return run_write(intent=intent, make_plan=lambda delegate: _plan(order, percentage, slippage, delegate))


def _plan(order: CloseOrder, percentage: PercentUnits, slippage: PercentUnits, delegate: Address) -> Plan:
    slot_calls = describe_slot_calls(
        network=order.network, trader=order.trader, pair_id=order.pair_id, index=order.trade_index
    )
    market, prices, state = gather(
        lambda: markets.resolve_market(network=order.network, market=order.pair_id),
        lambda: markets.fetch_prices(network=order.network),
        lambda: read_trader_state(network=order.network, trader=order.trader, extra=slot_calls),
    )
    check_delegate(network=order.network, state=state, delegate=delegate)
    position = require_position(decode_slot(state.extra), trade_id=order.trade_id)
    quote = markets.check_tradable(prices=prices, market=market)
    check_funds(state=state, needed=UsdcUnits(market.row.oracle_fee))
    inner = encode_close_trade(
        pair_id=order.pair_id,
        trade_index=order.trade_index,
        percentage=percentage,
        price=markets.scale_quote(quote.mid),
        slippage=slippage,
    )
    return Plan(
        inner=inner,
        pair_id=order.pair_id,
        trade_id=position.trade_id,
        terms=_describe_terms(order, percentage, position),
    )


def _describe_terms(order: CloseOrder, percentage: PercentUnits, position: HeldPosition) -> dict[str, Any]:
    """With the position's collateral before the close, from which the settled profit is computed."""
    return {
        "pairId": order.pair_id,
        "tradeIndex": order.trade_index,
        "tradeId": position.trade_id,
        "closePercentage": units_string(percentage, PERCENT_DECIMALS),
        "collateral": units_string(position.trade.collateral, USDC_DECIMALS),
    }


def _describe_request(order: CloseOrder) -> dict[str, Any]:
    return {
        "pairId": order.pair_id,
        "tradeIndex": order.trade_index,
        "closePercentage": decimal_string(order.percentage),
        "slippage": decimal_string(order.slippage),
        "tradeId": order.trade_id,
    }

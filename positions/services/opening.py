"""Opening a position: at market, or by a limit or stop order."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from markets import services as markets
from markets.catalogue import Market
from ostium_service.gateways.ostium_contracts import OrderType, TradeRequest, encode_open_trade
from ostium_service.http import errors
from ostium_service.money import (
    LEVERAGE_DECIMALS,
    PRICE_DECIMALS,
    USDC_DECIMALS,
    decimal_string,
    units_string,
)
from ostium_service.parallel import gather
from ostium_service.types import Address, LeverageUnits, Network, PercentUnits, PriceUnits, UsdcUnits
from positions.formulas import LEVERAGE_SCALE, compute_taker_fee
from positions.models import Operation
from positions.services.ledger import Intent
from positions.services.pipeline import Answer, Plan, run_write
from positions.services.scaling import scale_leverage, scale_percent, scale_price, scale_usdc
from positions.services.trader_state import TraderState, check_delegate, check_funds, read_trader_state

DEFAULT_SLIPPAGE = Decimal(2)
"""Percent, for a market order that names none."""


class Side(StrEnum):
    """Long or short."""

    LONG = "long"
    SHORT = "short"


class OrderKind(StrEnum):
    """How an order opens."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """A validated request to open. Amounts are human decimals; slippage is a percent of the reference price."""

    network: Network
    trader: Address
    market: str
    side: Side
    collateral: Decimal
    leverage: Decimal
    kind: OrderKind = OrderKind.MARKET
    trigger_price: Decimal | None = None
    slippage: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    is_day_trade: bool = False


@dataclass(frozen=True, slots=True)
class ScaledOrder:
    """The same in the contract's integers."""

    collateral: UsdcUnits
    leverage: LeverageUnits
    trigger_price: PriceUnits
    slippage: PercentUnits
    stop_loss: PriceUnits
    take_profit: PriceUnits


def open_position(*, order: OpenOrder, key: str, request_id: str, signature: str = "") -> Answer:
    """Open a position or place a limit or stop order for the trader, once per key.

    Refused before anything is written: TriggerPriceRequired, ValidationError for numbers the contract cannot hold.
    Refused before the signature, with nothing sent and the key free: DelegationNotActive, DelegationSuspended,
    InvalidMarket, AmbiguousMarket, PriceStale, PriceFetchFailed, MarketClosed, DayTradeClosed, TradingPaused,
    LeverageTooHigh, LeverageTooLow, PositionTooSmall, InvalidStopLoss, InvalidTakeProfit, InsufficientBalance,
    AllowanceMissing, and whatever the simulation says. A market order needs an open market and a price of the last ten
    seconds; a limit or stop order needs neither.
    """
    if order.kind is not OrderKind.MARKET and order.trigger_price is None:
        raise errors.TriggerPriceRequired
    scaled = _scale(order)
    intent = Intent(
        operation=Operation.OPEN,
        network=order.network,
        trader=order.trader,
        key=key,
        request=_describe_request(order),
        request_id=request_id,
        signature=signature,
    )
    return run_write(intent=intent, make_plan=lambda delegate: _plan(order, scaled, delegate))


def _scale(order: OpenOrder) -> ScaledOrder:
    is_market = order.kind is OrderKind.MARKET
    slippage = (DEFAULT_SLIPPAGE if order.slippage is None else order.slippage) if is_market else Decimal(0)
    return ScaledOrder(
        collateral=scale_usdc(order.collateral, field="collateral"),
        leverage=scale_leverage(order.leverage, field="leverage"),
        trigger_price=scale_price(None if is_market else order.trigger_price, field="triggerPrice"),
        slippage=scale_percent(slippage, field="slippage"),
        stop_loss=scale_price(order.stop_loss, field="slPrice"),
        take_profit=scale_price(order.take_profit, field="tpPrice"),
    )


def _plan(order: OpenOrder, scaled: ScaledOrder, delegate: Address) -> Plan:
    """Read market, price and trader at once, check the order against them, and encode the call."""
    if order.kind is OrderKind.MARKET:
        market, prices, state = gather(
            lambda: markets.resolve_market(network=order.network, market=order.market),
            lambda: markets.fetch_prices(network=order.network),
            lambda: read_trader_state(network=order.network, trader=order.trader),
        )
        quote = markets.check_tradable(prices=prices, market=market, is_day_trade=order.is_day_trade)
        price = markets.scale_quote(quote.mid)
    else:
        market, state = gather(
            lambda: markets.resolve_market(network=order.network, market=order.market),
            lambda: read_trader_state(network=order.network, trader=order.trader),
        )
        price = scaled.trigger_price
    _check_order(order, scaled, market, price)
    _check_trader(order, scaled, state, delegate)
    trade = TradeRequest(
        trader=order.trader,
        pair_id=market.pair_id,
        is_long=order.side is Side.LONG,
        collateral=scaled.collateral,
        price=price,
        leverage=scaled.leverage,
        take_profit=scaled.take_profit,
        stop_loss=scaled.stop_loss,
        is_day_trade=order.is_day_trade,
    )
    inner = encode_open_trade(trade=trade, order_type=OrderType[order.kind.name], slippage=scaled.slippage)
    return Plan(inner=inner, pair_id=market.pair_id, terms=_describe_terms(order, scaled, market, price))


def _check_order(order: OpenOrder, scaled: ScaledOrder, market: Market, price: PriceUnits) -> None:
    """The contract's own rules in its order (facts 2.3), so that the refusal can name the numbers."""
    maximum = market.effective_max_leverage(is_day_trade=order.is_day_trade)
    minimum = market.min_leverage
    if scaled.leverage > maximum:
        raise errors.LeverageTooHigh(details={"maximum": units_string(maximum, LEVERAGE_DECIMALS)})
    if scaled.leverage < minimum:
        raise errors.LeverageTooLow(details={"minimum": units_string(minimum, LEVERAGE_DECIMALS)})
    _check_size(scaled, market)
    is_long = order.side is Side.LONG
    if (scaled.take_profit and (scaled.take_profit > price) is not is_long) or scaled.take_profit == price:
        raise errors.InvalidTakeProfit(details=_describe_prices(scaled.take_profit, price))
    if (scaled.stop_loss and (scaled.stop_loss < price) is not is_long) or scaled.stop_loss == price:
        raise errors.InvalidStopLoss(details=_describe_prices(scaled.stop_loss, price))


def _check_size(scaled: ScaledOrder, market: Market) -> None:
    fees = market.row.oracle_fee + compute_taker_fee(
        collateral=scaled.collateral, leverage=scaled.leverage, taker_fee=market.row.taker_fee
    )
    after_fees = scaled.collateral - fees
    smallest = market.row.min_position_value
    if after_fees <= 0 or after_fees * scaled.leverage // LEVERAGE_SCALE < smallest:
        raise errors.PositionTooSmall(
            details={"minimum": units_string(smallest, USDC_DECIMALS), "fees": units_string(fees, USDC_DECIMALS)}
        )


def _check_trader(order: OpenOrder, scaled: ScaledOrder, state: TraderState, delegate: Address) -> None:
    check_delegate(network=order.network, state=state, delegate=delegate)
    if state.is_paused:
        raise errors.TradingPaused
    check_funds(state=state, needed=scaled.collateral)


def _describe_prices(asked: PriceUnits, price: PriceUnits) -> dict[str, str]:
    return {"asked": units_string(asked, PRICE_DECIMALS), "price": units_string(price, PRICE_DECIMALS)}


def _describe_terms(order: OpenOrder, scaled: ScaledOrder, market: Market, price: PriceUnits) -> dict[str, Any]:
    return {
        "pairId": market.pair_id,
        "market": market.symbol,
        "side": order.side.value,
        "orderType": order.kind.value,
        "price": units_string(price, PRICE_DECIMALS),
        "collateral": units_string(scaled.collateral, USDC_DECIMALS),
        "leverage": units_string(scaled.leverage, LEVERAGE_DECIMALS),
    }


def _describe_request(order: OpenOrder) -> dict[str, Any]:
    """The parameters as asked, in canonical form: what the fingerprint of the key is taken over."""
    numbers = {
        "collateral": order.collateral,
        "leverage": order.leverage,
        "triggerPrice": order.trigger_price,
        "slippage": order.slippage,
        "slPrice": order.stop_loss,
        "tpPrice": order.take_profit,
    }
    return {
        "market": order.market,
        "side": order.side.value,
        "orderType": order.kind.value,
        "dayTrade": order.is_day_trade,
        **{name: None if value is None else decimal_string(value) for name, value in numbers.items()},
    }

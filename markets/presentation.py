"""Markets and quotes as callers see them: plain decimal strings."""

from typing import Any
from weakref import WeakKeyDictionary

from markets.catalogue import Market
from markets.services import MarketList, compute_age
from ostium_service.gateways.ostium_prices import Price, PriceList
from ostium_service.money import LEVERAGE_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, decimal_string, units_string

FEE_DECIMALS = 6
INTEREST_DECIMALS = 18
RATE_DECIMALS = 18

_described: WeakKeyDictionary[MarketList, tuple[PriceList, list[dict[str, Any]]]] = WeakKeyDictionary()


def describe_markets(*, listing: MarketList, prices: PriceList) -> list[dict[str, Any]]:
    """All rows of `markets/list`, built once for a list of markets and a list of prices. Do not change the result."""
    known = _described.get(listing)
    if known is not None and known[0] is prices:
        return known[1]
    rows = [describe_market(market=market, listing=listing, prices=prices) for market in listing.markets]
    _described[listing] = (prices, rows)
    return rows


def describe_market(*, market: Market, listing: MarketList, prices: PriceList) -> dict[str, Any]:
    """One row of `markets/list`. Price fields are null when the feed has no usable quote of the pair.

    Open interest is in units of the base asset, its maximum and the minimum position value in USDC.
    """
    row, price = market.row, prices.get(market.row.base, market.row.quote)
    usable = price if price is not None and price.valid else None
    is_open = usable is not None and usable.is_market_open
    return {
        "pairId": market.pair_id,
        "symbol": market.symbol,
        "pair": market.pair,
        "base": row.base,
        "quote": row.quote,
        "group": row.group.name,
        "status": "paused" if listing.is_paused else "open" if is_open else "closed",
        "price": None if usable is None else decimal_string(usable.mid),
        "bid": None if usable is None else decimal_string(usable.bid),
        "ask": None if usable is None else decimal_string(usable.ask),
        "isMarketOpen": is_open,
        "isDayTradingClosed": usable is None or usable.is_day_trading_closed,
        "minLeverage": units_string(market.min_leverage, LEVERAGE_DECIMALS),
        "maxLeverage": units_string(market.max_leverage, LEVERAGE_DECIMALS),
        "overnightMaxLeverage": (
            units_string(row.overnight_max_leverage, LEVERAGE_DECIMALS) if row.overnight_max_leverage else None
        ),
        "makerFeePercent": units_string(row.maker_fee, FEE_DECIMALS),
        "takerFeePercent": units_string(row.taker_fee, FEE_DECIMALS),
        "longOpenInterest": units_string(row.long_oi, INTEREST_DECIMALS),
        "shortOpenInterest": units_string(row.short_oi, INTEREST_DECIMALS),
        "maxOpenInterest": units_string(row.max_oi, USDC_DECIMALS),
        "minPositionValue": units_string(row.min_position_value, USDC_DECIMALS),
    }


def describe_depth(market: Market) -> dict[str, Any]:
    """What `markets/details` knows besides. Rates are per L2 block and unit of notional, fees in USDC or percent."""
    row = market.row
    return {
        "feed": row.feed,
        "groupId": row.group.id,
        "makerMaxLeverage": units_string(row.maker_max_leverage, LEVERAGE_DECIMALS),
        "oracleFee": units_string(row.oracle_fee, USDC_DECIMALS),
        "lastTradePrice": units_string(row.last_trade_price, PRICE_DECIMALS),
        "accRolloverLong": units_string(row.acc_rollover_long, RATE_DECIMALS),
        "accRolloverShort": units_string(row.acc_rollover_short, RATE_DECIMALS),
        "lastRolloverBlock": row.last_rollover_block,
        "lastRolloverLongPure": units_string(row.last_rollover_long_pure, RATE_DECIMALS),
        "brokerPremium": units_string(row.broker_premium, RATE_DECIMALS),
        "isNegativeRolloverAllowed": row.is_negative_rollover_allowed,
        "accFundingLong": units_string(row.acc_funding_long, RATE_DECIMALS),
        "accFundingShort": units_string(row.acc_funding_short, RATE_DECIMALS),
        "lastFundingBlock": row.last_funding_block,
        "lastFundingRate": units_string(row.last_funding_rate, RATE_DECIMALS),
        "maxFundingFeePerBlock": units_string(row.max_funding_fee_per_block, RATE_DECIMALS),
    }


def describe_price(*, market: Market, price: Price) -> dict[str, Any]:
    """The answer of `prices/get`, whatever the quote's age."""
    return {
        "base": market.row.base,
        "quote": market.row.quote,
        "pairId": market.pair_id,
        "price": decimal_string(price.mid),
        "bid": decimal_string(price.bid),
        "ask": decimal_string(price.ask),
        "isMarketOpen": price.is_market_open,
        "isDayTradingClosed": price.is_day_trading_closed,
        "timestamp": price.timestamp,
        "ageSeconds": compute_age(price),
    }

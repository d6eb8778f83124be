"""What one position is worth now, with everything that a close would take from it."""

from typing import Any

from markets import services as markets
from markets.catalogue import Market
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import ARB_BLOCK_NUMBER, ARB_SYS
from ostium_service.gateways.ostium_prices import Price
from ostium_service.gateways.ostium_subgraph import TradeRow
from ostium_service.http import errors
from ostium_service.money import LEVERAGE_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, decimal_string, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, Network
from positions.formulas import compute_value
from positions.services.slots import HeldPosition, decode_slot, describe_slot_calls, require_position
from positions.services.trader_state import require_output
from positions.valuation import OpenFees, compute_open_fees, value_liquidation, value_profit

PERCENT_DECIMALS = 6


def read_metrics(*, network: Network, trader: Address, pair_id: int, trade_index: int) -> dict[str, Any]:
    """Profit at the price that a close would get, the fees owed, and the price that liquidates, at one L2 block.

    Refused with PositionNotFound, InvalidMarket, PriceStale for an unusable quote, or MetricsFetchFailed when a source
    does not answer: half of these numbers would mislead.
    """
    try:
        listing, prices = markets.read_markets_and_prices(network=network)
        (held, block), rows = gather(
            lambda: _read_position(network, trader, pair_id, trade_index),
            lambda: composition.subgraph(network).open_trades(trader),
        )
        market = markets.resolve_market(network=network, market=pair_id)
        price = markets.find_price(prices=prices, market=market)
    except (GatewayError, Reverted) as error:
        raise errors.MetricsFetchFailed(details={"reason": getattr(error, "token", "reverted")}) from error
    except (errors.MarketsFetchFailed, errors.PriceFetchFailed) as error:
        raise errors.MetricsFetchFailed(details=error.details) from error
    if not price.valid:
        raise errors.PriceStale(details={"reason": "invalid_price"})
    opened = next((row for row in rows if row.trade_id == held.info.trade_id), None)
    return {
        "network": network,
        "traderAddress": trader,
        "pairId": pair_id,
        "tradeIndex": trade_index,
        "metrics": {
            **_describe(held, market, price, opened, block, listing.liquidation_margin_percent),
            "asOfBlock": block,
        },
    }


def _read_position(network: Network, trader: Address, pair_id: int, index: int) -> tuple[HeldPosition, int]:
    calls = describe_slot_calls(network=network, trader=trader, pair_id=pair_id, index=index)
    block = Call(to=ARB_SYS, data=ARB_BLOCK_NUMBER.encode())
    *slot, height = map(require_output, composition.arbitrum(network).call_many([*calls, block]))
    return require_position(decode_slot(slot), trade_id=None), ARB_BLOCK_NUMBER.decode(height)


def _describe(
    held: HeldPosition, market: Market, price: Price, opened: TradeRow | None, block: int, margin: int
) -> dict[str, Any]:
    """`pnl` and its percent are before rollover and funding, as in the list of positions; `netPnl` is after them."""
    trade = held.trade
    fees = compute_open_fees(trade=trade, opened=opened, pair=market.row, block=block)
    exit_price = price.bid if trade.is_long else price.ask
    profit = value_profit(trade=trade, info=held.info, exit_price=markets.scale_quote(exit_price))
    value = compute_value(
        collateral=trade.collateral, profit_percent=profit.percent, rollover=fees.rollover, funding=fees.funding
    )
    return {
        "tradeId": held.trade_id,
        "market": market.symbol,
        "side": "long" if trade.is_long else "short",
        "collateral": units_string(trade.collateral, USDC_DECIMALS),
        "leverage": units_string(trade.leverage, LEVERAGE_DECIMALS),
        "openPrice": units_string(trade.open_price, PRICE_DECIMALS),
        "price": decimal_string(exit_price),
        "midPrice": decimal_string(price.mid),
        "isMarketOpen": price.is_market_open,
        "pnl": units_string(profit.amount, USDC_DECIMALS),
        "pnlPercent": units_string(profit.percent, PERCENT_DECIMALS),
        "rollover": units_string(fees.rollover, USDC_DECIMALS),
        "funding": units_string(fees.funding, USDC_DECIMALS),
        "netPnl": units_string(profit.amount - fees.total, USDC_DECIMALS),
        "netValue": units_string(value, USDC_DECIMALS),
        "liquidationPrice": _describe_liquidation(held, market, fees, margin),
    }


def _describe_liquidation(held: HeldPosition, market: Market, fees: OpenFees, margin: int) -> str:
    price = value_liquidation(
        trade=held.trade,
        max_leverage=market.effective_max_leverage(is_day_trade=held.trade.is_day_trade),
        margin_percent=margin,
        fees=fees.total,
    )
    return units_string(price, PRICE_DECIMALS)

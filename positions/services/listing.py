"""A trader's positions: the chain says which there are, the index and the feed add what they know."""

from typing import Any

import structlog

from markets import services as markets
from markets.catalogue import Market
from ostium_service import composition
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_prices import Price, PriceList
from ostium_service.gateways.ostium_subgraph import TradeRow
from ostium_service.http import errors
from ostium_service.moments import format_seconds
from ostium_service.money import LEVERAGE_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, decimal_string, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, Network
from positions.formulas import compute_notional
from positions.services.scanning import Scan, scan_positions
from positions.services.slots import HeldPosition
from positions.valuation import compute_open_fees, has_automatic_take_profit, value_liquidation, value_profit

logger = structlog.get_logger(__name__)

PERCENT_DECIMALS = 6


def list_positions(*, network: Network, trader: Address) -> dict[str, Any]:
    """Every open position of the trader as of one L2 block, in order of pair and slot.

    Without the price feed, profit and prices are null; without the index, liquidation prices are. Refused with
    PositionsFetchFailed when the chain does not answer or the list of markets is not known.
    """
    try:
        listing = markets.list_markets(network=network)
        by_pair = {market.pair_id: market for market in listing.markets}
        scan, rows, prices = gather(
            lambda: scan_positions(network=network, trader=trader, pair_ids=sorted(by_pair)),
            lambda: _read_index(network, trader),
            lambda: _read_prices(network),
        )
    except (GatewayError, Reverted) as error:
        raise errors.PositionsFetchFailed(details={"reason": getattr(error, "token", "reverted")}) from error
    except errors.MarketsFetchFailed as error:
        raise errors.PositionsFetchFailed(details=error.details) from error
    margin = listing.liquidation_margin_percent
    positions = [
        _describe(
            held=held,
            market=by_pair[held.trade.pair_id],
            price=_find_price(prices, by_pair[held.trade.pair_id]),
            liquidation=_liquidation(held, by_pair[held.trade.pair_id], rows, scan, margin),
        )
        for held in scan.positions
    ]
    return {"network": network, "traderAddress": trader, "positions": positions, "asOfBlock": scan.block}


def _read_index(network: Network, trader: Address) -> dict[int, TradeRow] | None:
    """The index's rows by trade id, None when it does not answer: the chain is enough to list positions."""
    try:
        return {row.trade_id: row for row in composition.subgraph(network).open_trades(trader)}
    except GatewayError as error:
        logger.warning("positions_without_index", token=error.token)
        return None


def _read_prices(network: Network) -> PriceList | None:
    try:
        return markets.fetch_prices(network=network)
    except errors.PriceFetchFailed:
        logger.warning("positions_without_prices")
        return None


def _find_price(prices: PriceList | None, market: Market) -> Price | None:
    price = None if prices is None else prices.get(market.row.base, market.row.quote)
    return price if price is not None and price.valid else None


def _liquidation(
    held: HeldPosition, market: Market, rows: dict[int, TradeRow] | None, scan: Scan, margin: int
) -> str | None:
    if rows is None:
        return None
    fees = compute_open_fees(trade=held.trade, opened=rows.get(held.info.trade_id), pair=market.row, block=scan.block)
    price = value_liquidation(
        trade=held.trade,
        max_leverage=market.effective_max_leverage(is_day_trade=held.trade.is_day_trade),
        margin_percent=margin,
        fees=fees.total,
    )
    return units_string(price, PRICE_DECIMALS)


def _describe(*, held: HeldPosition, market: Market, price: Price | None, liquidation: str | None) -> dict[str, Any]:
    """One item. `price` is what a close would get, and `pnl`, before rollover and funding, is at that price.

    No key is called `funding`: callers would take it for the profit.
    """
    trade, info = held.trade, held.info
    exit_price = None if price is None else price.bid if trade.is_long else price.ask
    profit = None
    if exit_price is not None:
        profit = value_profit(trade=trade, info=info, exit_price=markets.scale_quote(exit_price))
    return {
        "id": held.trade_id,
        "tradeId": held.trade_id,
        "pairId": trade.pair_id,
        "tradeIndex": trade.index,
        "market": market.symbol,
        "pair": market.pair,
        "side": "long" if trade.is_long else "short",
        "collateral": units_string(trade.collateral, USDC_DECIMALS),
        "leverage": units_string(trade.leverage, LEVERAGE_DECIMALS),
        "notional": units_string(compute_notional(collateral=trade.collateral, leverage=trade.leverage), USDC_DECIMALS),
        "openPrice": units_string(trade.open_price, PRICE_DECIMALS),
        "price": None if exit_price is None else decimal_string(exit_price),
        "midPrice": None if price is None else decimal_string(price.mid),
        "pnl": None if profit is None else units_string(profit.amount, USDC_DECIMALS),
        "pnlPercent": None if profit is None else units_string(profit.percent, PERCENT_DECIMALS),
        "slPrice": units_string(trade.stop_loss, PRICE_DECIMALS) if trade.stop_loss else None,
        "tpPrice": units_string(trade.take_profit, PRICE_DECIMALS) if trade.take_profit else None,
        "tpIsAutomatic": has_automatic_take_profit(trade=trade, info=info),
        "liquidationPrice": liquidation,
        "isDayTrade": trade.is_day_trade,
        "openedAt": format_seconds(info.created_at),
    }

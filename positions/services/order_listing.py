"""A trader's orders: what rests, what waits for the oracle, and what has ended."""

from typing import Any

from markets import services as markets
from markets.catalogue import Market
from ostium_service import composition
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import PendingMarketOrder
from ostium_service.http import errors
from ostium_service.money import LEVERAGE_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, units_string
from ostium_service.types import Address, Network
from positions.services.order_views import describe_resting, describe_row
from positions.services.scanning import scan_orders


def list_orders(*, network: Network, trader: Address) -> dict[str, Any]:
    """Every resting order and every market order that waits for the oracle, as the chain holds them at one L2 block.

    Refused with OrdersFetchFailed when the chain or the list of markets does not answer.
    """
    try:
        by_pair = {market.pair_id: market for market in markets.list_markets(network=network).markets}
        scan = scan_orders(network=network, trader=trader, pair_ids=sorted(by_pair))
    except (GatewayError, Reverted) as error:
        raise errors.OrdersFetchFailed(details={"reason": getattr(error, "token", "reverted")}) from error
    except errors.MarketsFetchFailed as error:
        raise errors.OrdersFetchFailed(details=error.details) from error
    resting = [
        {**describe_resting(order), **_name(by_pair.get(order.order.pair_id)), "status": "open", "action": "open"}
        for order in scan.resting
    ]
    pending = [
        {**_describe_waiting(number, order), **_name(by_pair.get(order.trade.pair_id))}
        for number, order in scan.pending
    ]
    return {"network": network, "traderAddress": trader, "orders": resting + pending, "asOfBlock": scan.block}


def list_history(*, network: Network, trader: Address, limit: int) -> dict[str, Any]:
    """The trader's last ended price requests, newest first, as the index has them at one L2 block.

    Refused with HistoryFetchFailed when the index does not answer.
    """
    try:
        by_pair = {market.pair_id: market for market in markets.list_markets(network=network).markets}
        rows = composition.subgraph(network).history(trader, limit)
    except GatewayError as error:
        raise errors.HistoryFetchFailed(details={"reason": error.token}) from error
    except errors.MarketsFetchFailed as error:
        raise errors.HistoryFetchFailed(details=error.details) from error
    # The index orders by seconds alone, in which several orders may end.
    ordered = sorted(rows, key=lambda row: (row.executed_at or 0, row.id), reverse=True)
    history = [{**describe_row(row), **_name(by_pair.get(row.pair_id))} for row in ordered]
    return {"network": network, "traderAddress": trader, "history": history, "asOfBlock": rows.block}


def _describe_waiting(number: int, pending: PendingMarketOrder) -> dict[str, Any]:
    """A market order in the shape of a resting one; the contract keeps only the slot of a close."""
    trade, is_close = pending.trade, pending.percentage != 0
    return {
        "orderId": str(number),
        "pairId": trade.pair_id,
        "tradeIndex": trade.index if is_close else None,
        "side": None if is_close else "long" if trade.is_long else "short",
        "orderType": "market",
        "triggerPrice": units_string(pending.wanted_price, PRICE_DECIMALS),
        "collateral": None if is_close else units_string(trade.collateral, USDC_DECIMALS),
        "leverage": None if is_close else units_string(trade.leverage, LEVERAGE_DECIMALS),
        "slPrice": units_string(trade.stop_loss, PRICE_DECIMALS) if trade.stop_loss else None,
        "tpPrice": units_string(trade.take_profit, PRICE_DECIMALS) if trade.take_profit else None,
        "createdAt": None,
        "status": "pending",
        "action": "close" if is_close else "open",
    }


def _name(market: Market | None) -> dict[str, Any]:
    """A pair that the venue no longer lists has no name."""
    return {"market": market.symbol if market else None, "pair": market.pair if market else None}

"""What can be traded, and at what price: the venue's index and its price feed, joined."""

import time
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from weakref import WeakKeyDictionary

from markets.cache import CachedRead
from markets.catalogue import Market, build_markets, find_market, find_pair, find_quoted
from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.ostium_prices import Price, PriceList
from ostium_service.gateways.ostium_subgraph import OstiumSubgraph
from ostium_service.http import errors
from ostium_service.money import PRICE_DECIMALS, to_units
from ostium_service.parallel import gather
from ostium_service.types import Network, PriceUnits

FRESH_SECONDS = 3.0
"""How old the list of markets may be; it changes when the venue lists a pair or open interest moves."""

USABLE_SECONDS = 300.0
"""For how long the last list serves when the index is down; every rule in it is checked again on chain."""

MAX_PRICE_AGE_SECONDS = 10
"""A quote older than this is never traded on."""


@dataclass(frozen=True, eq=False)
class MarketList:
    """All markets and what holds for each of them; the liquidation margin in plain percent. Compared by identity."""

    markets: tuple[Market, ...]
    is_paused: bool
    liquidation_margin_percent: int
    block: int | None
    """The L2 block that the index says it is as of; None when it does not say."""


_lock = Lock()
_lists: WeakKeyDictionary[OstiumSubgraph, CachedRead[MarketList]] = WeakKeyDictionary()


def list_markets(*, network: Network) -> MarketList:
    """Every market of the network, at most a few seconds old. MarketsFetchFailed when the index does not answer."""
    try:
        return _held_list(network).get()
    except GatewayError as error:
        raise errors.MarketsFetchFailed(details={"reason": error.token}) from error


def resolve_market(*, network: Network, market: str | int) -> Market:
    """The market that a caller names by any of its names or its pair id.

    InvalidMarket when none has it, AmbiguousMarket when several do, MarketsFetchFailed when the index is down.
    """
    markets = list_markets(network=network).markets
    return find_pair(markets, market) if isinstance(market, int) else find_market(markets, market)


def fetch_prices(*, network: Network) -> PriceList:
    """The newest price list, at most about a second old. PriceFetchFailed when the feed does not answer."""
    try:
        return composition.prices(network).latest()
    except GatewayError as error:
        raise errors.PriceFetchFailed(details={"reason": error.token}) from error


def check_tradable(*, prices: PriceList, market: Market, is_day_trade: bool = False) -> Price:
    """The market's quote if it may be traded on now.

    PriceFetchFailed when the list has none, MarketClosed, PriceStale for one that is unusable or older than ten
    seconds (a closed market's quote is always old, so that is asked first), DayTradeClosed for a day trade outside its
    window.
    """
    price = find_price(prices=prices, market=market)
    if not price.valid:
        raise errors.PriceStale(details={"reason": "invalid_price"})
    if not price.is_market_open:
        raise errors.MarketClosed(details={"market": market.symbol})
    if compute_age(price) > MAX_PRICE_AGE_SECONDS:
        raise errors.PriceStale(details={"ageSeconds": compute_age(price)})
    if is_day_trade and price.is_day_trading_closed:
        raise errors.DayTradeClosed(details={"market": market.symbol})
    return price


def read_markets_and_prices(*, network: Network) -> tuple[MarketList, PriceList]:
    """Both lists, fetched at once when neither is held. MarketsFetchFailed, PriceFetchFailed."""
    held = _held_list(network).peek()
    if held is not None:
        return held, fetch_prices(network=network)
    return gather(lambda: list_markets(network=network), lambda: fetch_prices(network=network))


def read_quote(*, network: Network, market: str | None, base: str | None, quote: str) -> tuple[Market, Price]:
    """A market and its quote of any age, by the market's name or by base and quote.

    Refused with InvalidMarket, AmbiguousMarket, MarketsFetchFailed, PriceFetchFailed, or PriceStale for an unusable
    quote.
    """
    listing, prices = read_markets_and_prices(network=network)
    found = (
        find_market(listing.markets, market) if market is not None else find_quoted(listing.markets, base or "", quote)
    )
    price = find_price(prices=prices, market=found)
    if not price.valid:
        raise errors.PriceStale(details={"reason": "invalid_price"})
    return found, price


def find_price(*, prices: PriceList, market: Market) -> Price:
    """The market's quote, of any age. PriceFetchFailed when the list has none."""
    price = prices.get(market.row.base, market.row.quote)
    if price is None:
        raise errors.PriceFetchFailed(details={"reason": "no_quote"})
    return price


def compute_age(price: Price) -> int:
    """Whole seconds since the quote was made, not below zero."""
    return max(int(time.time()) - price.timestamp, 0)


def scale_quote(price: Decimal) -> PriceUnits:
    """A quote x 1e18; exact, since the feed's numbers have at most 18 fraction digits."""
    return PriceUnits(to_units(price, PRICE_DECIMALS))


def _held_list(network: Network) -> CachedRead[MarketList]:
    subgraph = composition.subgraph(network)
    with _lock:
        held = _lists.get(subgraph)
        if held is None:
            held = _lists[subgraph] = _hold_list(network)
        return held


def _hold_list(network: Network) -> CachedRead[MarketList]:
    """A reader that asks composition each time, so that it holds no reference to the client it is filed under."""
    return CachedRead(lambda: _read_list(network), fresh_seconds=FRESH_SECONDS, usable_seconds=USABLE_SECONDS)


def _read_list(network: Network) -> MarketList:
    data = composition.subgraph(network).market_data()
    return MarketList(
        markets=build_markets(data.pairs),
        is_paused=data.trading_paused,
        liquidation_margin_percent=data.liquidation_margin_percent,
        block=data.block,
    )

"""The list of markets and finding one in it. Pure.

Scales as the chain's: prices x 1e18, USDC x 1e6, leverage x 100, fees 1e6 for one percent, open interest in
base units x 1e18.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ostium_service.gateways.ostium_subgraph import PairRow
from ostium_service.http import errors
from ostium_service.types import LeverageUnits

PAIR_ID_DIGITS = 5
"""A pair id is a uint16: longer digits name no pair."""


@dataclass(frozen=True, slots=True)
class Market:
    """A listed pair. `symbol` is unique: the base alone when only one pair has it, else BASE/QUOTE."""

    row: PairRow
    symbol: str

    @property
    def pair_id(self) -> int:
        """The venue's number of the pair."""
        return self.row.id

    @property
    def pair(self) -> str:
        """BASE/QUOTE."""
        return f"{self.row.base}/{self.row.quote}"

    @property
    def max_leverage(self) -> LeverageUnits:
        """The day maximum: the pair's own, or the group's when the pair has none (facts 6, pitfall 33)."""
        return LeverageUnits(self.row.max_leverage or self.row.group.max_leverage)

    @property
    def min_leverage(self) -> LeverageUnits:
        """The group's minimum."""
        return LeverageUnits(self.row.group.min_leverage)

    def effective_max_leverage(self, *, is_day_trade: bool) -> LeverageUnits:
        """What an order may use: the overnight maximum, where there is one, unless it is a day trade (facts 2.3)."""
        if self.row.overnight_max_leverage and not is_day_trade:
            return LeverageUnits(self.row.overnight_max_leverage)
        return self.max_leverage


def build_markets(rows: Iterable[PairRow]) -> tuple[Market, ...]:
    """Markets in order of pair id, each with its unique symbol."""
    ordered = sorted(rows, key=lambda row: row.id)
    bases = Counter(row.base for row in ordered)
    return tuple(
        Market(row=row, symbol=row.base if bases[row.base] == 1 else f"{row.base}/{row.quote}") for row in ordered
    )


def find_market(markets: Iterable[Market], text: str) -> Market:
    """The market that `text` names: BTC/USD, BTC-USD, BTCUSD, a pair id, or a base that only one pair has; any case.

    Refused with InvalidMarket for no pair and AmbiguousMarket, naming the candidates, for several.
    """
    listed = tuple(markets)
    wanted = text.strip().upper()
    if wanted.isascii() and wanted.isdigit():
        return find_pair(listed, int(wanted) if len(wanted) <= PAIR_ID_DIGITS else -1)
    exact = [market for market in listed if wanted in _full_names(market)]
    found = exact or [market for market in listed if market.row.base.upper() == wanted]
    if not found:
        raise errors.InvalidMarket(details={"reason": "unknown_market"})
    if len(found) > 1:
        raise errors.AmbiguousMarket(details={"candidates": [market.pair for market in found]})
    return found[0]


def find_quoted(markets: Iterable[Market], base: str, quote: str) -> Market:
    """The market of a base and a quote. A base that is itself a market's full name or pair id is taken as that name:
    callers put what they know of a market there, and a quote of USD beside it.

    Refused with InvalidMarket, naming the base's markets in other quotes where there are any.
    """
    listed = tuple(markets)
    wanted = base.strip().upper()
    pair = f"{wanted}/{quote.strip().upper()}"
    for market in listed:
        if market.pair.upper() == pair:
            return market
    if wanted.isdigit() or any(wanted in _full_names(market) for market in listed):
        return find_market(listed, base)
    others = [market.pair for market in listed if market.row.base.upper() == wanted]
    raise errors.InvalidMarket(details={"reason": "unknown_market", **({"candidates": others} if others else {})})


def find_pair(markets: Iterable[Market], pair_id: int) -> Market:
    """The market with the number; InvalidMarket when the venue lists none."""
    for market in markets:
        if market.pair_id == pair_id:
            return market
    raise errors.InvalidMarket(details={"reason": "unknown_pair"})


def _full_names(market: Market) -> tuple[str, str, str]:
    base, quote = market.row.base.upper(), market.row.quote.upper()
    return f"{base}/{quote}", f"{base}-{quote}", f"{base}{quote}"

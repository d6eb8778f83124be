"""The price script: what the sandbox's oracle, keeper and feed believe right now, all of it settable.

Default prices are mid prices of 16 January 2026 (pair table of the protocol notes); spreads are of usual size.
"""

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

PRICE_DECIMALS = 18
BASIS_POINT = Decimal("0.0001")
NOT_APPLICABLE = -1
"""`secondsToToggleIsDayTradingClosed` of an instrument without day trading."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A price feed; `pair_id` is None for a feed that is in the list but not a listed pair."""

    pair_id: int | None
    base: str
    quote: str
    feed_id: str
    is_stock: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """One instrument's state. Prices in quote currency, unscaled; `timestamp` in unix seconds."""

    instrument: Instrument
    bid: Decimal
    mid: Decimal
    ask: Decimal
    is_market_open: bool
    is_day_trading_closed: bool
    timestamp: int

    def scaled(self) -> tuple[int, int, int]:
        """(mid, bid, ask) x 1e18, as the oracle report carries them."""
        return scale_price(self.mid), scale_price(self.bid), scale_price(self.ask)


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """What is set for one instrument. `timestamp` None means: fresh at every look."""

    mid: Decimal
    half_spread: Decimal
    is_market_open: bool = True
    is_day_trading_closed: bool = False
    timestamp: int | None = None
    omitted: tuple[str, ...] = ()


# (pair id, base, quote, is a stock, mid, half spread)
DEFAULTS: tuple[tuple[int | None, str, str, bool, str, str], ...] = (
    (0, "BTC", "USD", False, "95687.1", "1.5"),
    (1, "ETH", "USD", False, "3314.92", "0.08"),
    (2, "EUR", "USD", False, "1.16138", "0.00003"),
    (4, "USD", "JPY", False, "158.298", "0.006"),
    (5, "XAU", "USD", False, "4610.52", "0.15"),
    (8, "XAG", "USD", False, "90.9149", "0.012"),
    (13, "NIK", "JPY", False, "54023.3", "4"),
    (16, "USD", "CAD", False, "1.38941", "0.00004"),
    (18, "NVDA", "USD", True, "187.005", "0.02"),
    (31, "COIN", "USD", True, "239.28", "0.05"),
    (38, "BNB", "USD", False, "935.457", "0.03"),
    (None, "BABA", "USD", True, "165.44", "0.04"),
    (None, "BYD", "USD", True, "12.61", "0.02"),
)


def default_feed_id(*, base: str, quote: str) -> str:
    """A feed id for an instrument whose pair the chain does not name: stable, made from the symbol."""
    return "0x" + hashlib.sha256(f"{base}/{quote}".encode()).hexdigest()


def scale_price(value: Decimal) -> int:
    """Quote currency to integer x 1e18; ValueError for more than 18 fraction digits."""
    scaled = value.scaleb(PRICE_DECIMALS)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more than {PRICE_DECIMALS} fraction digits")
    return int(scaled)


class PriceScript:
    """Prices by (base, quote); safe to change from one thread while others read.

    `drift_bp` makes every look move the mid price by at most that many basis points around the scripted price, by a
    seeded generator; it is off (0) by default so that tests settle at exactly what they set.
    """

    def __init__(self, *, feed_ids: dict[int, str] | None = None, now: Callable[[], float] = time.time) -> None:
        """`feed_ids` maps pair ids to the feeds the chain names; missing ones get a made-up id."""
        self._lock = threading.Lock()
        self._now = now
        self._drift = Decimal(0)
        self._random = random.Random(0)  # noqa: S311 - a price walk for tests, not a secret
        self._instruments: dict[tuple[str, str], Instrument] = {}
        self._lines: dict[tuple[str, str], ScriptLine] = {}
        for pair_id, base, quote, is_stock, mid, half_spread in DEFAULTS:
            known = (feed_ids or {}).get(pair_id) if pair_id is not None else None
            feed_id = known or default_feed_id(base=base, quote=quote)
            self._instruments[base, quote] = Instrument(pair_id, base, quote, feed_id, is_stock)
            self._lines[base, quote] = ScriptLine(mid=Decimal(mid), half_spread=Decimal(half_spread))
        self._initial = dict(self._lines)

    def reset(self) -> None:
        """Back to the default prices, open markets, fresh timestamps and no drift."""
        with self._lock:
            self._lines = dict(self._initial)
            self._drift = Decimal(0)

    def set_drift(self, *, drift_bp: Decimal, seed: int = 0) -> None:
        """Let prices wander by at most `drift_bp` basis points; 0 switches it off."""
        with self._lock:
            self._drift = drift_bp * BASIS_POINT
            self._random = random.Random(seed)  # noqa: S311 - see above

    def set_price(self, *, pair_id: int, mid: Decimal, half_spread: Decimal | None = None) -> None:
        """A new mid price and, if given, half spread; KeyError for an unknown pair, ValueError for a price <= 0."""
        if mid <= 0 or (half_spread is not None and not 0 <= half_spread < mid):
            raise ValueError("a price and its bid must be above zero")
        self._change(pair_ids=[pair_id], values={"mid": mid})
        if half_spread is not None:
            self._change(pair_ids=[pair_id], values={"half_spread": half_spread})

    def set_market(self, *, pair_ids: Sequence[int] | None, is_open: bool) -> None:
        """Open or close markets (all with None)."""
        self._change(pair_ids=pair_ids, values={"is_market_open": is_open})

    def set_day_trading(self, *, pair_ids: Sequence[int] | None, is_closed: bool) -> None:
        """Close or open the day-trade window of the stocks among these pairs (all with None)."""
        self._change(pair_ids=pair_ids, values={"is_day_trading_closed": is_closed}, stocks_only=True)

    def set_timestamp(self, *, pair_ids: Sequence[int] | None, timestamp: int | None) -> None:
        """Freeze the quotes' time (unix seconds), or let it be fresh again with None."""
        self._change(pair_ids=pair_ids, values={"timestamp": timestamp})

    def omit_fields(self, *, pair_ids: Sequence[int] | None, names: Iterable[str]) -> None:
        """Leave these keys out of the feed's rows, as a broken upstream would; none puts them back."""
        self._change(pair_ids=pair_ids, values={"omitted": tuple(names)})

    def quotes(self) -> list[Quote]:
        """Every instrument's quote, pairs first in order of their id."""
        with self._lock:
            return [self._quote(key) for key in self._lines]

    def quote_of(self, pair_id: int) -> Quote:
        """One pair's quote; KeyError for an unknown pair."""
        with self._lock:
            return self._quote(self._key_of(pair_id))

    def quote_for_feed(self, feed_id: str) -> Quote:
        """The quote of a feed id (0x + 64 lower-case hex); KeyError when nobody has it."""
        with self._lock:
            for key, instrument in self._instruments.items():
                if instrument.feed_id == feed_id:
                    return self._quote(key)
        raise KeyError(feed_id)

    def render_feed(self) -> bytes:
        """The feed's JSON: an array of rows with ten keys each. Prices are numbers, written without any float."""
        with self._lock:
            rows = [render_row(self._quote(key), omitted=self._lines[key].omitted) for key in self._lines]
        return ("[" + ",".join(rows) + "]").encode()

    def _key_of(self, pair_id: int) -> tuple[str, str]:
        for key, instrument in self._instruments.items():
            if instrument.pair_id == pair_id:
                return key
        raise KeyError(pair_id)

    def _change(self, *, pair_ids: Sequence[int] | None, values: Mapping[str, Any], stocks_only: bool = False) -> None:
        with self._lock:
            keys = list(self._lines) if pair_ids is None else [self._key_of(pair_id) for pair_id in pair_ids]
            for key in keys:
                if self._instruments[key].is_stock or not stocks_only:
                    self._lines[key] = replace(self._lines[key], **values)

    def _quote(self, key: tuple[str, str]) -> Quote:
        line = self._lines[key]
        mid = line.mid
        if self._drift:
            step = Decimal(self._random.randint(-1000, 1000)) / 1000
            mid = (mid * (1 + step * self._drift)).quantize(line.mid, rounding=ROUND_HALF_EVEN)
        return Quote(
            instrument=self._instruments[key],
            bid=mid - line.half_spread,
            mid=mid,
            ask=mid + line.half_spread,
            is_market_open=line.is_market_open,
            is_day_trading_closed=line.is_day_trading_closed,
            timestamp=int(self._now()) if line.timestamp is None else line.timestamp,
        )


def render_row(quote: Quote, *, omitted: Sequence[str] = ()) -> str:
    """One row of the feed as JSON text."""
    toggle = 1 if quote.is_day_trading_closed else NOT_APPLICABLE
    parts = {
        "feed_id": json.dumps(quote.instrument.feed_id),
        "bid": format(quote.bid, "f"),
        "mid": format(quote.mid, "f"),
        "ask": format(quote.ask, "f"),
        "isMarketOpen": json.dumps(quote.is_market_open),
        "isDayTradingClosed": json.dumps(quote.is_day_trading_closed),
        "secondsToToggleIsDayTradingClosed": str(toggle),
        "from": json.dumps(quote.instrument.base),
        "to": json.dumps(quote.instrument.quote),
        "timestampSeconds": str(quote.timestamp),
    }
    return "{" + ",".join(f'"{name}":{text}' for name, text in parts.items() if name not in omitted) + "}"

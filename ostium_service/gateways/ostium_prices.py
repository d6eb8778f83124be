"""The venue's price list: fetched once for everybody, exact decimals from the JSON text, freshness kept."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import structlog

from ostium_service.gateways.failures import BadAnswer, GatewayError, System
from ostium_service.gateways.http_client import HttpClient, require_ok
from ostium_service.gateways.json_text import parse_json
from ostium_service.gateways.resilience import Guard, OnCall, Policy, ignore_call

logger = structlog.get_logger(__name__)

LIST_PATH = "/PricePublish/latest-prices"
LARGEST_ANSWER = 2 * 1024 * 1024
FRESH_SECONDS = 1.0
"""At most one request in this time, whatever its outcome."""
SHARED_SECONDS = 3.0
"""While somebody else fetches, a list this young is good enough to be used at once."""
KEPT_SECONDS = 10.0
"""When the feed fails, the last list is handed out (as stale) for this long."""
FUTURE_SECONDS = 5
"""A quote further ahead of our clock is invalid."""
JUMP_FACTOR = 10
JUMP_SECONDS = 60
"""A mid ten times off the last valid one of the last minute is a broken feed until it has lasted that long."""
LARGEST_PRICE = Decimal(10) ** 12
_STEP = Decimal(1).scaleb(-18)
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_ZERO = Decimal(0)
_MID_TOLERANCE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Price:
    """One quote in the quote currency, at most 18 fraction digits; `timestamp` in Unix seconds.

    `valid` is false for anything that must not be traded on at any age: not above zero, bid above ask, from the future,
    a jump. Unusable numbers are zero. A stock's day-trade window counts as closed unless the feed says it is open.
    """

    base: str
    quote: str
    bid: Decimal
    mid: Decimal
    ask: Decimal
    is_market_open: bool
    is_day_trading_closed: bool
    timestamp: int
    valid: bool = True


@dataclass(frozen=True, slots=True)
class PriceList:
    """All quotes of one answer; `fetched_at` in Unix seconds, `stale` when the feed failed since."""

    prices: Mapping[tuple[str, str], Price]
    fetched_at: float
    stale: bool = False

    def get(self, base: str, quote: str) -> Price | None:
        """The quote of a pair by its feed names, None when the list has none."""
        return self.prices.get((base, quote))


class OstiumPrices:
    """The price service. Shared by all threads of a process; the list is the same for both networks."""

    def __init__(
        self,
        url: str,
        *,
        policy: Policy | None = None,
        on_call: OnCall = ignore_call,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        policy = policy or Policy(read_seconds=2.0, total_seconds=4.0, attempts=2)
        self._http = HttpClient(
            system=System.PRICES, url=url.rstrip("/") + LIST_PATH, policy=policy, max_bytes=LARGEST_ANSWER
        )
        self._guard = Guard(system=System.PRICES, policy=policy, on_call=on_call)
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: PriceList | None = None
        self._last_at = float("-inf")
        self._believed: dict[tuple[str, str], Price] = {}
        self._failure: GatewayError | None = None
        self._asked_at = float("-inf")

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def latest(self) -> PriceList:
        """The newest list, at most about a second old while the feed answers.

        One caller fetches, the others wait for it or take a list that is still young. When the feed fails, the last
        list for ten seconds more, marked stale, then Unreachable, BadAnswer or Refused.
        """
        if not self._lock.acquire(blocking=False):
            last = self._last
            if last is not None and self._monotonic() - self._last_at < SHARED_SECONDS:
                return last
            self._lock.acquire()
        try:
            if self._monotonic() - self._asked_at >= FRESH_SECONDS:
                self._refresh()
            return self._current()
        finally:
            self._lock.release()

    def _refresh(self) -> None:
        self._asked_at = self._monotonic()
        try:
            rows = self._guard.read("latest_prices", self._fetch)
        except GatewayError as failure:
            self._failure = failure
            return
        now = self._clock()
        found = (check_jump(parse_price(row, now=now), self._believed) for row in rows)
        self._last = PriceList(index_prices(price for price in found if price is not None), fetched_at=now)
        # Kept apart from the list: an odd price in it must not become what the next one is judged by.
        self._believed |= {pair: price for pair, price in self._last.prices.items() if price.valid}
        self._last_at = self._monotonic()
        self._failure = None

    def _current(self) -> PriceList:
        if self._failure is None and self._last is not None:
            return self._last
        if self._last is not None and self._monotonic() - self._last_at < KEPT_SECONDS:
            return replace(self._last, stale=True)
        raise self._failure or BadAnswer(System.PRICES, "empty")

    def _fetch(self, seconds: float) -> list[Any]:
        body = require_ok(System.PRICES, self._http.get(seconds=seconds))
        try:
            rows = parse_json(body)
        except ValueError:
            raise BadAnswer(System.PRICES, "json") from None
        if not isinstance(rows, list) or not rows:
            raise BadAnswer(System.PRICES, "shape")
        return rows


def parse_price(row: object, *, now: float) -> Price | None:
    """A quote from one row of the list; None for a row that does not name its pair."""
    if not isinstance(row, dict):
        return None
    base, quote, timestamp = row.get("from"), row.get("to"), row.get("timestampSeconds")
    if not (isinstance(base, str) and isinstance(quote, str) and base and quote):
        return None
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        timestamp = 0
    bid, mid, ask = (parse_number(row.get(name)) for name in ("bid", "mid", "ask"))
    slack = mid * _MID_TOLERANCE
    ordered = _ZERO < bid <= ask and bid - slack <= mid <= ask + slack
    return Price(
        base=base,
        quote=quote,
        bid=bid,
        mid=mid,
        ask=ask,
        is_market_open=row.get("isMarketOpen") is True,
        is_day_trading_closed=row.get("isDayTradingClosed") is not False,
        timestamp=timestamp,
        valid=ordered and 0 < timestamp <= now + FUTURE_SECONDS,
    )


def parse_number(value: object) -> Decimal:
    """A price of the chain's resolution (18 fraction digits, half-even); zero for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return _ZERO
    number = Decimal(value)
    if not number.is_finite() or not _STEP <= number <= LARGEST_PRICE:
        return _ZERO
    exponent = number.as_tuple().exponent
    return number.quantize(_STEP, context=_WIDE) if isinstance(exponent, int) and exponent < -18 else number


def check_jump(price: Price | None, known: Mapping[tuple[str, str], Price]) -> Price | None:
    """The price, invalid when its mid is ten times off the last valid one of the last minute."""
    last = known.get((price.base, price.quote)) if price else None
    if price is None or last is None or not (price.valid and last.valid):
        return price
    near = last.mid < price.mid * JUMP_FACTOR and price.mid < last.mid * JUMP_FACTOR
    return price if near or price.timestamp - last.timestamp > JUMP_SECONDS else replace(price, valid=False)


def index_prices(prices: Iterable[Price]) -> dict[tuple[str, str], Price]:
    """By pair; of two quotes for one pair the newer."""
    indexed: dict[tuple[str, str], Price] = {}
    for price in prices:
        other = indexed.get((price.base, price.quote))
        if other is None or price.timestamp > other.timestamp:
            indexed[price.base, price.quote] = price
    return indexed

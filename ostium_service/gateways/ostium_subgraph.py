"""The venue's subgraph: our own GraphQL documents, strict rows, whole lists.

It lags the chain by ten seconds and more: good for browsing, never for settlement.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from ostium_service.gateways.failures import BadAnswer, System
from ostium_service.gateways.http_client import HttpClient, require_ok
from ostium_service.gateways.json_text import parse_json
from ostium_service.gateways.resilience import Guard, OnCall, Policy, ignore_call
from ostium_service.gateways.subgraph_parsing import (
    ORDER_OPTIONAL_INTEGERS,
    PAIR_INTEGERS,
    Fields,
    bad_row,
    parse_limit,
    parse_order,
    parse_pair,
    parse_trade,
)
from ostium_service.gateways.subgraph_rows import GroupRow, LimitRow, OrderRow, PairRow, TradeRow
from ostium_service.types import Address

__all__ = [
    "GroupRow",
    "LimitRow",
    "MarketData",
    "OrderRow",
    "OstiumSubgraph",
    "PairRow",
    "Rows",
    "TradeRow",
]

logger = structlog.get_logger(__name__)
T = TypeVar("T")

LARGEST_ANSWER = 8 * 1024 * 1024
PAGE = 1000
"""The most rows that the index hands out at once."""
MOST_PAGES = 50
GRAPHQL_ERRORS = "graphql_errors"

_META = "_meta { block { number } hasIndexingErrors }"
_PAIR = (
    "id from to feed isNegativeRolloverAllowed group { id name minLeverage maxLeverage } fee { minLevPos oracleFee } "
    + " ".join(PAIR_INTEGERS.values())
)
_TRADE = (
    "id tradeID trader index isOpen isBuy isDayTrade collateral notional tradeNotional leverage highestLeverage "
    "openPrice closePrice takeProfitPrice stopLossPrice funding rollover timestamp pair { id }"
)
_LIMIT = (
    "id uniqueId trader isActive isBuy isDayTrade limitType collateral leverage openPrice takeProfitPrice "
    "stopLossPrice initiatedAt pair { id }"
)
_ORDER = (
    "id limitID trader orderType orderAction isBuy isPending isCancelled cancelReason collateral notional "
    "tradeNotional leverage initiatedAt initiatedTx executedTx pair { id } "
) + " ".join(ORDER_OPTIONAL_INTEGERS.values())
_META_DATA = "metaDatas(first: 1) { liqMarginThresholdP isTradingPaused }"


class Rows(list[T]):
    """A whole list and the L2 block it is as of; None when the index did not say."""

    block: int | None = None


@dataclass(frozen=True, slots=True)
class MarketData:
    """All pairs by ascending id, and what holds for every market; the margin in plain percent."""

    pairs: tuple[PairRow, ...]
    trading_paused: bool
    liquidation_margin_percent: int
    block: int | None


class OstiumSubgraph:
    """One network's index. Raises Unreachable, BadAnswer (GraphQL errors, indexing errors, odd rows) and Refused."""

    def __init__(self, url: str, *, policy: Policy | None = None, on_call: OnCall = ignore_call) -> None:
        policy = policy or Policy(read_seconds=4.0, attempts=2)
        self._http = HttpClient(system=System.SUBGRAPH, url=url, policy=policy, max_bytes=LARGEST_ANSWER)
        self._guard = Guard(system=System.SUBGRAPH, policy=policy, on_call=on_call)
        self._has_meta = True

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def market_data(self) -> MarketData:
        """Pairs and the market-wide values in one request.

        A single odd pair is left out and logged, so that it does not close every other market.
        """
        body = f"pairs(first: {PAGE}, orderBy: id) {{ {_PAIR} }} {_META_DATA}"
        data, block = self._query("market_data", "query Markets", body, {})
        values = Fields(_first(data.get("metaDatas")))
        return MarketData(
            pairs=tuple(sorted(_parse_pairs(_list(data.get("pairs"))), key=lambda pair: pair.id)),
            trading_paused=values.flag("isTradingPaused"),
            liquidation_margin_percent=values.integer("liqMarginThresholdP"),
            block=block,
        )

    def pairs(self) -> list[PairRow]:
        """All pairs by ascending id."""
        return list(self.market_data().pairs)

    def liquidation_margin_percent(self) -> int:
        """The share of collateral, in plain percent at maximum leverage, below which a position is liquidated."""
        return self.market_data().liquidation_margin_percent

    def open_trades(self, trader: Address) -> Rows[TradeRow]:
        """All open positions of a trader, by id."""
        return self._pages("open_trades", "trades", _TRADE, "isOpen: true", trader, parse_trade)

    def limits(self, trader: Address) -> Rows[LimitRow]:
        """All resting orders of a trader, by id."""
        return self._pages("limits", "limits", _LIMIT, "isActive: true", trader, parse_limit)

    def history(self, trader: Address, limit: int) -> Rows[OrderRow]:
        """The trader's last `limit` ended price requests, newest first; at most 1000."""
        body = (
            "orders(first: $first, where: {trader: $trader, isPending: false}, orderBy: executedAt, "
            f"orderDirection: desc) {{ {_ORDER} }}"
        )
        variables = {"trader": trader.lower(), "first": min(limit, PAGE)}
        data, block = self._query("history", "query History($trader: Bytes!, $first: Int!)", body, variables)
        rows = Rows(map(parse_order, _list(data.get("orders"))))
        rows.block = block
        return rows

    def order(self, order_id: int) -> OrderRow | None:
        """A price request by its number, None while the index does not have it."""
        return self._one("order", _ORDER, str(order_id), parse_order)

    def trade(self, trade_id: int) -> TradeRow | None:
        """A position, open or closed, by its unique number; None while the index does not have it."""
        return self._one("trade", _TRADE, str(trade_id), parse_trade)

    def limit(self, trader: Address, pair_id: int, index: int) -> LimitRow | None:
        """The last limit or stop order of a slot, resting or ended; None while the index has none."""
        return self._one("limit", _LIMIT, f"{trader.lower()}_{pair_id}_{index}", parse_limit)

    def limit_by_number(self, number: int) -> LimitRow | None:
        """A limit or stop order by the contract's counter, as long as its slot has not been used again."""
        body = f"limits(first: 1, where: {{uniqueId: $number}}) {{ {_LIMIT} }}"
        data, _ = self._query("limit", "query Numbered($number: BigInt!)", body, {"number": str(number)})
        row = _first(data.get("limits"))
        return None if row is None else parse_limit(row)

    def _one(self, entity: str, fields: str, identity: str, parse: Callable[[object], T]) -> T | None:
        body = f"{entity}(id: $id) {{ {fields} }}"
        data, _ = self._query(entity, "query One($id: ID!)", body, {"id": identity})
        row = data.get(entity)
        return None if row is None else parse(row)

    def _pages(
        self,
        operation: str,
        entity: str,
        fields: str,
        condition: str,
        trader: Address,
        parse: Callable[[object], T],
    ) -> Rows[T]:
        """Every row, paged by id: rows that come or go meanwhile cannot shift a page as they would with `skip`.

        The block is the first page's, the oldest.
        """
        head = "query Page($trader: Bytes!, $after: ID!)"
        where = f"{{trader: $trader, {condition}, id_gt: $after}}"
        body = f"{entity}(first: {PAGE}, where: {where}, orderBy: id, orderDirection: asc) {{ {fields} }}"
        rows: Rows[T] = Rows()
        after = ""
        for number in range(MOST_PAGES):
            data, block = self._query(operation, head, body, {"trader": trader.lower(), "after": after})
            page = _list(data.get(entity))
            rows.extend(map(parse, page))
            rows.block = block if number == 0 else rows.block
            if len(page) < PAGE:
                return rows
            after = Fields(page[-1]).text("id")
        raise BadAnswer(System.SUBGRAPH, "too_many_rows")

    def _query(
        self, operation: str, head: str, body: str, variables: Mapping[str, object]
    ) -> tuple[Mapping[str, Any], int | None]:
        """The `data` of one document and the block it is as of.

        An index without `_meta` answers with errors; it is then asked without, once, and from then on if that helped.
        """
        try:
            return self._ask(operation, head, body, variables, with_meta=self._has_meta)
        except BadAnswer as failure:
            if failure.token != GRAPHQL_ERRORS or not self._has_meta:
                raise
        answer = self._ask(operation, head, body, variables, with_meta=False)
        self._has_meta = False
        return answer

    def _ask(
        self, operation: str, head: str, body: str, variables: Mapping[str, object], *, with_meta: bool
    ) -> tuple[Mapping[str, Any], int | None]:
        query = f"{head} {{ {body} {_META if with_meta else ''} }}"
        payload = json.dumps({"query": query, "variables": dict(variables)}).encode()

        def attempt(seconds: float) -> tuple[Mapping[str, Any], int | None]:
            answer = require_ok(System.SUBGRAPH, self._http.post(payload, seconds=seconds))
            data = _parse_data(answer)
            return data, _parse_meta(data.get("_meta"))

        return self._guard.read(operation, attempt)


def _parse_data(body: bytes) -> Mapping[str, Any]:
    """`data` of a GraphQL answer; errors beside data make the whole answer bad, since fields may be missing."""
    try:
        answer = parse_json(body)
    except ValueError:
        raise BadAnswer(System.SUBGRAPH, "json") from None
    if not isinstance(answer, dict):
        raise BadAnswer(System.SUBGRAPH, "shape")
    if answer.get("errors"):
        logger.warning("subgraph_errors", text=str(answer["errors"])[:300])
        raise BadAnswer(System.SUBGRAPH, GRAPHQL_ERRORS)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise BadAnswer(System.SUBGRAPH, "shape")
    return data


def _parse_meta(meta: object) -> int | None:
    if meta is None:
        return None
    fields = Fields(meta)
    if fields.flag("hasIndexingErrors"):
        raise BadAnswer(System.SUBGRAPH, "indexing_errors")
    return fields.inner("block").integer("number")


def _parse_pairs(rows: list[object]) -> list[PairRow]:
    pairs = []
    for row in rows:
        try:
            pairs.append(parse_pair(row))
        except BadAnswer:
            logger.error("subgraph_pair_dropped", row=str(row)[:300])
    if rows and not pairs:
        raise bad_row()
    return pairs


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise BadAnswer(System.SUBGRAPH, "shape")
    return value


def _first(value: object) -> object:
    rows = _list(value)
    return rows[0] if rows else None

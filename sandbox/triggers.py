"""Which resting orders and positions the current prices call for (section 3.5 of the protocol notes).

A pure reading of a snapshot and the script; liquidation uses the value rule of section 3.9 at the mid price.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sandbox.indexer import Snapshot
from sandbox.prices import Quote, scale_price

Row = Mapping[str, Any]
PERCENT = 100
ACCUMULATOR_ONE = 10**18


class TriggerKind(IntEnum):
    """The contract's trigger types that a keeper fires."""

    TAKE_PROFIT = 0
    STOP_LOSS = 1
    LIQUIDATION = 2
    OPEN = 3
    CLOSE_DAY_TRADE = 4


@dataclass(frozen=True, slots=True)
class Trigger:
    """One call of executeAutomationOrder, less its timestamp. `edition` tells a changed order from the one before."""

    kind: TriggerKind
    trader: str
    pair: int
    index: int
    edition: str


def find_triggers(*, snapshot: Snapshot, quotes: Mapping[str, Quote]) -> Iterator[Trigger]:
    """Everything that is due; nothing in a closed market, and at most one trigger a position."""
    busy = {(row["tradeID"], row["limitID"]) for row in snapshot.rows("Order").values() if row["isPending"]}
    busy_trades = {trade_id for trade_id, _ in busy if trade_id is not None}
    for limit in snapshot.rows("Limit").values():
        quote = quotes.get(limit["pair"])
        if not limit["isActive"] or limit["executionStarted"] or quote is None or not quote.is_market_open:
            continue
        if is_limit_due(limit=limit, quote=quote):
            yield to_trigger(row=limit, kind=TriggerKind.OPEN, edition=f"{limit['uniqueId']}-{limit['updatedAt']}")
    for trade in snapshot.rows("Trade").values():
        quote = quotes.get(trade["pair"])
        if not trade["isOpen"] or trade["tradeID"] in busy_trades or quote is None or not quote.is_market_open:
            continue
        kind = choose_close(trade=trade, quote=quote, snapshot=snapshot)
        if kind is not None:
            edition = f"{trade['tradeID']}-{trade['takeProfitPrice']}-{trade['stopLossPrice']}"
            yield to_trigger(row=trade, kind=kind, edition=edition)


def to_trigger(*, row: Row, kind: TriggerKind, edition: str) -> Trigger:
    """The trigger of a trade or limit row."""
    return Trigger(kind=kind, trader=row["trader"], pair=int(row["pair"]), index=row["index"], edition=edition)


def is_limit_due(*, limit: Row, quote: Quote) -> bool:
    """A limit wants ask (long) or bid (short) at its price or better; a stop wants mid at or through it."""
    mid, bid, ask = quote.scaled()
    target = limit["openPrice"]
    if limit["limitType"] == "Stop":
        return bool(mid >= target) if limit["isBuy"] else bool(mid <= target)
    return bool(ask <= target) if limit["isBuy"] else bool(bid >= target)


def choose_close(*, trade: Row, quote: Quote, snapshot: Snapshot) -> TriggerKind | None:
    """The one close that is due: liquidation first, then stop loss, take profit and the end of a day trade."""
    mid, bid, ask = quote.scaled()
    is_long, stop, target = trade["isBuy"], trade["stopLossPrice"], trade["takeProfitPrice"]
    if is_liquidatable(trade=trade, quote=quote, snapshot=snapshot):
        return TriggerKind.LIQUIDATION
    if stop and (mid <= stop if is_long else mid >= stop):
        return TriggerKind.STOP_LOSS
    if target and (bid >= target if is_long else ask <= target):
        return TriggerKind.TAKE_PROFIT
    if trade["isDayTrade"] and quote.is_day_trading_closed:
        return TriggerKind.CLOSE_DAY_TRADE
    return None


def is_liquidatable(*, trade: Row, quote: Quote, snapshot: Snapshot) -> bool:
    """Value at the mid price under the margin: collateral x threshold x leverage / effective maximum."""
    pair = snapshot.rows("Pair")[trade["pair"]]
    threshold = snapshot.rows("MetaData")["ostium"]["liqMarginThresholdP"]
    maximum = effective_maximum(pair=pair, group=snapshot.rows("Group")[pair["group"]], trade=trade)
    collateral, leverage = trade["collateral"], trade["leverage"]
    margin = collateral * threshold * leverage // maximum // PERCENT
    open_price, mid = trade["openPrice"], scale_price(quote.mid)
    move = mid - open_price if trade["isBuy"] else open_price - mid
    gain = collateral * move * leverage // open_price // PERCENT
    return bool(collateral + gain - accrued_rollover(trade=trade, pair=pair, block=snapshot.head.number) < margin)


def effective_maximum(*, pair: Row, group: Row, trade: Row) -> int:
    """The overnight maximum unless it is a day trade, else the pair's own, else its group's (leverage x 100)."""
    if pair["overnightMaxLeverage"] and not trade["isDayTrade"]:
        return int(pair["overnightMaxLeverage"])
    return int(pair["maxLeverage"] or group["maxLeverage"])


def accrued_rollover(*, trade: Row, pair: Row, block: int) -> int:
    """Rollover fee since the open, USDC 1e6 (section 3.8): accumulator difference x notional."""
    pure, premium = pair["lastRolloverLongPure"], pair["brokerPremium"]
    rate = (pure if trade["isBuy"] else -pure) + premium
    if rate < 0 and not pair["isNegativeRolloverAllowed"]:
        rate = 0
    now = pair["accRolloverLong" if trade["isBuy"] else "accRolloverShort"]
    now += rate * (block - pair["lastRolloverBlock"])
    size = trade["collateral"] * trade["leverage"]
    return int((now - trade["rollover"]) * size // ACCUMULATOR_ONE // PERCENT)

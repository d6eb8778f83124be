"""Pairs, groups, fees and the venue's switches for the index, read from storage."""

from collections.abc import Mapping
from typing import Any

from sandbox.node import Node, Read, read

Row = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Row]]

PAIR_READS = (
    ("pairsStorage", "pairs"),
    ("pairInfos", "pairOpeningFees"),
    ("pairInfos", "pairRolloverFeesV2"),
    ("tradingStorage", "getPairOpeningInterestInfo"),
)

NOT_KEPT: Row = {
    # Funding and the first rollover scheme are switched off at the venue: their state stands still.
    "curFundingLong": 0,
    "curFundingShort": 0,
    "curRollover": 0,
    "accRollover": 0,
    "lastRolloverBlock": 0,
    "rolloverFeePerBlock": 0,
    "accFundingLong": 0,
    "accFundingShort": 0,
    "lastFundingBlock": 0,
    "maxFundingFeePerBlock": 0,
    "lastFundingRate": 0,
    "hillInflectionPoint": 0,
    "hillPosScale": 92,
    "hillNegScale": 117,
    "springFactor": 96000000000000,
    "sFactorUpScaleP": 20000,
    "sFactorDownScaleP": 5000,
    # Dynamic spread is off (factor 0): fills are at bid and ask.
    "spreadP": 0,
    "buyVolume": 0,
    "sellVolume": 0,
    "decayRate": 0,
    "netVolThreshold": 0,
    "priceImpactK": 0,
    "lastUpdateTimestamp": 0,
}


def text_of(value: bytes) -> str:
    """A zero-padded ASCII bytes32 as text."""
    return value.rstrip(b"\0").decode()


def read_listed_pairs(*, node: Node, block: int | None = None) -> list[int]:
    """The listed pair ids. Ids have gaps, so every id below the count of a full list is asked for."""
    candidates = range(64)
    flags = node.read_many([read("pairsStorage", "isPairIndexListed", number) for number in candidates], block=block)
    return [number for number, listed in zip(candidates, flags, strict=True) if listed]


def read_feed_ids(*, node: Node) -> dict[int, str]:
    """Feed id (0x + 64 hex) by listed pair id."""
    listed = read_listed_pairs(node=node)
    feeds = node.read_many([read("pairsStorage", "pairFeed", number) for number in listed])
    return {number: "0x" + feed.hex() for number, feed in zip(listed, feeds, strict=True)}


def read_pairs(*, node: Node, block: int, tables: Tables) -> dict[str, dict[str, Row]]:
    """The tables Pair, Group and Fee as of a block; counts and last prices come from the other tables."""
    known = tables.get("Pair", {})
    listed = [int(number) for number in known] or read_listed_pairs(node=node, block=block)
    calls = [Read(contract, function, (number,)) for number in listed for contract, function in PAIR_READS]
    answers = iter(node.read_many(calls, block=block))
    pairs: dict[str, Row] = {}
    for number in listed:
        pair, opening, rollover, interest = (next(answers) for _ in PAIR_READS)
        pairs[str(number)] = to_pair(
            number=number, pair=pair, opening=opening, rollover=rollover, interest=interest, tables=tables
        )
    groups = read_groups(node=node, block=block, numbers={int(row["group"]) for row in pairs.values()})
    fees = read_fees(node=node, block=block, numbers={int(row["fee"]) for row in pairs.values()})
    return {"Pair": pairs, "Group": groups, "Fee": fees}


def to_pair(
    *,
    number: int,
    pair: Row,
    opening: Row,
    rollover: Row,
    interest: Mapping[int, int],
    tables: Tables,
) -> Row:
    """One Pair row."""
    key = str(number)
    before = tables.get("Pair", {}).get(key, {})
    return {
        **NOT_KEPT,
        "id": key,
        "from": text_of(pair["from"]),
        "to": text_of(pair["to"]),
        "feed": "0x" + pair["feed"].hex(),
        "overnightMaxLeverage": pair["overnightMaxLeverage"],
        "maxLeverage": pair["maxLeverage"],
        "longOI": interest[0],
        "shortOI": interest[1],
        "maxOI": interest[2],
        "makerFeeP": opening["makerFeeP"],
        "takerFeeP": opening["takerFeeP"],
        "makerMaxLeverage": opening["makerMaxLeverage"],
        "accRolloverLong": rollover["accPerOiLong"],
        "accRolloverShort": rollover["accPerOiShort"],
        "lastRolloverLongPure": rollover["lastLongPure"],
        "brokerPremium": rollover["brokerPremium"],
        "isNegativeRolloverAllowed": rollover["isNegativeRolloverAllowed"],
        "lastRolloverBlock": rollover["lastUpdateBlock"],
        "lastTradePrice": tables.get("LastPrice", {}).get(key, {}).get("price", before.get("lastTradePrice", 0)),
        "totalOpenTrades": count_rows(tables.get("Trade", {}), pair=key, flag="isOpen"),
        "totalOpenLimitOrders": count_rows(tables.get("Limit", {}), pair=key, flag="isActive"),
        "group": str(pair["groupIndex"]),
        "fee": str(pair["feeIndex"]),
    }


def count_rows(rows: Mapping[str, Row], *, pair: str, flag: str) -> int:
    """Rows of a pair whose flag is set."""
    return sum(1 for row in rows.values() if row["pair"] == pair and row[flag])


def read_groups(*, node: Node, block: int, numbers: set[int]) -> dict[str, Row]:
    """The Group rows of these numbers."""
    ordered = sorted(numbers)
    groups = node.read_many([read("pairsStorage", "groups", number) for number in ordered], block=block)
    sides = [read("pairsStorage", "groupsCollaterals", number, side) for number in ordered for side in (0, 1)]
    collaterals = iter(node.read_many(sides, block=block))
    return {
        str(number): {
            "id": str(number),
            "name": text_of(group["name"]),
            "minLeverage": group["minLeverage"],
            "maxLeverage": group["maxLeverage"],
            "maxCollateralP": group["maxCollateralP"],
            "longCollateral": next(collaterals),
            "shortCollateral": next(collaterals),
        }
        for number, group in zip(ordered, groups, strict=True)
    }


def read_fees(*, node: Node, block: int, numbers: set[int]) -> dict[str, Row]:
    """The Fee rows of these numbers."""
    ordered = sorted(numbers)
    fees = node.read_many([read("pairsStorage", "fees", number) for number in ordered], block=block)
    return {
        str(number): {**fee, "id": str(number), "name": text_of(fee["name"])}
        for number, fee in zip(ordered, fees, strict=True)
    }


def read_meta_data(*, node: Node, block: int, tables: Tables) -> dict[str, Row]:
    """The single MetaData row."""
    margin, negative, trading_paused, callbacks_paused = node.read_many(
        [
            read("pairInfos", "liqMarginThresholdP"),
            read("pairInfos", "maxNegativePnlOnOpenP"),
            read("trading", "isPaused"),
            read("callbacks", "isPaused"),
        ],
        block=block,
    )
    trades = tables.get("Trade", {})
    return {
        "ostium": {
            "id": "ostium",
            "liqMarginThresholdP": margin,
            "maxNegativePnlOnOpenP": negative,
            "isTradingPaused": trading_paused,
            "isCallbackPaused": callbacks_paused,
            "totalTrades": len(trades),
            "totalUsers": len({row["trader"] for row in trades.values()}),
        }
    }

"""Small snapshots of the index, made by hand."""

from collections.abc import Mapping
from typing import Any

from sandbox.indexer import Snapshot
from sandbox.node import BlockHead

ONE = 10**18
TRADER = "0x" + "11" * 20

PAIR = {
    "id": "0",
    "from": "BTC",
    "to": "USD",
    "maxLeverage": 0,
    "overnightMaxLeverage": 0,
    "lastRolloverLongPure": 0,
    "brokerPremium": 0,
    "isNegativeRolloverAllowed": False,
    "accRolloverLong": 0,
    "accRolloverShort": 0,
    "lastRolloverBlock": 0,
    "longOI": 123,
    "group": "0",
    "fee": "0",
}

TRADE = {
    "id": "7",
    "tradeID": 7,
    "trader": TRADER,
    "pair": "0",
    "index": 0,
    "isOpen": True,
    "isBuy": True,
    "isDayTrade": False,
    "collateral": 989_900_000,
    "leverage": 1000,
    "openPrice": 90_000 * ONE,
    "takeProfitPrice": 0,
    "stopLossPrice": 0,
    "rollover": 0,
}

LIMIT = {
    "id": f"{TRADER}_0_0",
    "uniqueId": 3,
    "trader": TRADER,
    "pair": "0",
    "index": 0,
    "isActive": True,
    "executionStarted": False,
    "isBuy": True,
    "limitType": "Limit",
    "openPrice": 80_000 * ONE,
    "updatedAt": 1,
}


def make_snapshot(**tables: list[Mapping[str, Any]]) -> Snapshot:
    """A snapshot with one pair of group 0 and the given rows."""
    rows: dict[str, dict[str, Mapping[str, Any]]] = {
        "Pair": {"0": PAIR},
        "Group": {"0": {"id": "0", "name": "crypto", "maxLeverage": 10_000}},
        "MetaData": {"ostium": {"id": "ostium", "liqMarginThresholdP": 25}},
        "Trade": {},
        "Limit": {},
        "Order": {},
    }
    for name, given in tables.items():
        rows[name] = {row["id"]: row for row in given}
    return Snapshot(head=BlockHead(number=100, hash="0xaa", timestamp=1_790_000_000), observed_at=0.0, tables=rows)

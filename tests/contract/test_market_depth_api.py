"""Market details and rates over HTTP: whole payloads, from rates that the venue's administrator sets."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ostium_service import composition
from ostium_service.types import Network
from sandbox import actors
from sandbox.listing import KNOWN_FEEDS
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller

DETAILS = "/v1/markets/details"
FUNDING = "/v1/markets/funding-rate"
ROLLOVER = "/v1/markets/rollover-rate"
BTC = {"network": "testnet", "pairId": 0}
PURE, PREMIUM = 300_000_000, 100_000_000
"""Per L2 block, x 1e18 of the notional: a long pays both, a short the premium less the pure rate."""


@pytest.fixture
def rated(desk: Desk) -> Iterator[Desk]:
    """BTC with a rollover rate, which the index reads with the next trade."""

    def set_rates(pure: int, premium: int) -> None:
        for function, value in (("updateRolloverFees", pure), ("updatePairBrokerPremium", premium)):
            actors.call_as_admin(
                rpc_url=desk.sandbox.rpc_url, contract="PairInfos", function=function, arguments=(0, value)
            )
        desk.sandbox.control.catch_up()
        composition.reset()

    set_rates(PURE, PREMIUM)
    desk.open()
    desk.sandbox.control.catch_up()
    composition.reset()
    yield desk
    set_rates(0, 0)


def test_market_details(rated: Desk, caller: SignedCaller) -> None:
    told = caller.post(DETAILS, BTC)
    assert (told["network"], told["pairId"], set(told)) == ("testnet", 0, {"network", "pairId", "details"})
    details: dict[str, Any] = told["details"]
    [listed] = [row for row in caller.post("/v1/markets/list", {"network": "testnet"})["markets"] if row["pairId"] == 0]
    assert {name: details.pop(name) for name in listed} == listed
    assert (details.pop("asOfBlock") > 0, details.pop("lastRolloverBlock") > 0) == (True, True)
    for name in ("lastTradePrice", "accRolloverLong", "accRolloverShort"):
        assert Decimal(details.pop(name)) >= 0
    assert details == {
        "feed": "0x" + KNOWN_FEEDS["BTC/USD"],
        "groupId": 0,
        "makerMaxLeverage": "20",
        "oracleFee": "0.1",
        "lastRolloverLongPure": "0.0000000003",
        "brokerPremium": "0.0000000001",
        "isNegativeRolloverAllowed": False,
        "accFundingLong": "0",
        "accFundingShort": "0",
        "lastFundingBlock": details["lastFundingBlock"],
        "lastFundingRate": "0",
        "maxFundingFeePerBlock": "0",
        "liquidationMarginPercent": "25",
    }
    names: list[dict[str, Any]] = [{"market": "BTC-USD"}, {"market": "0"}, {"pairId": "0", "market": "ETH"}]
    for named in names:
        assert caller.post(DETAILS, {"network": "testnet", **named})["pairId"] == 0


def blocks_of(percent: str, per_block: int) -> int:
    """The blocks behind a rate in percent, which must be whole."""
    blocks = Decimal(percent) * 10**16 / per_block
    assert blocks == int(blocks)
    return int(blocks)


def test_pitfall_38_rollover_is_the_rate_over_the_chains_own_pace(rated: Desk, caller: SignedCaller) -> None:
    """A long pays pure rate and premium; a short's would be negative, which this pair does not allow: nothing.

    The SDK takes 10 blocks in 3 seconds; the sandbox makes 4 a second, and ours is what the chain's clock says.
    """
    told: dict[int, dict[str, Any]] = {
        hours: caller.post(ROLLOVER, {**BTC, "periodHours": hours}) for hours in (24, 720)
    }
    day = told[24]
    rate, block = day["rolloverRate"], day["asOfBlock"]
    assert day == {
        "network": "testnet",
        "pairId": 0,
        "periodHours": 24,
        "rolloverRate": rate,
        "longRolloverRate": rate,
        "shortRolloverRate": "0",
        "asOfBlock": block,
    }
    newest, first = (composition.arbitrum(Network.TESTNET).block(number) for number in (block, max(block - 20_000, 1)))
    pace = Decimal(newest.number - first.number) / max(newest.timestamp - first.timestamp, 1)
    for hours, answer in told.items():
        blocks = blocks_of(answer["rolloverRate"], PURE + PREMIUM)
        assert abs(blocks - pace * hours * 3600) < pace * hours * 3600 / 20
    assert caller.post(ROLLOVER, {"network": "testnet", "market": "BTC", "periodHours": None})["periodHours"] == 24


def test_funding_is_nothing_where_its_maximum_is(desk: Desk, caller: SignedCaller) -> None:
    told: dict[str, Any] = caller.post(FUNDING, {"network": "testnet", "market": "BTC", "periodHours": 168})
    assert told.pop("asOfBlock") > 0
    assert told == {
        "network": "testnet",
        "pairId": 0,
        "periodHours": 168,
        "accFundingLong": "0",
        "accFundingShort": "0",
        "fundingRatePercent": "0",
        "targetFundingRatePercent": "0",
    }

"""What openTrade refuses, and in which order."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from sandbox import actors, addresses
from sandbox.actors import USDC
from sandbox.artifacts import get_contract
from tests.integration.sandbox.venue import (
    BTC,
    COIN,
    E18,
    ETH,
    EUR,
    LIMIT,
    NVDA,
    ORACLE_FEE,
    STOP,
    XAG,
    Order,
    Revert,
    Venue,
)

UNLISTED = 3
BUILDER = "0x00000000000000000000000000000000000b111d"
FEE_GROUP = (b"standard".ljust(32, b"\0"), 4_500_000, ORACLE_FEE, 0)


def refuse_open(venue: Venue, trader: LocalAccount, **changes: Any) -> Revert | None:
    return venue.refusal(trader.address, "openTrade", *Order(**changes).arguments(trader.address))


def test_the_conditions_of_an_open_are_tested_in_the_venues_order(venue: Venue) -> None:
    """Everything is wrong at once; each repair uncovers the next refusal."""
    trader = venue.create_trader()
    venue.place(trader, Order(pair=ETH, price=3000 * E18))
    venue.place(trader, Order(kind=LIMIT, slippage=0))
    venue.admin("TradingStorage", "setMaxTradesPerPair", 1)
    venue.admin("TradingStorage", "setMaxPendingMarketOrders", 1)
    venue.admin("Trading", "setMaxAllowedCollateral", USDC)
    venue.admin("PairsStorage", "updateFee", 0, (FEE_GROUP[0], 10**15, 10**8, 0))
    venue.admin("Trading", "pause")
    venue.admin("Trading", "done")
    wrong: dict[str, Any] = {
        "pair": UNLISTED,
        "price": 0,
        "slippage": 0,
        "builder": (BUILDER, 500_001),
        "leverage": 0,
        "collateral": 80_000 * USDC,
        "tp": 1,
        "sl": 10**24,
    }
    who = trader.address
    stages: list[tuple[Revert | None, Any]] = [
        (Revert("IsDone"), lambda: venue.admin("Trading", "done")),
        (Revert("IsPaused"), lambda: venue.admin("Trading", "pause")),
        (Revert("PairNotListed", (UNLISTED,)), lambda: wrong.update(pair=BTC)),
        (Revert("WrongParams"), lambda: wrong.update(price=90_000 * E18)),
        (Revert("WrongParams"), lambda: wrong.update(slippage=10_000)),
        (Revert("WrongParams"), lambda: wrong.update(slippage=9_999)),
        (Revert("WrongParams"), lambda: wrong.update(builder=(BUILDER, 500_000))),
        (
            Revert("MaxTradesPerPairReached", (who.lower(), BTC)),
            lambda: venue.admin("TradingStorage", "setMaxTradesPerPair", 2),
        ),
        (
            Revert("MaxPendingMarketOrdersReached", (who.lower(),)),
            lambda: venue.admin("TradingStorage", "setMaxPendingMarketOrders", 2),
        ),
        (Revert("WrongLeverage", (0,)), lambda: wrong.update(leverage=99)),
        (Revert("WrongLeverage", (99,)), lambda: wrong.update(leverage=10_001)),
        (Revert("WrongLeverage", (10_001,)), lambda: wrong.update(leverage=10_000)),
        (Revert("AboveMaxAllowedCollateral"), lambda: venue.admin("Trading", "setMaxAllowedCollateral", 10**12)),
        # At 100x the taker fee is 10 % and the builder's 50 %: 48,000 of 80,000. The oracle fee tips it over.
        (
            Revert("BelowMinLevPos"),
            lambda: venue.admin("PairsStorage", "updateFee", 0, (FEE_GROUP[0], 10**15, 32_000 * USDC, 0)),
        ),
        (Revert("BelowFees"), lambda: venue.admin("PairsStorage", "updateFee", 0, FEE_GROUP)),
        (Revert("WrongTP"), lambda: wrong.update(tp=90_000 * E18)),
        (Revert("WrongTP"), lambda: wrong.update(tp=90_001 * E18)),
        (Revert("WrongSL"), lambda: wrong.update(sl=90_000 * E18)),
        (Revert("WrongSL"), lambda: wrong.update(sl=0)),
        (Revert("Error", ("ERC20: transfer amount exceeds balance",)), lambda: wrong.update(collateral=1000 * USDC)),
    ]
    for expected, repair in stages:
        assert refuse_open(venue, trader, **wrong) == expected
        repair()
    assert refuse_open(venue, trader, **wrong) is None


@pytest.mark.parametrize("kind", [LIMIT, STOP])
def test_a_resting_order_with_slippage_is_refused(venue: Venue, trader: LocalAccount, kind: int) -> None:
    assert refuse_open(venue, trader, kind=kind, slippage=1) == Revert("WrongParams")
    assert refuse_open(venue, trader, kind=kind, slippage=0) is None


def test_without_allowance_the_tokens_own_words_come_back(venue: Venue) -> None:
    trader = venue.create_trader(usdc=0)
    usdc = get_contract("Usdc")
    assert refuse_open(venue, trader) == Revert("Error", ("ERC20: transfer amount exceeds balance",))
    data = usdc.encode("approve", addresses.TRADING_STORAGE, 0)
    actors.send_signed(rpc_url=venue.rpc_url, account=trader, to=usdc.address, data=data)
    assert refuse_open(venue, trader) == Revert("Error", ("ERC20: transfer amount exceeds allowance",))


@pytest.mark.parametrize(
    ("buy", "tp", "sl", "expected"),
    [
        (False, 90_000 * E18, 0, Revert("WrongTP")),
        (False, 89_999 * E18, 0, None),
        (False, 0, 90_000 * E18, Revert("WrongSL")),
        (False, 0, 90_001 * E18, None),
        # Beyond +900 % and beyond 85 %: not refused, corrected at execution.
        (True, 500_000 * E18, 1, None),
    ],
)
def test_sides_of_tp_and_sl(
    venue: Venue, trader: LocalAccount, buy: bool, tp: int, sl: int, expected: Revert | None
) -> None:
    assert refuse_open(venue, trader, buy=buy, tp=tp, sl=sl) == expected


@pytest.mark.parametrize(
    ("pair", "leverage", "day_trade", "expected"),
    [
        (XAG, 5_000, False, None),
        (XAG, 5_001, False, Revert("WrongLeverage", (5_001,))),
        (EUR, 20_000, False, None),
        (NVDA, 1_000, False, None),
        (NVDA, 1_001, False, Revert("WrongLeverage", (1_001,))),
        (NVDA, 10_000, True, None),
        (NVDA, 10_001, True, Revert("WrongLeverage", (10_001,))),
        (COIN, 501, False, Revert("WrongLeverage", (501,))),
        (COIN, 5_001, True, Revert("WrongLeverage", (5_001,))),
        # No overnight regime: the flag changes nothing.
        (BTC, 10_000, True, None),
    ],
)
def test_the_effective_maximum_leverage(
    venue: Venue, trader: LocalAccount, pair: int, leverage: int, day_trade: bool, expected: Revert | None
) -> None:
    assert refuse_open(venue, trader, pair=pair, leverage=leverage, day_trade=day_trade) == expected

"""What the keeper fires at open positions: TP, SL, liquidation, day-trade close."""

import pytest
from eth_account.signers.local import LocalAccount

from sandbox import addresses
from tests.integration.sandbox.venue import (
    BTC,
    CLOSE_DAY_TRADE,
    E18,
    LIQ,
    NVDA,
    OPEN,
    SL,
    TP,
    Order,
    Revert,
    Venue,
    find_event,
    names_of,
)

ENTRY = 90_000 * E18
NO_LIMIT, NO_TRADE, NO_SL, NO_TP, SUCCESS, PAUSED, BACKDATED = 2, 3, 4, 5, 6, 7, 8


def test_what_the_keeper_is_told(venue: Venue, trader: LocalAccount, limit: Order) -> None:
    who = trader.address
    stale = venue.now() - 1
    status = venue.automation_status
    assert status(OPEN, who, BTC, 1) == NO_LIMIT
    assert status(OPEN, who, BTC, 0, timestamp=stale) == BACKDATED
    assert status(TP, who, BTC, 0) == NO_TRADE
    venue.admin("Trading", "pause")
    assert status(OPEN, who, BTC, 0) == PAUSED
    venue.admin("Trading", "pause")
    venue.open_position(trader)
    opened = venue.info(who)["createdAt"]
    assert status(SL, who, BTC, 0) == NO_SL
    assert status(TP, who, BTC, 0, timestamp=opened - 1) == NO_TP
    assert status(LIQ, who, BTC, 0, timestamp=opened - 1) == BACKDATED
    assert status(LIQ, who, BTC, 0, timestamp=opened) == SUCCESS
    venue.act(trader, "updateSl", BTC, 0, 89_000 * E18)
    assert status(SL, who, BTC, 0, timestamp=venue.info(who)["slLastUpdated"] - 1) == NO_SL
    assert status(SL, who, BTC, 0) == SUCCESS
    assert venue.automate(SL, who, BTC, 0) is not None
    assert venue.automate(SL, who, BTC, 0) is None
    refused = venue.refusal(who, "executeAutomationOrder", TP, who, BTC, 0, 1)
    assert refused == Revert("NotTradesUpKeep", (who.lower(),))


@pytest.mark.parametrize(
    ("kind", "prices", "outcome"),
    [
        (TP, (95_010, 95_000, 95_020), (TP, 95_000)),
        (TP, (95_010, 94_999, 95_020), None),
        (SL, (89_000, 88_990, 89_010), (SL, 88_990)),
        (SL, (89_001, 88_990, 89_010), None),
        (LIQ, (81_225, 81_225, 81_225), None),
        (LIQ, (81_224, 81_220, 81_230), (LIQ, 81_220)),
        # A stop-loss that comes too late is a liquidation.
        (SL, (81_000, 81_000, 81_000), (LIQ, 81_000)),
    ],
)
def test_when_a_position_is_closed_by_the_keeper(
    venue: Venue,
    trader: LocalAccount,
    kind: int,
    prices: tuple[int, int, int],
    outcome: tuple[int, int] | None,
) -> None:
    venue.open_position(trader, Order(tp=95_000 * E18, sl=89_000 * E18))
    trade_id = venue.info(trader.address)["tradeId"]
    before = venue.usdc(trader.address)
    order_id = venue.fire(kind, trader)
    locked = Revert("TriggerPending", (trader.address.lower(), BTC, 0))
    assert venue.refusal(trader.address, "closeTradeMarket", BTC, 0, 0, ENTRY, 100) == locked
    events = venue.settle(order_id, *(price * E18 for price in prices))
    if outcome is None:
        cancelled = find_event(events, "AutomationCloseOrderCanceled").arguments
        assert (cancelled["tradeId"], cancelled["orderType"], cancelled["cancelReason"]) == (trade_id, kind, 11)
        assert venue.refusal(trader.address, "closeTradeMarket", BTC, 0, 0, ENTRY, 100) is None
        return
    executed = find_event(events, "LimitCloseExecuted").arguments
    assert (executed["orderType"], executed["price"]) == (outcome[0], outcome[1] * E18)
    move = outcome[1] - 90_000
    profit = abs(move) * 10**9 // 90_000
    assert executed["percentProfit"] == (profit if move > 0 else -profit)
    liquidated = outcome[0] == LIQ
    assert (executed["usdcSentToTrader"] == 0) is liquidated
    assert venue.usdc(trader.address) == before + executed["usdcSentToTrader"]
    assert ("VaultLiqFeeCharged" in names_of(events)) is liquidated
    assert venue.trade(trader.address)["leverage"] == 0


def test_a_day_trade_is_closed_only_when_its_window_is(venue: Venue, trader: LocalAccount) -> None:
    price = 187 * E18
    venue.open_position(trader, Order(pair=NVDA, price=price, day_trade=True, leverage=5000))
    overnight = Order(pair=NVDA, price=price, leverage=1000)
    venue.open_position(trader, overnight)
    early = venue.settle(venue.fire(CLOSE_DAY_TRADE, trader, NVDA), price)
    assert find_event(early, "AutomationCloseOrderCanceled").arguments["cancelReason"] == 14
    kept = venue.settle(venue.fire(CLOSE_DAY_TRADE, trader, NVDA, 1), price, day_closed=True)
    assert find_event(kept, "AutomationCloseOrderCanceled").arguments["cancelReason"] == 14
    closed = venue.settle(venue.fire(CLOSE_DAY_TRADE, trader, NVDA), price, day_closed=True)
    assert find_event(closed, "LimitCloseExecuted").arguments["orderType"] == CLOSE_DAY_TRADE


def test_the_overnight_maximum_sets_the_liquidation_price(venue: Venue, trader: LocalAccount) -> None:
    """Facts 3.9: NVDA long 10x overnight from 187 dies at 172.975, not at 168.7675."""
    price = 187 * E18
    venue.open_position(trader, Order(pair=NVDA, price=price))
    safe = venue.settle(venue.fire(LIQ, trader, NVDA), 172_975 * E18 // 1000)
    assert find_event(safe, "AutomationCloseOrderCanceled").arguments["cancelReason"] == 11
    dead = venue.settle(venue.fire(LIQ, trader, NVDA), 172_974 * E18 // 1000)
    assert find_event(dead, "LimitCloseExecuted").arguments["usdcSentToTrader"] == 0


def test_liquidation_collects_everything(venue: Venue, trader: LocalAccount) -> None:
    stored = venue.open_position(trader)
    vault = venue.usdc(addresses.VAULT)
    # 9.9 % down at 10x leaves one percent.
    events = venue.settle(venue.fire(LIQ, trader), 81_090 * E18)
    assert find_event(events, "VaultLiqFeeCharged").arguments["amount"] == stored["collateral"] // 100
    assert venue.usdc(addresses.VAULT) == vault + stored["collateral"]


def test_a_tp_fired_for_a_replaced_position_is_refused(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    fired = venue.fire(TP, trader)
    venue.mine(30)
    venue.settle(venue.close(trader, BTC, 0, price=ENTRY), ENTRY)
    venue.open_position(trader)
    events = venue.settle(fired, 171_000 * E18)
    assert find_event(events, "AutomationCloseOrderCanceled").arguments["cancelReason"] == 15

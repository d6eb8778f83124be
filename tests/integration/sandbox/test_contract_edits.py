"""Edits of an open position: TP, SL, collateral in and out; and rollover."""

import pytest
from eth_account.signers.local import LocalAccount

from sandbox.actors import USDC
from tests.integration.sandbox.venue import (
    BTC,
    E18,
    ORACLE_FEE,
    REMOVE_COLLATERAL,
    SL,
    TP,
    Order,
    Revert,
    Venue,
    find_event,
    names_of,
)

ENTRY = 90_000 * E18


@pytest.mark.parametrize(
    ("buy", "price", "expected"),
    [
        (True, 0, Revert("WrongTP")),
        (True, 171_000 * E18, None),
        (True, 171_000 * E18 + 1, Revert("WrongTP")),
        # The side of the price is not looked at.
        (True, 80_000 * E18, None),
        (False, 9_000 * E18, None),
        (False, 9_000 * E18 - 1, Revert("WrongTP")),
    ],
)
def test_bounds_of_a_take_profit(
    venue: Venue, trader: LocalAccount, buy: bool, price: int, expected: Revert | None
) -> None:
    venue.open_position(trader, Order(buy=buy))
    assert venue.refusal(trader.address, "updateTp", BTC, 0, price) == expected


@pytest.mark.parametrize(
    ("buy", "price", "expected"),
    [
        (True, 0, None),
        (True, 82_350 * E18, None),
        (True, 82_350 * E18 - 1, Revert("WrongSL")),
        (False, 97_650 * E18, None),
        (False, 97_650 * E18 + 1, Revert("WrongSL")),
    ],
)
def test_bounds_of_a_stop_loss(
    venue: Venue, trader: LocalAccount, buy: bool, price: int, expected: Revert | None
) -> None:
    venue.open_position(trader, Order(buy=buy))
    assert venue.refusal(trader.address, "updateSl", BTC, 0, price) == expected


def test_tp_and_sl_are_stored_and_dated(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    trade_id = venue.info(trader.address)["tradeId"]
    changed = {"tradeId": trade_id, "trader": trader.address, "pairIndex": BTC, "index": 0}
    tp = venue.act(trader, "updateTp", BTC, 0, 95_000 * E18)
    assert (names_of(tp), tp[0].arguments) == (["TpUpdated"], changed | {"newTp": 95_000 * E18})
    assert venue.info(trader.address)["tpLastUpdated"] == venue.now()
    sl = venue.act(trader, "updateSl", BTC, 0, 89_000 * E18)
    assert (names_of(sl), sl[0].arguments) == (["SlUpdated"], changed | {"newSl": 89_000 * E18})
    assert venue.info(trader.address)["slLastUpdated"] == venue.now()
    stored = venue.trade(trader.address)
    assert (stored["tp"], stored["sl"]) == (95_000 * E18, 89_000 * E18)


def test_a_lock_is_looked_at_before_the_position(venue: Venue, trader: LocalAccount) -> None:
    who = trader.address.lower()
    for function in ("updateTp", "updateSl", "topUpCollateral", "removeCollateral"):
        assert venue.refusal(trader.address, function, BTC, 0, 0) == Revert("NoTradeFound", (who, BTC, 0))
    venue.open_position(trader, Order(sl=89_000 * E18))
    venue.automate(TP, trader.address, BTC, 0)
    pending = Revert("TriggerPending", (who, BTC, 0))
    assert venue.refusal(trader.address, "updateTp", BTC, 0, 0) == pending
    assert venue.refusal(trader.address, "updateSl", BTC, 0, 0) is None
    venue.automate(SL, trader.address, BTC, 0)
    assert venue.refusal(trader.address, "updateSl", BTC, 0, 0) == pending


def test_the_top_up_of_the_worked_example(venue: Venue, trader: LocalAccount) -> None:
    """Facts 2.3: 100 USDC at 33.33x plus 7 -> 31.15x, 106.998394 USDC, 6.998394 pulled."""
    venue.admin("PairInfos", "setPairOpeningFees", BTC, (0, 0, 0, 0, 0, 0))
    venue.open_position(trader, Order(collateral=100 * USDC + ORACLE_FEE, leverage=3333))
    assert venue.trade(trader.address)["collateral"] == 100 * USDC
    before = venue.usdc(trader.address)
    oi = venue.read("TradingStorage", "openInterest", BTC, 0)
    events = venue.act(trader, "topUpCollateral", BTC, 0, 7 * USDC)
    assert names_of(events) == ["Transfer", "TopUpCollateralExecuted"]
    assert events[1].arguments == {
        "tradeId": venue.info(trader.address)["tradeId"],
        "trader": trader.address,
        "pairIndex": BTC,
        "topUpAmount": 6_998_394,
        "newLeverage": 3115,
    }
    stored = venue.trade(trader.address)
    assert (stored["collateral"], stored["leverage"]) == (106_998_394, 3115)
    assert before - venue.usdc(trader.address) == 6_998_394
    assert venue.read("TradingStorage", "openInterest", BTC, 0) == oi
    assert venue.read("PairsStorage", "groupCollateral", BTC, True) == 106_998_394


def test_refusals_of_a_top_up_in_order(venue: Venue, trader: LocalAccount) -> None:
    stored = venue.open_position(trader)
    group = (b"crypto".ljust(32, b"\0"), 10_000, 100, 5_000)

    def refuse(amount: int) -> Revert | None:
        return venue.refusal(trader.address, "topUpCollateral", BTC, 0, amount)

    assert refuse(0) == Revert("WrongParams")
    # Not enough for 0.01 of leverage: nothing is left to add.
    assert refuse(1) == Revert("WrongParams")
    venue.admin("PairsStorage", "updateGroup", 0, (*group[:3], 0))
    venue.admin("Trading", "setMaxAllowedCollateral", stored["collateral"])
    too_much = stored["collateral"] * 10
    assert refuse(too_much) == Revert("ExposureLimits")
    venue.admin("PairsStorage", "updateGroup", 0, group)
    assert refuse(too_much) == Revert("AboveMaxAllowedCollateral")
    venue.admin("Trading", "setMaxAllowedCollateral", 10**12)
    assert refuse(too_much) == Revert("WrongLeverage", (91,))
    assert refuse(stored["collateral"]) is None


def test_a_removal_waits_for_the_oracle(venue: Venue, trader: LocalAccount) -> None:
    """989.9 at 10x less 200 asked: 12.53x, 790.023942 USDC stay, 199.876058 leave."""
    venue.open_position(trader, Order(sl=82_350 * E18))
    trade_id = venue.info(trader.address)["tradeId"]
    before = venue.usdc(trader.address)
    events = venue.act(trader, "removeCollateral", BTC, 0, 200 * USDC)
    order_id = trade_id + 1
    stays = 989_900_000 * 1000 // 1253
    amount = 989_900_000 - stays
    assert (stays, amount) == (790_023_942, 199_876_058)
    assert names_of(events) == ["PriceRequestedV2", "Transfer", "OracleFeeCharged", "RemoveCollateralInitiated"]
    assert events[0].arguments["orderType"] == 4
    assert events[2].arguments["tradeId"] == trade_id
    assert events[3].arguments == {
        "tradeId": trade_id,
        "orderId": order_id,
        "trader": trader.address,
        "pairIndex": BTC,
        "removeAmount": amount,
    }
    assert venue.read("TradingStorage", "getPendingRemoveCollateral", order_id) == {
        "removeAmount": amount,
        "trader": trader.address,
        "pairIndex": BTC,
        "index": 0,
        "tradeId": trade_id,
    }
    locked = Revert("TriggerPending", (trader.address.lower(), BTC, 0))
    assert venue.refusal(trader.address, "topUpCollateral", BTC, 0, USDC) == locked
    settled = venue.settle(order_id, ENTRY)
    # The tighter bounds of 12.53x move both tp and sl.
    tp, sl = ENTRY + ENTRY * 900 // 1253, ENTRY - ENTRY * 85 // 1253
    assert find_event(settled, "RemoveCollateralExecuted").arguments == {
        "orderId": order_id,
        "tradeId": trade_id,
        "trader": trader.address,
        "pairIndex": BTC,
        "removeAmount": amount,
        "leverage": 1253,
        "tp": tp,
        "sl": sl,
    }
    stored = venue.trade(trader.address)
    assert (stored["collateral"], stored["leverage"], stored["tp"], stored["sl"]) == (stays, 1253, tp, sl)
    assert venue.usdc(trader.address) == before - ORACLE_FEE + amount
    assert venue.read("TradingStorage", "orderTriggerBlock", trader.address, BTC, 0, REMOVE_COLLATERAL) == 0
    assert venue.read("PairsStorage", "groupCollateral", BTC, True) == stays


def test_refusals_of_a_removal_in_order(venue: Venue, trader: LocalAccount) -> None:
    stored = venue.open_position(trader)

    def refuse(index: int, amount: int) -> Revert | None:
        return venue.refusal(trader.address, "removeCollateral", BTC, index, amount)

    venue.admin("Trading", "pause")
    venue.admin("Trading", "done")
    assert refuse(1, 0) == Revert("IsDone")
    venue.admin("Trading", "done")
    assert refuse(1, 0) == Revert("IsPaused")
    venue.admin("Trading", "pause")
    assert refuse(1, 0) == Revert("NoTradeFound", (trader.address.lower(), BTC, 1))
    assert refuse(0, 0) == Revert("WrongParams")
    assert refuse(0, stored["collateral"]) == Revert("WrongParams")
    assert refuse(0, 1) == Revert("WrongLeverage", (1000,))
    assert refuse(0, stored["collateral"] * 9 // 10 + USDC) == Revert("WrongLeverage", (10_102,))
    assert refuse(0, 200 * USDC) is None


@pytest.mark.parametrize(
    ("mid", "is_open", "reason"),
    [(90_000, False, 2), (171_000, True, 12), (84_000, True, 10), (90_000, True, 0)],
)
def test_why_a_removal_is_rejected(venue: Venue, trader: LocalAccount, mid: int, is_open: bool, reason: int) -> None:
    """Closed market; at the maximum gain; would be under the margin of half the collateral at 20x."""
    venue.open_position(trader)
    before = venue.usdc(trader.address)
    order_id = venue.act(trader, "removeCollateral", BTC, 0, 494_950_000)[-1].arguments["orderId"]
    events = venue.settle(order_id, mid * E18, is_open=is_open)
    if reason == 0:
        assert names_of(events)[-1] == "RemoveCollateralExecuted"
        return
    assert find_event(events, "RemoveCollateralRejected").arguments["reason"] == reason
    assert venue.usdc(trader.address) == before - ORACLE_FEE
    assert venue.trade(trader.address)["collateral"] == 989_900_000
    assert venue.refusal(trader.address, "removeCollateral", BTC, 0, 200 * USDC) is None


def test_a_removal_meets_changed_circumstances(venue: Venue, trader: LocalAccount) -> None:
    def request() -> int:
        order_id: int = venue.act(trader, "removeCollateral", BTC, 0, 200 * USDC)[-1].arguments["orderId"]
        return order_id

    def reason_of(order_id: int) -> int:
        found: int = find_event(venue.settle(order_id, ENTRY), "RemoveCollateralRejected").arguments["reason"]
        return found

    venue.open_position(trader)
    order_id = request()
    venue.admin("TradingCallbacks", "pause")
    assert reason_of(order_id) == 1
    venue.admin("TradingCallbacks", "pause")
    order_id = request()
    venue.admin("PairsStorage", "setPairMaxLeverage", BTC, 1_252)
    assert reason_of(order_id) == 8
    venue.admin("PairsStorage", "setPairMaxLeverage", BTC, 0)
    smaller = request()
    venue.mine(30)
    venue.settle(venue.close(trader, BTC, 0, percent=9_000, price=ENTRY), ENTRY)
    assert reason_of(smaller) == 11
    gone = venue.act(trader, "removeCollateral", BTC, 0, 20 * USDC)[-1].arguments["orderId"]
    venue.mine(30)
    venue.settle(venue.close(trader, BTC, 0, price=ENTRY), ENTRY)
    assert reason_of(gone) == 9
    venue.open_position(trader)
    replaced = request()
    venue.mine(30)
    venue.settle(venue.close(trader, BTC, 0, price=ENTRY), ENTRY)
    venue.open_position(trader)
    assert reason_of(replaced) == 15


def test_rollover_accrues_per_block_and_side(venue: Venue, trader: LocalAccount) -> None:
    """3e9 a block on 1000 USDC at 10x is 10.368 USDC after a day's 345,600 blocks (facts 3.8)."""
    fee = venue.read("PairInfos", "getTradeRolloverFeePure", 0, 3 * 10**9 * 345_600, 1000 * USDC, 1000)
    assert fee == 10_368_000
    assert venue.read("PairInfos", "getTradeRolloverFeePure", 5, 6, 1, 100) == 1
    assert venue.read("PairInfos", "getTradeRolloverFeePure", 6, 5, 1, 100) == 0
    venue.admin("PairInfos", "updateRolloverFees", BTC, 3 * 10**9)
    venue.admin("PairInfos", "updatePairBrokerPremium", BTC, 10**9)
    long, short = (venue.read("PairInfos", "getPendingAccRolloverFees", BTC, side) for side in (True, False))
    venue.mine(100)
    assert venue.read("PairInfos", "getPendingAccRolloverFees", BTC, True) == long + 400 * 10**9
    # -3e9 + 1e9 is negative: nobody is paid unless the pair allows it.
    assert venue.read("PairInfos", "getPendingAccRolloverFees", BTC, False) == short
    venue.admin("PairInfos", "setPairIsNegativeRolloverAllowed", BTC, True)
    venue.mine(100)
    assert venue.read("PairInfos", "getPendingAccRolloverFees", BTC, False) == short - 200 * 10**9
    fees = venue.read("PairInfos", "getPairRolloverFees", BTC)
    assert tuple(fees.values())[2:4] == (3 * 10**9, 10**9)
    assert tuple(fees.values())[5] is True


def test_rollover_since_the_open_is_charged(venue: Venue, trader: LocalAccount) -> None:
    venue.admin("PairInfos", "updateRolloverFees", BTC, 10**12)
    venue.mine(50)
    stored = venue.open_position(trader)
    opened_at = venue.node.head().number
    venue.mine(1000)
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    blocks = venue.node.head().number + 1 - opened_at
    events = venue.settle(order_id, ENTRY)
    fee = 10**12 * blocks * stored["collateral"] * 1000 // 10**20
    assert find_event(events, "FeesChargedV2").arguments["rolloverFees"] == fee
    assert find_event(events, "MarketCloseExecutedV2").arguments["usdcSentToTrader"] == stored["collateral"] - fee

"""Market closes: refusals in order, settlement numbers, partial closes, fees, liquidation found on the way."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from sandbox import actors, addresses
from sandbox.actors import USDC
from sandbox.artifacts import get_contract
from tests.integration.sandbox.venue import (
    BTC,
    E18,
    ETH,
    ORACLE_FEE,
    PENDING_CLOSE,
    TP,
    Order,
    Revert,
    Venue,
    find_event,
    names_of,
)

FEE_GROUP = (b"standard".ljust(32, b"\0"), 4_500_000, ORACLE_FEE, 0)
ENTRY = 90_000 * E18


def refuse_close(venue: Venue, trader: LocalAccount, *arguments: int) -> Revert | None:
    return venue.refusal(trader.address, "closeTradeMarket", *arguments)


def test_the_conditions_of_a_close_are_tested_in_the_venues_order(venue: Venue, trader: LocalAccount) -> None:
    who = trader.address.lower()
    venue.open_position(trader)
    venue.automate(TP, trader.address, BTC, 0)
    venue.place(trader, Order(pair=ETH, price=3000 * E18))
    venue.admin("TradingStorage", "setMaxPendingMarketOrders", 1)
    venue.admin("PairsStorage", "updateFee", 0, (FEE_GROUP[0], 10**15, ORACLE_FEE, 0))
    venue.admin("Trading", "done")
    venue.admin("Trading", "pause")
    actors.send_signed(
        rpc_url=venue.rpc_url,
        account=trader,
        to=addresses.USDC,
        data=get_contract("Usdc").encode("transfer", addresses.ADMIN, venue.usdc(trader.address)),
    )
    wrong = {"index": 1, "percent": 10_001, "price": 0, "slippage": 0}
    stages: list[tuple[Revert | None, Any]] = [
        (Revert("IsDone"), lambda: venue.admin("Trading", "done")),
        (Revert("WrongParams"), lambda: wrong.update(percent=5_000)),
        (Revert("WrongParams"), lambda: wrong.update(price=1)),
        (Revert("WrongParams"), lambda: wrong.update(slippage=10_001)),
        (Revert("WrongParams"), lambda: wrong.update(slippage=10_000)),
        (Revert("NoTradeFound", (who, BTC, 1)), lambda: wrong.update(index=0)),
        (
            Revert("MaxPendingMarketOrdersReached", (who,)),
            lambda: venue.admin("TradingStorage", "setMaxPendingMarketOrders", 2),
        ),
        (Revert("TriggerPending", (who, BTC, 0)), lambda: venue.mine(30)),
        (Revert("BelowMinLevPos"), lambda: venue.admin("PairsStorage", "updateFee", 0, FEE_GROUP)),
        (
            Revert("Error", ("ERC20: transfer amount exceeds balance",)),
            lambda: actors.mint_usdc(rpc_url=venue.rpc_url, address=trader.address, units=ORACLE_FEE),
        ),
    ]
    for expected, repair in stages:
        assert refuse_close(venue, trader, BTC, *wrong.values()) == expected
        repair()
    # Still paused: that stops opens only.
    assert refuse_close(venue, trader, BTC, *wrong.values()) is None


def test_a_full_close_pays_what_the_worked_example_says(venue: Venue, trader: LocalAccount) -> None:
    """Facts 3.4: bid 90990, rollover 0.89 -> 11 %, 1097.899 USDC, and the oracle fee back."""
    opened = venue.open_position(trader)
    trade_id = venue.info(trader.address)["tradeId"]
    # 0.89 USDC on a notional of 9899 over the blocks that pass: one block a transaction, so a rate that is enough
    # for 0.89 in one step of the accumulator is set just before the settlement and counts one block.
    before = venue.usdc(trader.address)
    vault_before = venue.usdc(addresses.VAULT)
    order_id = venue.close(trader, BTC, 0, price=91_000 * E18)
    assert venue.usdc(trader.address) == before - ORACLE_FEE
    rate = 890_000 * 10**18 * 100 // (opened["collateral"] * opened["leverage"]) + 1
    venue.admin("PairInfos", "updateRolloverFees", BTC, rate)
    events = venue.settle(order_id, 91_000 * E18, 90_990 * E18, 91_010 * E18)
    assert names_of(events) == [
        "FeesChargedV2",
        "Transfer",
        "Transfer",
        "MarketCloseExecutedV2",
        "Transfer",
        "OracleFeeRefunded",
    ]
    assert events[0].arguments == {
        "orderId": order_id,
        "tradeId": trade_id,
        "trader": trader.address,
        "rolloverFees": 890_000,
        "fundingFees": 0,
    }
    assert events[3].arguments == {
        "orderId": order_id,
        "tradeId": trade_id,
        "price": 90_990 * E18,
        "priceImpactP": 10 * 100 * 10**18 // 91_000,
        "percentProfit": 11_000_000,
        "usdcSentToTrader": 1_097_899_000,
        "percentageClosed": 10_000,
    }
    assert events[5].arguments == {
        "tradeId": trade_id,
        "trader": trader.address,
        "pairIndex": BTC,
        "amount": ORACLE_FEE,
    }
    assert venue.usdc(trader.address) == before + 1_097_899_000
    assert vault_before - venue.usdc(addresses.VAULT) == 1_097_899_000 - 989_900_000
    assert venue.trade(trader.address)["leverage"] == 0
    assert venue.info(trader.address)["tradeId"] == 0
    assert venue.read("TradingStorage", "openInterest", BTC, 0) == 0
    assert venue.read("PairsStorage", "groupCollateral", BTC, True) == 0
    assert venue.read("TradingStorage", "pairTradersArray", BTC) == []


def test_a_close_request_logs_and_locks(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    trade_id = venue.info(trader.address)["tradeId"]
    events = venue.act(trader, "closeTradeMarket", BTC, 0, 0, 91_000 * E18, 100)
    order_id = trade_id + 1
    assert names_of(events) == ["PriceRequestedV2", "Transfer", "OracleFeeCharged", "MarketCloseOrderInitiatedV2"]
    assert events[0].arguments["orderType"] == 1
    assert events[2].arguments == {
        "tradeId": order_id,
        "trader": trader.address,
        "pairIndex": BTC,
        "amount": ORACLE_FEE,
    }
    assert events[3].arguments == {
        "orderId": order_id,
        "tradeId": trade_id,
        "trader": trader.address,
        "pairIndex": BTC,
        "closePercentage": 10_000,
    }
    assert venue.read("TradingStorage", "pendingMarketCloseTradeIds", order_id) == trade_id
    assert venue.read("TradingStorage", "reqID_pendingMarketOrder", order_id)["percentage"] == 10_000
    block = venue.node.head().number
    assert venue.read("TradingStorage", "orderTriggerBlock", trader.address, BTC, 0, PENDING_CLOSE) == block
    pending = Revert("TriggerPending", (trader.address.lower(), BTC, 0))
    assert refuse_close(venue, trader, BTC, 0, 0, ENTRY, 100) == pending
    for function in ("updateTp", "updateSl", "topUpCollateral", "removeCollateral"):
        assert venue.refusal(trader.address, function, BTC, 0, 10**6) == pending


@pytest.mark.parametrize(
    ("buy", "mid", "bid", "ask", "price", "cancelled"),
    [
        # 1 % around 90000: a long may not get less than 89100, a short may not pay more than 90900.
        (True, 89_200, 89_100, 89_300, 89_100, False),
        (True, 89_200, 89_099, 89_300, 0, True),
        (False, 90_800, 90_700, 90_900, 90_900, False),
        (False, 90_800, 90_700, 90_901, 0, True),
    ],
)
def test_slippage_is_measured_against_the_price_asked_for(
    venue: Venue,
    trader: LocalAccount,
    buy: bool,
    mid: int,
    bid: int,
    ask: int,
    price: int,
    cancelled: bool,
) -> None:
    venue.open_position(trader, Order(buy=buy))
    order_id = venue.act(trader, "closeTradeMarket", BTC, 0, 10_000, ENTRY, 100)[-1].arguments["orderId"]
    events = venue.settle(order_id, mid * E18, bid * E18, ask * E18)
    if cancelled:
        assert find_event(events, "MarketCloseCanceled").arguments["cancelReason"] == 3
        assert venue.trade(trader.address)["leverage"] == 1000
    else:
        assert find_event(events, "MarketCloseExecutedV2").arguments["price"] == price * E18


def test_a_partial_close_shrinks_in_proportion_and_keeps_the_oracle_fee(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    before = venue.usdc(trader.address)
    order_id = venue.close(trader, BTC, 0, percent=2_500, price=91_000 * E18)
    events = venue.settle(order_id, 91_000 * E18)
    closed = 989_900_000 // 4
    paid = closed + closed * 11_111_111 // 10**8
    executed = find_event(events, "MarketCloseExecutedV2").arguments
    assert (executed["percentageClosed"], executed["percentProfit"], executed["usdcSentToTrader"]) == (
        2_500,
        11_111_111,
        paid,
    )
    assert "OracleFeeRefunded" not in names_of(events)
    assert venue.usdc(trader.address) == before - ORACLE_FEE + paid
    left = venue.trade(trader.address)
    assert (left["collateral"], left["leverage"], left["index"]) == (989_900_000 - closed, 1000, 0)
    oi = 109_988_888_888_888_888
    assert venue.info(trader.address)["oiNotional"] == oi - oi * closed // 989_900_000
    assert venue.read("TradingStorage", "openInterest", BTC, 0) == oi - oi * closed // 989_900_000
    assert venue.read("PairsStorage", "groupCollateral", BTC, True) == 989_900_000 - closed


def test_a_partial_close_may_not_leave_a_crumb(venue: Venue, trader: LocalAccount) -> None:
    """A remainder of 4.5 USDC of notional is the least."""
    opened = venue.open_position(trader, Order(collateral=10 * USDC, leverage=100, price=ENTRY))
    assert opened["collateral"] == 9_890_000
    assert refuse_close(venue, trader, BTC, 0, 5_450, ENTRY, 100) == Revert("BelowMinLevPos")
    assert refuse_close(venue, trader, BTC, 0, 5_449, ENTRY, 100) is None


def test_a_loss_goes_to_the_vault(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    before = (venue.usdc(trader.address), venue.usdc(addresses.VAULT))
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    venue.settle(order_id, 89_100 * E18)
    value = 989_900_000 * 9 // 10
    assert venue.usdc(trader.address) == before[0] + value
    assert venue.usdc(addresses.VAULT) == before[1] + 989_900_000 - value


def test_a_gain_is_cut_at_nine_hundred_percent(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    executed = find_event(venue.settle(order_id, 180_000 * E18), "MarketCloseExecutedV2").arguments
    assert executed["percentProfit"] == 900_000_000
    assert executed["usdcSentToTrader"] == 989_900_000 * 10


def test_lowering_the_leverage_lowers_the_cut(venue: Venue, trader: LocalAccount) -> None:
    """Facts 3.4: 900 % x 5 / 10 after a top-up from 10x to 5x."""
    venue.open_position(trader)
    venue.act(trader, "topUpCollateral", BTC, 0, 989_900_000)
    assert venue.trade(trader.address)["leverage"] == 500
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    executed = find_event(venue.settle(order_id, 180_000 * E18), "MarketCloseExecutedV2").arguments
    assert executed["percentProfit"] == 450_000_000


@pytest.mark.parametrize(("mid", "liquidated"), [(81_225, False), (81_224, True)])
def test_a_close_under_the_margin_is_a_liquidation(
    venue: Venue, trader: LocalAccount, mid: int, liquidated: bool
) -> None:
    """Judged at mid; the event still names the computed value, but the trader gets nothing of it."""
    venue.open_position(trader)
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    before = venue.usdc(trader.address)
    vault_before = venue.usdc(addresses.VAULT)
    events = venue.settle(order_id, mid * E18)
    value = find_event(events, "MarketCloseExecutedV2").arguments["usdcSentToTrader"]
    assert value > 0
    assert ("VaultLiqFeeCharged" in names_of(events)) is liquidated
    if liquidated:
        assert find_event(events, "VaultLiqFeeCharged").arguments["amount"] == value
    paid = 0 if liquidated else value
    assert venue.usdc(trader.address) == before + paid + ORACLE_FEE
    assert venue.usdc(addresses.VAULT) == vault_before + 989_900_000 - paid


def test_a_bid_under_the_margin_is_no_liquidation_while_mid_is_above(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader)
    order_id = venue.close(trader, BTC, 0, price=ENTRY)
    events = venue.settle(order_id, 81_300 * E18, 81_000 * E18, 81_600 * E18)
    assert "VaultLiqFeeCharged" not in names_of(events)


def test_a_replaced_position_is_not_closed_by_an_old_request(venue: Venue, trader: LocalAccount) -> None:
    """The slot is re-used while a close is under way: WRONG_TRADE, and the new position stays."""
    venue.open_position(trader)
    old = venue.close(trader, BTC, 0, price=ENTRY)
    venue.mine(30)
    newer = venue.close(trader, BTC, 0, price=ENTRY)
    venue.settle(newer, ENTRY)
    venue.open_position(trader)
    events = venue.settle(old, ENTRY)
    cancelled = find_event(events, "MarketCloseCanceled").arguments
    assert (cancelled["cancelReason"], cancelled["index"]) == (15, 0)
    assert venue.trade(trader.address)["leverage"] == 1000

"""What an execution of openTrade does to the numbers."""

from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from sandbox import addresses
from sandbox.actors import USDC
from sandbox.artifacts import get_contract
from sandbox.listing import VAULT_FEE_PERCENT
from tests.integration.sandbox.venue import (
    BTC,
    E18,
    NVDA,
    ORACLE_FEE,
    Event,
    Order,
    Revert,
    Venue,
    find_event,
    names_of,
)


def test_the_golden_call_data_opens_a_pending_order(venue: Venue, trader: LocalAccount) -> None:
    """Facts 2.4: the encoding; here also that the trader field is ignored and the sender owns the order."""
    stranger = "0x" + "11" * 20
    arguments = Order(collateral=100 * USDC).arguments(stranger)
    data = get_contract("Trading").encode("openTrade", *arguments)
    assert (len(data), keccak(data).hex()) == (
        452,
        "d002d40ea6cc235e00b0f32cdb87c45bb3c80d91fa08fcbd42fcaccd86dada36",
    )
    events = venue.act(trader, "openTrade", *arguments)
    order_id = 800_001
    assert [(event.contract, event.name) for event in events] == [
        ("Usdc", "Transfer"),
        ("PriceUpKeep", "PriceRequestedV2"),
        ("Trading", "MarketOpenOrderInitiated"),
    ]
    assert events[2].arguments == {"orderId": order_id, "trader": trader.address, "pairIndex": BTC}
    assert events[1].arguments == {
        "orderId": order_id,
        "orderType": 0,
        "feed": bytes.fromhex("00039d9e45394f473ab1f050a1b963e6b05351e52d71e507509ada0c95ed75b8"),
        "timestamp": venue.now(),
    }
    pending = venue.read("TradingStorage", "reqID_pendingMarketOrder", order_id)
    assert pending == {
        "block": venue.node.head().number,
        "wantedPrice": 90_000 * E18,
        "slippageP": 100,
        "trade": {
            "collateral": 100 * USDC,
            "openPrice": 0,
            "tp": 0,
            "sl": 0,
            "trader": trader.address,
            "leverage": 1000,
            "pairIndex": BTC,
            "index": 0,
            "buy": True,
            "isDayTrade": False,
        },
        "percentage": 0,
    }
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == [order_id]
    assert venue.read("TradingStorage", "pendingMarketOpenCount", trader.address, BTC) == 1


def test_an_execution_stores_the_numbers_of_the_worked_example(venue: Venue, trader: LocalAccount) -> None:
    """Facts 3.3: 1000 USDC, 10x, 90000, taker 10 bps, oracle fee 0.10."""
    order_id = venue.place(trader, Order(sl=1))
    vault_before = venue.usdc(addresses.VAULT)
    events = venue.settle(order_id, 90_000 * E18)
    stored = {
        "collateral": 989_900_000,
        "openPrice": 90_000 * E18,
        "tp": 171_000 * E18,
        "sl": 82_350 * E18,
        "trader": trader.address,
        "leverage": 1000,
        "pairIndex": BTC,
        "index": 0,
        "buy": True,
        "isDayTrade": False,
    }
    oi = 109_988_888_888_888_888
    executed = find_event(events, "MarketOpenExecuted")
    assert executed.arguments == {"orderId": order_id, "t": stored, "priceImpactP": 0, "tradeNotional": oi}
    assert venue.trade(trader.address) == stored
    now = venue.now()
    assert venue.info(trader.address) == {
        "tradeId": order_id,
        "oiNotional": oi,
        "initialLeverage": 1000,
        "tpLastUpdated": now,
        "slLastUpdated": now,
        "createdAt": now,
        "deprecatedBeingMarketClosed": False,
    }
    fee_to_vault = 10_000_000 * VAULT_FEE_PERCENT // 100
    assert find_event(events, "DevFeeCharged").arguments["amount"] == 10_000_000 - fee_to_vault
    assert find_event(events, "VaultOpeningFeeCharged").arguments["amount"] == fee_to_vault
    assert find_event(events, "OracleFeeCharged").arguments == {
        "tradeId": order_id,
        "trader": trader.address,
        "amount": ORACLE_FEE,
    }
    assert venue.usdc(addresses.VAULT) - vault_before == fee_to_vault
    assert venue.read("TradingStorage", "openInterest", BTC, 0) == oi
    assert venue.read("TradingStorage", "getPendingOrderIds", trader.address) == []
    assert venue.read("PairsStorage", "groupCollateral", BTC, True) == 989_900_000
    margin = venue.read("PairInfos", "getTradeLiquidationMargin", 989_900_000, 1000, 10_000)
    assert margin == 24_747_500
    price = venue.read(
        "PairInfos", "getTradeLiquidationPrice", trader.address, BTC, 0, 90_000 * E18, True, 989_900_000, 1000, 10_000
    )
    assert price == 81_225 * E18


def test_a_long_pays_the_ask_and_a_short_gets_the_bid(venue: Venue, trader: LocalAccount) -> None:
    mid, bid, ask = 90_000 * E18, 89_991 * E18, 90_009 * E18
    for buy, price in ((True, ask), (False, bid)):
        events = venue.settle(venue.place(trader, Order(buy=buy)), mid, bid, ask)
        opened = find_event(events, "MarketOpenExecuted").arguments
        assert (opened["t"]["openPrice"], opened["priceImpactP"]) == (price, 10**16)


def test_a_short_takes_the_opposite_bounds(venue: Venue, trader: LocalAccount) -> None:
    at_ten = venue.open_position(trader, Order(buy=False, sl=10**24))
    assert (at_ten["tp"], at_ten["sl"]) == (9_000 * E18, 97_650 * E18)
    # +900 % is below zero at 5x: the price is floored.
    at_five = venue.open_position(trader, Order(buy=False, leverage=500))
    assert at_five["tp"] == 0


def test_the_notional_is_rounded_up_before_the_fee(venue: Venue, trader: LocalAccount) -> None:
    """33.001201 x 3.33 = 109.89399933 -> 109.894000, whose 0.1 % is one unit more than that of 109.893999."""
    opened = venue.open_position(trader, Order(collateral=33_001_201, leverage=333))
    assert opened["collateral"] == 33_001_201 - 109_894 - ORACLE_FEE


def test_reducing_the_skew_pays_the_maker_fee_up_to_twenty_times(venue: Venue, trader: LocalAccount) -> None:
    venue.open_position(trader, Order(collateral=1000 * USDC))
    skew = venue.read("TradingStorage", "openInterest", BTC, 0) * 90_000 // 10**12
    small = venue.open_position(trader, Order(collateral=100 * USDC, buy=False))
    assert small["collateral"] == 100 * USDC - 1000 * USDC * 30_000 // 10**8 - ORACLE_FEE
    skew -= venue.read("TradingStorage", "openInterest", BTC, 1) * 90_000 // 10**12
    over = venue.open_position(trader, Order(collateral=2000 * USDC, buy=False))
    size = 20_000 * USDC
    fee = (skew * 30_000 + (size - skew) * 100_000) // 10**8
    assert over["collateral"] == 2000 * USDC - fee - ORACLE_FEE
    fast = venue.open_position(trader, Order(collateral=100 * USDC, leverage=2001))
    assert fast["collateral"] == 100 * USDC - 2001 * USDC * 100_000 // 10**6 // 100 - ORACLE_FEE


def test_the_builder_is_paid_at_once(venue: Venue, trader: LocalAccount) -> None:
    builder = "0x" + "0b" * 20
    order_id = venue.place(trader, Order(builder=(builder, 50_000)))
    assert venue.read("TradingStorage", "getBuilderData", trader.address, BTC, order_id)["builderFee"] == 50_000
    events = venue.settle(order_id, 90_000 * E18)
    assert find_event(events, "BuilderFeeCharged").arguments["amount"] == 5 * USDC
    assert venue.usdc(builder) == 5 * USDC
    assert venue.trade(trader.address)["collateral"] == 989_900_000 - 5 * USDC


def test_the_lowest_free_index_is_taken_again(venue: Venue, trader: LocalAccount) -> None:
    assert [venue.open_position(trader)["index"] for _ in range(3)] == [0, 1, 2]
    first = venue.info(trader.address)["tradeId"]
    venue.settle(venue.close(trader, BTC, 0, price=90_000 * E18), 90_000 * E18)
    venue.settle(venue.close(trader, BTC, 1, price=90_000 * E18), 90_000 * E18)
    assert venue.open_position(trader)["index"] == 0
    assert venue.info(trader.address)["tradeId"] > first
    assert venue.read("TradingStorage", "openTradesCount", trader.address, BTC) == 2


def test_a_day_trade_flag_is_kept_only_where_there_are_two_regimes(venue: Venue, trader: LocalAccount) -> None:
    assert venue.open_position(trader, Order(day_trade=True))["isDayTrade"] is False
    stock = venue.open_position(trader, Order(pair=NVDA, price=187 * E18, leverage=5000, day_trade=True))
    assert stock["isDayTrade"] is True


def test_an_answer_to_an_unknown_or_settled_order_does_nothing(venue: Venue, trader: LocalAccount) -> None:
    order_id = venue.place(trader, Order())
    venue.settle(order_id, 90_000 * E18)
    empty: list[Event] = []
    assert venue.settle(order_id, 90_000 * E18) == empty
    assert venue.settle(99, 90_000 * E18) == empty
    assert venue.force_cancel(order_id, 3) == empty


def test_only_the_keeper_answers(venue: Venue, trader: LocalAccount) -> None:
    who = trader.address.lower()
    settle = venue.refusal(trader.address, "settle", 1, 1, 1, 1, True, False, contract="PriceUpKeep")
    assert settle == Revert("NotKeeper", (who,))
    order_id = venue.place(trader, Order())
    answer = (order_id, 1, 1, 1, False)
    direct = venue.refusal(trader.address, "openTradeMarketCallback", answer, contract="TradingCallbacks")
    assert direct == Revert("NotPriceUpKeep", (who,))
    assert names_of(venue.settle(order_id, 90_000 * E18))[-1] == "MarketOpenExecuted"

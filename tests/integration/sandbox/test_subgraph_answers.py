"""The subgraph follows the chain, pages and filters as the venue's does, and can lag."""

from decimal import Decimal

import pytest

from sandbox.actors import USDC
from tests.fixtures import SandboxUrls
from tests.integration.sandbox.market import Market, pick
from tests.integration.sandbox.venue import BTC, E18, ETH, LIMIT, Order

BUILDER = "0x00000000000000000000000000000000000b111d"


@pytest.fixture
def market(sandbox: SandboxUrls) -> Market:
    """A keeper without delay, BTC at 90,000 without spread."""
    found = Market(sandbox)
    found.control.set_price(pair_id=BTC, mid=Decimal(90000), half_spread=Decimal(0))
    found.control.set_keeper(delay_seconds=0)
    return found


def test_the_integer_example_of_an_open_and_a_close(market: Market) -> None:
    trader = market.venue.create_trader()
    order_id = market.venue.place(trader, Order())
    market.await_order(order_id)
    fields = (
        "id tradeID trader index tradeType isOpen isBuy isDayTrade collateral notional tradeNotional leverage "
        "highestLeverage openPrice closePrice takeProfitPrice stopLossPrice funding closeInitiated builder builderFee "
        "pair { id from to }"
    )

    (trade,) = market.query(f"query($t: Bytes!) {{ trades(where: {{trader: $t}}) {{ {fields} }} }}", t=trader.address)[
        "trades"
    ]

    assert trade == {
        "id": str(order_id),
        "tradeID": str(order_id),
        "trader": trader.address.lower(),
        "index": "0",
        "tradeType": "Market",
        "isOpen": True,
        "isBuy": True,
        "isDayTrade": False,
        "collateral": "989900000",
        "notional": "9899000000",
        "tradeNotional": "109988888888888888",
        "leverage": "1000",
        "highestLeverage": "1000",
        "openPrice": "90000000000000000000000",
        "closePrice": None,
        "takeProfitPrice": "171000000000000000000000",
        "stopLossPrice": "0",
        "funding": "0",
        "closeInitiated": False,
        "builder": None,
        "builderFee": None,
        "pair": {"id": "0", "from": "BTC", "to": "USD"},
    }

    market.control.set_price(pair_id=BTC, mid=Decimal(91000), half_spread=Decimal(10))
    close_id = market.venue.close(trader, BTC, 0, price=91000 * E18)
    fields = (
        "id tradeID limitID orderType orderAction isBuy isCancelled cancelReason price priceAfterImpact priceImpactP "
        "collateral notional tradeNotional leverage closePercent profitPercent totalProfitPercent amountSentToTrader "
        "devFee vaultFee oracleFee liquidationFee fundingFee rolloverFee"
    )

    close = market.await_order(close_id, fields=fields)

    assert close == {
        "id": str(close_id),
        "tradeID": str(order_id),
        "limitID": None,
        "orderType": "Market",
        "orderAction": "Close",
        "isBuy": True,
        "isPending": False,
        "isCancelled": False,
        "cancelReason": None,
        "price": "91000000000000000000000",
        "priceAfterImpact": "90990000000000000000000",
        "priceImpactP": "1",
        "collateral": "989900000",
        "notional": "9899000000",
        "tradeNotional": "109988888888888888",
        "leverage": "1000",
        "closePercent": "10000",
        "profitPercent": "1100",
        "totalProfitPercent": "1100",
        "amountSentToTrader": "1098789000",
        "devFee": "0",
        "vaultFee": "0",
        "oracleFee": "100000",
        "liquidationFee": "0",
        "fundingFee": "0",
        "rolloverFee": "0",
    }


def test_edits_and_partial_closes_show(market: Market) -> None:
    trader = market.venue.create_trader()
    market.await_order(market.venue.place(trader, Order()))
    market.venue.act(trader, "updateTp", BTC, 0, 99_000 * E18)
    market.venue.act(trader, "updateSl", BTC, 0, 85_000 * E18)
    market.venue.act(trader, "topUpCollateral", BTC, 0, 100 * USDC)
    market.await_order(market.venue.close(trader, BTC, 0, percent=2500, price=90_000 * E18))
    market.control.catch_up()
    stored, info = market.venue.trade(trader.address), market.venue.info(trader.address)

    (row,) = market.query(
        "query($t: Bytes!) { trades(where: {trader: $t}) { isOpen takeProfitPrice stopLossPrice collateral leverage "
        "highestLeverage tradeNotional closeInitiated } }",
        t=trader.address,
    )["trades"]

    assert row == {
        "isOpen": True,
        "takeProfitPrice": str(99_000 * E18),
        "stopLossPrice": str(85_000 * E18),
        "collateral": str(stored["collateral"]),
        "leverage": str(stored["leverage"]),
        "highestLeverage": "1000",
        "tradeNotional": str(info["oiNotional"]),
        "closeInitiated": False,
    }


def test_a_limit_with_its_builder(market: Market) -> None:
    trader = market.venue.create_trader()
    order = Order(kind=LIMIT, slippage=0, price=80_000 * E18, tp=90_000 * E18, builder=(BUILDER, 50_000))
    index = market.venue.place(trader, order)
    market.venue.act(trader, "updateOpenLimitOrder", BTC, index, 81_000 * E18, 0, 70_000 * E18)
    market.control.catch_up()
    unique_id = market.venue.read("TradingStorage", "limitOrderIds", trader.address, BTC, index)
    fields = (
        "id uniqueId orderId trader limitType isActive isBuy collateral leverage notional tradeNotional openPrice "
        "takeProfitPrice stopLossPrice executionStarted builder builderFee pair { id }"
    )

    (limit,) = market.query(f"query($t: Bytes!) {{ limits(where: {{trader: $t}}) {{ {fields} }} }}", t=trader.address)[
        "limits"
    ]

    assert limit == {
        "id": f"{trader.address.lower()}_0_{index}",
        "uniqueId": str(unique_id),
        "orderId": None,
        "trader": trader.address.lower(),
        "limitType": "Limit",
        "isActive": True,
        "isBuy": True,
        "collateral": "1000000000",
        "leverage": "1000",
        "notional": "10000000000",
        "tradeNotional": "123456790123456790",
        "openPrice": str(81_000 * E18),
        "takeProfitPrice": "0",
        "stopLossPrice": str(70_000 * E18),
        "executionStarted": False,
        "builder": BUILDER,
        "builderFee": "50000",
        "pair": {"id": "0"},
    }
    market.venue.act(trader, "cancelOpenLimitOrder", BTC, index)
    market.control.catch_up()
    (after,) = market.query("query($t: Bytes!) { limits(where: {trader: $t}) { isActive } }", t=trader.address)[
        "limits"
    ]
    assert after == {"isActive": False}


def test_a_pair_with_its_newer_fields(market: Market) -> None:
    fields = (
        "id from to feed maxLeverage overnightMaxLeverage makerFeeP takerFeeP makerMaxLeverage maxOI accRolloverLong "
        "accRolloverShort lastRolloverLongPure brokerPremium isNegativeRolloverAllowed maxFundingFeePerBlock "
        "group { id name minLeverage maxLeverage maxCollateralP } fee { minLevPos oracleFee liqFeeP }"
    )

    pair = market.query(f'{{ pair(id: "1") {{ {fields} }} }}')["pair"]

    assert pair == {
        "id": "1",
        "from": "ETH",
        "to": "USD",
        "feed": "0x" + market.venue.read("PairsStorage", "pairFeed", ETH).hex(),
        "maxLeverage": "0",
        "overnightMaxLeverage": "0",
        "makerFeeP": "30000",
        "takerFeeP": "100000",
        "makerMaxLeverage": "2000",
        "maxOI": "5000000000000",
        "accRolloverLong": "0",
        "accRolloverShort": "0",
        "lastRolloverLongPure": "0",
        "brokerPremium": "0",
        "isNegativeRolloverAllowed": False,
        "maxFundingFeePerBlock": "0",
        "group": {"id": "0", "name": "crypto", "minLeverage": "100", "maxLeverage": "10000", "maxCollateralP": "5000"},
        "fee": {"minLevPos": "4500000", "oracleFee": "100000", "liqFeeP": str(market_liq_fee(market))},
    }


def market_liq_fee(market: Market) -> int:
    """The liquidation fee of the one fee group."""
    return int(market.venue.read("PairsStorage", "fees", 0)["liqFeeP"])


def test_pause_shows_in_the_meta_data(market: Market) -> None:
    query = "{ metaDatas { id liqMarginThresholdP isTradingPaused isCallbackPaused } }"
    assert market.query(query)["metaDatas"] == [
        {"id": "ostium", "liqMarginThresholdP": "25", "isTradingPaused": False, "isCallbackPaused": False}
    ]
    market.venue.admin("Trading", "pause")
    try:
        market.control.catch_up()
        assert market.query(query)["metaDatas"][0]["isTradingPaused"] is True
    finally:
        market.venue.admin("Trading", "pause")


def test_a_slot_taken_again_is_another_trade(market: Market) -> None:
    trader = market.venue.create_trader()
    for _ in range(2):
        market.await_order(market.venue.place(trader, Order()))
        market.await_order(market.venue.close(trader, BTC, 0, price=90_000 * E18))

    rows = [
        pick(row, "index", "isOpen")
        for row in market.query(
            "query($t: Bytes!) { trades(where: {trader: $t}, orderBy: tradeID) { index isOpen tradeID } }",
            t=trader.address,
        )["trades"]
    ]

    assert rows == [("0", False), ("0", False)]


def test_a_market_close_that_liquidates_pays_nothing(market: Market) -> None:
    """The event reports the computed value all the same; the row says what the trader got."""
    trader = market.venue.create_trader()
    market.await_order(market.venue.place(trader, Order()))
    before = market.venue.usdc(trader.address)
    market.control.set_keeper(is_automating=False)
    market.control.set_price(pair_id=BTC, mid=Decimal("81100"), half_spread=Decimal(0))

    close_id = market.venue.close(trader, BTC, 0, price=81_100 * E18)

    fields = "orderAction amountSentToTrader totalProfitPercent liquidationFee"
    close = market.await_order(close_id, fields=fields)
    assert pick(close, "orderAction", "amountSentToTrader", "totalProfitPercent") == ("Close", "0", "-10000")
    # 10 x (81,100 - 90,000) / 90,000 = -98.888888 %: the rest of 989.9 goes to the vault.
    assert close["liquidationFee"] == "10998898"
    assert market.venue.usdc(trader.address) == before

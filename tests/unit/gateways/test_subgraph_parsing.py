"""Rows of the index: strings of digits into integers, and nothing guessed."""

from dataclasses import replace
from typing import Any

import pytest

from ostium_service.gateways.failures import BadAnswer
from ostium_service.gateways.ostium_subgraph import GroupRow, LimitRow, OrderRow, PairRow, TradeRow
from ostium_service.gateways.subgraph_parsing import parse_limit, parse_order, parse_pair, parse_trade
from ostium_service.types import Address

TRADER = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
PAIR: dict[str, Any] = {
    "id": "0",
    "from": "BTC",
    "to": "USD",
    "feed": "0x00039d9e45394f473ab1f050a1b963e6b05351e52d71e507509ada0c95ed75b8",
    "overnightMaxLeverage": "0",
    "longOI": "16190118096356189197",
    "shortOI": "19987432486160506187",
    "maxOI": "10000000000000",
    "makerFeeP": "30000",
    "takerFeeP": "100000",
    "makerMaxLeverage": "2000",
    "accRolloverLong": "-32221774832607031",
    "accRolloverShort": "5",
    "lastRolloverLongPure": "301176961",
    "brokerPremium": "159000000",
    "isNegativeRolloverAllowed": False,
    "lastRolloverBlock": "390299858",
    "accFundingLong": "207871530362541128",
    "accFundingShort": "-1376774945440874857",
    "lastFundingBlock": "419641384",
    "maxFundingFeePerBlock": "0",
    "lastFundingRate": "-0",
    "hillInflectionPoint": "120500000000000000",
    "hillPosScale": "92",
    "hillNegScale": "117",
    "springFactor": "96000000000000",
    "sFactorUpScaleP": "20000",
    "sFactorDownScaleP": "5000",
    "lastTradePrice": "90312375737906340000000",
    "maxLeverage": "0",
    "group": {"id": "0", "name": "crypto", "minLeverage": "100", "maxLeverage": "10000"},
    "fee": {"minLevPos": "4500000", "oracleFee": "100000"},
}
TRADE: dict[str, Any] = {
    "id": "812345",
    "tradeID": "812345",
    "trader": TRADER.lower(),
    "index": "0",
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
    "funding": "207871530362541128",
    "rollover": "-32221774832607031",
    "timestamp": "1790500000",
    "pair": {"id": "0"},
}
LIMIT: dict[str, Any] = {
    "id": f"{TRADER.lower()}_5_2",
    "uniqueId": "4711",
    "trader": TRADER.lower(),
    "isActive": True,
    "isBuy": True,
    "isDayTrade": False,
    "limitType": "Limit",
    "collateral": "250000000",
    "leverage": "2000",
    "openPrice": "4550000000000000000000",
    "takeProfitPrice": "4700000000000000000000",
    "stopLossPrice": "0",
    "initiatedAt": "1790500100",
    "pair": {"id": "5"},
}
ORDER: dict[str, Any] = {
    "id": "812399",
    "tradeID": "812345",
    "limitID": None,
    "trader": TRADER.lower(),
    "orderType": "Market",
    "orderAction": "Close",
    "isBuy": True,
    "isPending": False,
    "isCancelled": False,
    "cancelReason": None,
    "price": "91000000000000000000000",
    "priceAfterImpact": "90990000000000000000000",
    "collateral": "989900000",
    "notional": "9899000000",
    "tradeNotional": "109988888888888888",
    "leverage": "1000",
    "closePercent": "10000",
    "profitPercent": "1100",
    "totalProfitPercent": "1091",
    "amountSentToTrader": "1097899000",
    "devFee": "0",
    "vaultFee": "0",
    "oracleFee": "100000",
    "liquidationFee": "0",
    "fundingFee": "0",
    "rolloverFee": "890000",
    "initiatedAt": "1790503600",
    "executedAt": "1790503602",
    "initiatedTx": "0xab",
    "executedTx": "0xcd",
    "pair": {"id": "0"},
}


def test_pair() -> None:
    assert parse_pair(PAIR) == PairRow(
        id=0,
        base="BTC",
        quote="USD",
        feed="0x00039d9e45394f473ab1f050a1b963e6b05351e52d71e507509ada0c95ed75b8",
        group=GroupRow(id=0, name="crypto", min_leverage=100, max_leverage=10_000),
        max_leverage=0,
        overnight_max_leverage=0,
        maker_max_leverage=2000,
        maker_fee=30_000,
        taker_fee=100_000,
        min_position_value=4_500_000,
        oracle_fee=100_000,
        long_oi=16_190_118_096_356_189_197,
        short_oi=19_987_432_486_160_506_187,
        max_oi=10_000_000_000_000,
        last_trade_price=90_312_375_737_906_340_000_000,
        acc_rollover_long=-32_221_774_832_607_031,
        acc_rollover_short=5,
        last_rollover_block=390_299_858,
        last_rollover_long_pure=301_176_961,
        broker_premium=159_000_000,
        is_negative_rollover_allowed=False,
        acc_funding_long=207_871_530_362_541_128,
        acc_funding_short=-1_376_774_945_440_874_857,
        last_funding_block=419_641_384,
        last_funding_rate=0,
        max_funding_fee_per_block=0,
        hill_inflection_point=120_500_000_000_000_000,
        hill_pos_scale=92,
        hill_neg_scale=117,
        spring_factor=96_000_000_000_000,
        s_factor_up_scale=20_000,
        s_factor_down_scale=5_000,
    )


def test_trade() -> None:
    expected = TradeRow(
        id="812345",
        trade_id=812_345,
        trader=TRADER,
        pair_id=0,
        index=0,
        is_open=True,
        is_buy=True,
        is_day_trade=False,
        collateral=989_900_000,
        notional=9_899_000_000,
        trade_notional=109_988_888_888_888_888,
        leverage=1000,
        highest_leverage=1000,
        open_price=90_000 * 10**18,
        close_price=None,
        take_profit_price=171_000 * 10**18,
        stop_loss_price=0,
        funding=207_871_530_362_541_128,
        rollover=-32_221_774_832_607_031,
        timestamp=1_790_500_000,
    )
    assert parse_trade(TRADE) == expected
    assert parse_trade(TRADE | {"closePrice": "7"}) == replace(expected, close_price=7)


def test_limit_takes_its_slot_from_its_id() -> None:
    expected = LimitRow(
        id=f"{TRADER.lower()}_5_2",
        unique_id=4711,
        trader=TRADER,
        pair_id=5,
        index=2,
        is_active=True,
        is_buy=True,
        is_day_trade=False,
        limit_type="Limit",
        collateral=250_000_000,
        leverage=2000,
        open_price=4550 * 10**18,
        take_profit_price=4700 * 10**18,
        stop_loss_price=0,
        initiated_at=1_790_500_100,
    )
    assert parse_limit(LIMIT) == expected
    for odd in ("", "0xab", "a_b_c", "0xab_5_"):
        with pytest.raises(BadAnswer, match="row"):
            parse_limit(LIMIT | {"id": odd})


def test_order() -> None:
    expected = OrderRow(
        id=812_399,
        trade_id=812_345,
        limit_id=None,
        trader=TRADER,
        pair_id=0,
        order_type="Market",
        order_action="Close",
        is_buy=True,
        is_pending=False,
        is_cancelled=False,
        cancel_reason=None,
        price=91_000 * 10**18,
        price_after_impact=90_990 * 10**18,
        collateral=989_900_000,
        notional=9_899_000_000,
        trade_notional=109_988_888_888_888_888,
        leverage=1000,
        close_percent=10_000,
        profit_percent=1100,
        total_profit_percent=1091,
        amount_sent_to_trader=1_097_899_000,
        oracle_fee=100_000,
        dev_fee=0,
        vault_fee=0,
        liquidation_fee=0,
        funding_fee=0,
        rollover_fee=890_000,
        initiated_at=1_790_503_600,
        executed_at=1_790_503_602,
        initiated_tx="0xab",
        executed_tx="0xcd",
    )
    assert parse_order(ORDER) == expected
    pending = {"isPending": True, "executedAt": None, "executedTx": None, "tradeID": None, "profitPercent": None}
    assert parse_order(ORDER | pending) == replace(
        expected, is_pending=True, executed_at=None, executed_tx=None, trade_id=None, profit_percent=None
    )


@pytest.mark.parametrize("value", ["1.5", "", " 1", "1e3", "0x1", "\u0661", None, True, 1.5, [], "1" * 97, "+1"])
def test_m6_anything_but_digits_is_a_bad_row(value: object) -> None:
    with pytest.raises(BadAnswer, match="row"):
        parse_trade(TRADE | {"collateral": value})


@pytest.mark.parametrize(
    "change",
    [
        *({"trader": "0x12"}, {"trader": None}, {"isOpen": "true"}, {"isOpen": 1}, {"isBuy": None}, {"pair": None}),
        *({"pair": []}, {"pair": {}}, {"id": 5}, {"closePrice": "x"}),
    ],
    ids=str,
)
def test_m6_other_types_are_bad_rows(change: dict[str, object]) -> None:
    with pytest.raises(BadAnswer, match="row"):
        parse_trade(TRADE | change)


@pytest.mark.parametrize("row", [None, [], "x", {}])
def test_no_row_is_a_bad_row(row: object) -> None:
    for parse in (parse_pair, parse_trade, parse_limit, parse_order):
        with pytest.raises(BadAnswer, match="row"):
            parse(row)

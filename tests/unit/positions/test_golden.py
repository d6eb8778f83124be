"""The vendor's SDK as it was run (facts 8.2), beside ours from the same rows: equal where it is right.

Where it is wrong (facts 7, pitfalls 33 to 39) ours follows the contract, and the test says what the SDK makes of it.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from markets.catalogue import build_markets
from markets.funding import compute_target_rate, convert_interest
from markets.rates import describe_funding, project_funding_rates, project_rollover
from ostium_service.gateways.ostium_contracts import OpenTrade, OpenTradeInfo
from ostium_service.gateways.ostium_subgraph import GroupRow, PairRow, TradeRow
from ostium_service.money import PRICE_DECIMALS, USDC_DECIMALS, units_string
from ostium_service.types import Address, LeverageUnits, PriceUnits, UsdcUnits
from positions.formulas import compute_value
from positions.valuation import compute_open_fees, value_liquidation, value_profit
from tests.unit.markets.rows import make_pair

TRADER = Address("0x1111111111111111111111111111111111111111")
BLOCK = 419_641_384
PRICE = 10**18
USDC = 10**6
CURVE: dict[str, Any] = {
    "max_oi": 10_000_000 * USDC,
    "last_funding_rate": 740_836_496,
    "max_funding_fee_per_block": 7_610_350_000,
    "hill_inflection_point": 120_500_000_000_000_000,
    "hill_pos_scale": 92,
    "hill_neg_scale": 117,
    "spring_factor": 96_000_000_000_000,
    "s_factor_up_scale": 20_000,
    "s_factor_down_scale": 5_000,
}


def make_case(*, long: bool, collateral: int, leverage: int, open_price: int, highest: int = 0) -> Any:
    """The chain's record of a position and the index's row of it, accumulators at zero."""
    trade = OpenTrade(
        collateral=UsdcUnits(collateral * USDC),
        open_price=PriceUnits(open_price * PRICE),
        take_profit=PriceUnits(0),
        stop_loss=PriceUnits(0),
        trader=TRADER,
        leverage=LeverageUnits(leverage),
        pair_id=0,
        index=0,
        is_long=long,
        is_day_trade=False,
    )
    info = OpenTradeInfo(
        trade_id=1,
        oi_notional=0,
        initial_leverage=LeverageUnits(highest or leverage),
        tp_last_updated=0,
        sl_last_updated=0,
        created_at=0,
    )
    fields: dict[str, Any] = {**dict.fromkeys(TradeRow.__dataclass_fields__, 0), "id": "1", "trader": TRADER}
    return trade, info, TradeRow(**fields)


def pair_of(**changes: Any) -> PairRow:
    return make_pair(0, "BTC", last_rollover_block=BLOCK, last_funding_block=BLOCK, **changes)


def value(case: Any, pair: PairRow, *, blocks: int, exit_price: int, max_leverage: int) -> dict[str, str]:
    """The numbers of the SDK's get_trade_metrics, from our own rows."""
    trade, info, row = case
    fees = compute_open_fees(trade=trade, opened=row, pair=pair, block=BLOCK + blocks)
    profit = value_profit(trade=trade, info=info, exit_price=PriceUnits(exit_price))
    kept = compute_value(
        collateral=trade.collateral, profit_percent=profit.percent, rollover=fees.rollover, funding=fees.funding
    )
    liquidation = value_liquidation(
        trade=trade, max_leverage=LeverageUnits(max_leverage), margin_percent=25, fees=fees.total
    )
    return {
        "pnl": units_string(profit.amount, USDC_DECIMALS),
        "rollover": units_string(fees.rollover, USDC_DECIMALS),
        "funding": units_string(fees.funding, USDC_DECIMALS),
        "netPnl": units_string(profit.amount - fees.total, USDC_DECIMALS),
        "netValue": units_string(kept, USDC_DECIMALS),
        "liquidationPrice": units_string(liquidation, PRICE_DECIMALS),
    }


def test_example_a_and_pitfall_35_rollover_from_the_accumulators_of_each_side() -> None:
    """The SDK reads the first version's accumulator, frozen since the venue's move; its numbers are of then."""
    case = make_case(long=True, collateral=1000, leverage=1000, open_price=90_000)
    at_opening = 32_221_774_832_607_031
    case = (*case[:2], replace(case[2], rollover=at_opening))
    pair = pair_of(acc_rollover_long=at_opening, acc_rollover_short=7, last_rollover_long_pure=260_000_000)
    assert value(case, pair, blocks=345_600, exit_price=90_990 * PRICE, max_leverage=10_000) == {
        "pnl": "110",
        "rollover": "0.89856",
        "funding": "0",
        "netPnl": "109.10144",
        "netValue": "1109.10144",
        "liquidationPrice": "81233.08704",
    }
    assert project_rollover(pair=pair, block=BLOCK + 345_600, is_long=False) == 7, "a short does not receive it"


def test_example_b_a_short_at_fifty_times() -> None:
    """The SDK has 4684.313239: it cuts the margin's share to six digits, which the contract's integers do not."""
    case = make_case(long=False, collateral=500, leverage=5000, open_price=4600)
    pair = pair_of(broker_premium=437_500_000)
    told = value(case, pair, blocks=10_000, exit_price=4640 * PRICE + PRICE // 2, max_leverage=15_000)
    liquidation = Decimal(told.pop("liquidationPrice"))
    assert told == {
        "pnl": "-220.108695",
        "rollover": "0.109375",
        "funding": "0",
        "netPnl": "-220.21807",
        "netValue": "279.78193",
    }
    exact = Decimal(4600) + Decimal(4600) * (500 - Decimal(500) * 25 * 50 / (100 * 150) - Decimal("0.109375")) / 25_000
    assert abs(liquidation - exact) < Decimal("0.000001")
    assert abs(liquidation - Decimal("4684.313239")) < Decimal("0.0001")


def test_example_c_and_pitfall_36_open_interest_is_in_base_units() -> None:
    """The SDK's own path takes base units for USD and has funding of -6.15; with 6 and 4 million USD it is +6.95."""
    price = 100 * PRICE
    units = {"long_oi": 60_000 * PRICE, "short_oi": 40_000 * PRICE, "last_trade_price": price}
    assert convert_interest(base_units=units["long_oi"], price=PriceUnits(price)) == 6_000_000 * USDC
    case = make_case(long=True, collateral=200, leverage=2500, open_price=100, highest=5000)
    told = value(case, pair_of(**CURVE, **units), blocks=345_600, exit_price=121 * PRICE, max_leverage=10_000)
    assert told == {
        "pnl": "900",
        "rollover": "0",
        "funding": "6.954395",
        "netPnl": "893.045605",
        "netValue": "1093.045605",
        "liquidationPrice": "96.3890879",
    }


def test_pitfall_37_the_skew_has_six_digits_and_not_none() -> None:
    """The SDK rounds 2,000,000 of 10,000,000 to 0, which leaves the inflection alone as the target."""
    state = describe_funding(pair_of(**CURVE))
    target = compute_target_rate(
        state=state, long_interest=UsdcUnits(6_000_000 * USDC), short_interest=UsdcUnits(4_000_000 * USDC)
    )
    without_skew = CURVE["max_funding_fee_per_block"] * CURVE["hill_inflection_point"] // 10**18
    assert (target, without_skew) == (4_126_583_689, 917_047_175)


def test_pitfall_39_an_empty_pair_and_no_spring_divide_by_nothing() -> None:
    """The SDK raises InvalidOperation for both."""
    empty = pair_of(**{**CURVE, "max_oi": 0, "spring_factor": 0})
    rate, target = project_funding_rates(pair=empty, block=BLOCK + 345_600)
    assert (rate, target) == (CURVE["last_funding_rate"], 917_047_175)


GOLD = GroupRow(id=3, name="commodities", min_leverage=100, max_leverage=15_000)
STOCKS = GroupRow(id=2, name="stocks", min_leverage=100, max_leverage=10_000)


@pytest.mark.parametrize(
    ("pair", "is_day_trade", "case", "maximum", "liquidation"),
    [
        pytest.param(
            make_pair(8, "XAG", group=GOLD, max_leverage=5000),
            False,
            make_case(long=True, collateral=500, leverage=2000, open_price=90),
            5000,
            "85.95",
            id="XAG: the SDK takes the group's 150x and has 85.65",
        ),
        pytest.param(
            make_pair(20, "COIN", group=STOCKS, max_leverage=5000),
            True,
            make_case(long=True, collateral=500, leverage=2000, open_price=90),
            5000,
            "85.95",
            id="COIN: 50x of its own, 100x of the group",
        ),
        pytest.param(
            make_pair(18, "NVDA", group=STOCKS, overnight_max_leverage=1000),
            False,
            make_case(long=True, collateral=100, leverage=1000, open_price=187),
            1000,
            "172.975",
            id="NVDA overnight: the SDK takes the day's 100x and has 168.7675",
        ),
    ],
)
def test_pitfalls_33_and_34_the_effective_maximum_is_the_pairs_own_before_the_groups(
    pair: PairRow, is_day_trade: bool, case: Any, maximum: int, liquidation: str
) -> None:
    [market] = build_markets([pair])
    assert market.effective_max_leverage(is_day_trade=is_day_trade) == maximum
    told = value(case, pair, blocks=0, exit_price=case[0].open_price, max_leverage=maximum)
    assert told["liquidationPrice"] == liquidation

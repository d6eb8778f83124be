"""What a position is worth now, from the chain's record of it, its pair's accumulators and a quote. Pure."""

from dataclasses import dataclass

from ostium_service.gateways.ostium_contracts import OpenTrade, OpenTradeInfo
from ostium_service.gateways.ostium_subgraph import PairRow, TradeRow
from ostium_service.types import LeverageUnits, PriceUnits, UsdcUnits
from positions.formulas import (
    compute_accrued_fee,
    compute_liquidation_price,
    compute_profit,
    compute_profit_percent,
    compute_rollover_accumulator,
    compute_take_profit_limit,
)
from positions.funding import FundingState, compute_funding_accumulators, convert_interest


@dataclass(frozen=True, slots=True)
class Profit:
    """Profit before rollover and funding: USDC units, and percent of the collateral x 1e6."""

    amount: UsdcUnits
    percent: int


def value_profit(*, trade: OpenTrade, info: OpenTradeInfo, exit_price: PriceUnits) -> Profit:
    """Profit at a close price: the bid for a long, the ask for a short."""
    percent = compute_profit_percent(
        open_price=trade.open_price,
        exit_price=exit_price,
        is_long=trade.is_long,
        leverage=trade.leverage,
        initial_leverage=info.initial_leverage,
    )
    return Profit(amount=compute_profit(collateral=trade.collateral, profit_percent=percent), percent=percent)


def compute_open_fees(*, trade: OpenTrade, opened: TradeRow | None, pair: PairRow, block: int) -> int:
    """Rollover and funding owed at L2 block `block`, in USDC units.

    `opened` is the index's row with the accumulators at opening. Without one the position is younger than the index's
    lag, and what it owes so far is taken as nothing.
    """
    if opened is None:
        return 0
    rollover = compute_rollover_accumulator(
        accumulated=pair.acc_rollover_long if trade.is_long else pair.acc_rollover_short,
        last_block=pair.last_rollover_block,
        block=block,
        pure_rate=pair.last_rollover_long_pure,
        broker_premium=pair.broker_premium,
        is_long=trade.is_long,
        negative_allowed=pair.is_negative_rollover_allowed,
    )
    long, short = compute_funding_accumulators(
        state=describe_funding(pair),
        block=block,
        long_interest=convert_interest(base_units=pair.long_oi, price=PriceUnits(pair.last_trade_price)),
        short_interest=convert_interest(base_units=pair.short_oi, price=PriceUnits(pair.last_trade_price)),
    )
    changes = (rollover - opened.rollover, (long if trade.is_long else short) - opened.funding)
    return sum(
        compute_accrued_fee(accumulator_change=change, collateral=trade.collateral, leverage=trade.leverage)
        for change in changes
    )


def describe_funding(pair: PairRow) -> FundingState:
    """The pair's funding parameters as the formulas take them."""
    return FundingState(
        accumulated_long=pair.acc_funding_long,
        accumulated_short=pair.acc_funding_short,
        last_rate=pair.last_funding_rate,
        max_rate=pair.max_funding_fee_per_block,
        last_block=pair.last_funding_block,
        cap=UsdcUnits(pair.max_oi),
        inflection=pair.hill_inflection_point,
        positive_scale=pair.hill_pos_scale,
        negative_scale=pair.hill_neg_scale,
        spring=pair.spring_factor,
        spring_up_percent=pair.s_factor_up_scale,
        spring_down_percent=pair.s_factor_down_scale,
    )


def value_liquidation(*, trade: OpenTrade, max_leverage: LeverageUnits, margin_percent: int, fees: int) -> PriceUnits:
    """The mid price that liquidates the position; `max_leverage` is the one effective for it."""
    return compute_liquidation_price(
        open_price=trade.open_price,
        is_long=trade.is_long,
        collateral=trade.collateral,
        leverage=trade.leverage,
        max_leverage=max_leverage,
        margin_percent=margin_percent,
        fees=fees,
    )


def has_automatic_take_profit(*, trade: OpenTrade, info: OpenTradeInfo) -> bool:
    """Whether the take-profit is the +900 % one that the contract sets by itself."""
    limit = compute_take_profit_limit(
        open_price=trade.open_price, leverage=info.initial_leverage, is_long=trade.is_long
    )
    return trade.take_profit == limit

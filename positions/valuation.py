"""What a position is worth now, from the chain's record of it, its pair's accumulators and a quote. Pure."""

from dataclasses import dataclass

from markets.rates import project_funding, project_rollover
from ostium_service.gateways.ostium_contracts import OpenTrade, OpenTradeInfo
from ostium_service.gateways.ostium_subgraph import PairRow, TradeRow
from ostium_service.types import LeverageUnits, PriceUnits, UsdcUnits
from positions.formulas import (
    compute_accrued_fee,
    compute_liquidation_price,
    compute_profit,
    compute_profit_percent,
    compute_take_profit_limit,
)


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


@dataclass(frozen=True, slots=True)
class OpenFees:
    """What a position owes, in USDC units; negative where it receives."""

    rollover: int
    funding: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.rollover + self.funding


def compute_open_fees(*, trade: OpenTrade, opened: TradeRow | None, pair: PairRow, block: int) -> OpenFees:
    """Rollover and funding owed at L2 block `block`.

    `opened` is the index's row with the accumulators at opening. Without one the position is younger than the index's
    lag, and what it owes so far is taken as nothing.
    """
    if opened is None:
        return OpenFees(rollover=0, funding=0)
    long, short = project_funding(pair=pair, block=block)
    changes = (
        project_rollover(pair=pair, block=block, is_long=trade.is_long) - opened.rollover,
        (long if trade.is_long else short) - opened.funding,
    )
    rollover, funding = (
        compute_accrued_fee(accumulator_change=change, collateral=trade.collateral, leverage=trade.leverage)
        for change in changes
    )
    return OpenFees(rollover=rollover, funding=funding)


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

"""Rows of the venue's subgraph as frozen integers, scaled as the chain scales them.

Prices 1e18, USDC 1e6, leverage 1e2, open interest in base units x 1e18, fees per pair 1e6 of one percent, accumulators
and per-block rates 1e18.
"""

from dataclasses import dataclass

from ostium_service.types import Address


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group of pairs; its maximum leverage counts only for pairs without their own."""

    id: int
    name: str
    min_leverage: int
    max_leverage: int


@dataclass(frozen=True, slots=True)
class PairRow:
    """A listed pair. `max_leverage` 0: the group's; `overnight_max_leverage` 0: no overnight regime."""

    id: int
    base: str
    quote: str
    feed: str
    group: GroupRow
    max_leverage: int
    overnight_max_leverage: int
    maker_max_leverage: int
    maker_fee: int
    taker_fee: int
    min_position_value: int
    oracle_fee: int
    long_oi: int
    short_oi: int
    max_oi: int
    last_trade_price: int
    acc_rollover_long: int
    acc_rollover_short: int
    last_rollover_block: int
    last_rollover_long_pure: int
    broker_premium: int
    is_negative_rollover_allowed: bool
    acc_funding_long: int
    acc_funding_short: int
    last_funding_block: int
    last_funding_rate: int
    max_funding_fee_per_block: int
    hill_inflection_point: int
    hill_pos_scale: int
    hill_neg_scale: int
    spring_factor: int
    s_factor_up_scale: int
    s_factor_down_scale: int


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A position. `funding` and `rollover` are accumulator snapshots at opening, not amounts."""

    id: str
    trade_id: int
    trader: Address
    pair_id: int
    index: int
    is_open: bool
    is_buy: bool
    is_day_trade: bool
    collateral: int
    notional: int
    trade_notional: int
    leverage: int
    highest_leverage: int
    open_price: int
    close_price: int | None
    take_profit_price: int
    stop_loss_price: int
    funding: int
    rollover: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A resting order; `id` is `<trader>_<pair>_<index>`, `unique_id` the contract's counter, `limit_type` opaque."""

    id: str
    unique_id: int | None
    trader: Address
    pair_id: int
    index: int
    is_active: bool
    is_buy: bool
    is_day_trade: bool
    limit_type: str
    collateral: int
    leverage: int
    open_price: int
    take_profit_price: int
    stop_loss_price: int
    initiated_at: int


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A price request and what became of it; `profit_percent` 1e2 of one percent, amounts USDC 1e6."""

    id: int
    trade_id: int | None
    limit_id: str | None
    trader: Address
    pair_id: int
    order_type: str
    order_action: str
    is_buy: bool
    is_pending: bool
    is_cancelled: bool
    cancel_reason: str | None
    price: int | None
    price_after_impact: int | None
    collateral: int
    notional: int
    trade_notional: int
    leverage: int
    close_percent: int | None
    profit_percent: int | None
    total_profit_percent: int | None
    amount_sent_to_trader: int | None
    oracle_fee: int | None
    dev_fee: int | None
    vault_fee: int | None
    liquidation_fee: int | None
    funding_fee: int | None
    rollover_fee: int | None
    initiated_at: int
    executed_at: int | None
    initiated_tx: str
    executed_tx: str | None

"""JSON of the venue's subgraph into rows. Numbers are strings of digits; anything odd is a BadAnswer `row`."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address

from ostium_service.gateways.failures import BadAnswer, System
from ostium_service.gateways.subgraph_rows import GroupRow, LimitRow, OrderRow, PairRow, TradeRow
from ostium_service.types import Address

T = TypeVar("T")

_INTEGER = re.compile(r"-?[0-9]{1,96}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def bad_row() -> BadAnswer:
    """A BadAnswer of the subgraph."""
    return BadAnswer(System.SUBGRAPH, "row")


class Fields:
    """One JSON object read strictly, field by field."""

    def __init__(self, row: object) -> None:
        if not isinstance(row, dict):
            raise bad_row()
        self._row: Mapping[str, Any] = row

    def integer(self, name: str) -> int:
        """A number written as a string of digits (a JSON integer counts too)."""
        value = self._row.get(name)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise bad_row()

    def text(self, name: str) -> str:
        """A string."""
        value = self._row.get(name)
        if not isinstance(value, str):
            raise bad_row()
        return value

    def flag(self, name: str) -> bool:
        """A JSON boolean."""
        value = self._row.get(name)
        if not isinstance(value, bool):
            raise bad_row()
        return value

    def address(self, name: str) -> Address:
        """An address, answered in EIP-55 form."""
        value = self._row.get(name)
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            raise bad_row()
        return Address(to_checksum_address(value))

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """None for null or a field that is absent."""
        return None if self._row.get(name) is None else read(name)

    def inner(self, name: str) -> "Fields":
        """A nested object."""
        return Fields(self._row.get(name))


def parse_pair(row: object) -> PairRow:
    """A pair with its group and fee."""
    f = Fields(row)
    group, fee = f.inner("group"), f.inner("fee")
    return PairRow(
        id=f.integer("id"),
        base=f.text("from"),
        quote=f.text("to"),
        feed=f.text("feed"),
        group=GroupRow(
            group.integer("id"), group.text("name"), group.integer("minLeverage"), group.integer("maxLeverage")
        ),
        min_position_value=fee.integer("minLevPos"),
        oracle_fee=fee.integer("oracleFee"),
        is_negative_rollover_allowed=f.flag("isNegativeRolloverAllowed"),
        **{attribute: f.integer(field) for attribute, field in PAIR_INTEGERS.items()},
    )


PAIR_INTEGERS = {
    "max_leverage": "maxLeverage",
    "overnight_max_leverage": "overnightMaxLeverage",
    "maker_max_leverage": "makerMaxLeverage",
    "maker_fee": "makerFeeP",
    "taker_fee": "takerFeeP",
    "long_oi": "longOI",
    "short_oi": "shortOI",
    "max_oi": "maxOI",
    "last_trade_price": "lastTradePrice",
    "acc_rollover_long": "accRolloverLong",
    "acc_rollover_short": "accRolloverShort",
    "last_rollover_block": "lastRolloverBlock",
    "last_rollover_long_pure": "lastRolloverLongPure",
    "broker_premium": "brokerPremium",
    "acc_funding_long": "accFundingLong",
    "acc_funding_short": "accFundingShort",
    "last_funding_block": "lastFundingBlock",
    "last_funding_rate": "lastFundingRate",
    "max_funding_fee_per_block": "maxFundingFeePerBlock",
    "hill_inflection_point": "hillInflectionPoint",
    "hill_pos_scale": "hillPosScale",
    "hill_neg_scale": "hillNegScale",
    "spring_factor": "springFactor",
    "s_factor_up_scale": "sFactorUpScaleP",
    "s_factor_down_scale": "sFactorDownScaleP",
}


def parse_trade(row: object) -> TradeRow:
    """A position."""
    f = Fields(row)
    return TradeRow(
        id=f.text("id"),
        trade_id=f.integer("tradeID"),
        trader=f.address("trader"),
        pair_id=f.inner("pair").integer("id"),
        index=f.integer("index"),
        is_open=f.flag("isOpen"),
        is_buy=f.flag("isBuy"),
        is_day_trade=f.flag("isDayTrade"),
        collateral=f.integer("collateral"),
        notional=f.integer("notional"),
        trade_notional=f.integer("tradeNotional"),
        leverage=f.integer("leverage"),
        highest_leverage=f.integer("highestLeverage"),
        open_price=f.integer("openPrice"),
        close_price=f.optional("closePrice", f.integer),
        take_profit_price=f.integer("takeProfitPrice"),
        stop_loss_price=f.integer("stopLossPrice"),
        funding=f.integer("funding"),
        rollover=f.integer("rollover"),
        timestamp=f.integer("timestamp"),
    )


def parse_limit(row: object) -> LimitRow:
    """A resting order; its slot is the last part of its id."""
    f = Fields(row)
    identity = f.text("id")
    slot = identity.rpartition("_")[2]
    if not (slot.isascii() and slot.isdigit()):
        raise bad_row()
    return LimitRow(
        id=identity,
        unique_id=f.optional("uniqueId", f.integer),
        trader=f.address("trader"),
        pair_id=f.inner("pair").integer("id"),
        index=int(slot),
        is_active=f.flag("isActive"),
        is_buy=f.flag("isBuy"),
        is_day_trade=f.flag("isDayTrade"),
        limit_type=f.text("limitType"),
        collateral=f.integer("collateral"),
        leverage=f.integer("leverage"),
        open_price=f.integer("openPrice"),
        take_profit_price=f.integer("takeProfitPrice"),
        stop_loss_price=f.integer("stopLossPrice"),
        initiated_at=f.integer("initiatedAt"),
    )


ORDER_OPTIONAL_INTEGERS = {
    "trade_id": "tradeID",
    "price": "price",
    "price_after_impact": "priceAfterImpact",
    "close_percent": "closePercent",
    "profit_percent": "profitPercent",
    "total_profit_percent": "totalProfitPercent",
    "amount_sent_to_trader": "amountSentToTrader",
    "oracle_fee": "oracleFee",
    "dev_fee": "devFee",
    "vault_fee": "vaultFee",
    "liquidation_fee": "liquidationFee",
    "funding_fee": "fundingFee",
    "rollover_fee": "rolloverFee",
    "executed_at": "executedAt",
}


def parse_order(row: object) -> OrderRow:
    """A price request."""
    f = Fields(row)
    return OrderRow(
        id=f.integer("id"),
        limit_id=f.optional("limitID", f.text),
        trader=f.address("trader"),
        pair_id=f.inner("pair").integer("id"),
        order_type=f.text("orderType"),
        order_action=f.text("orderAction"),
        is_buy=f.flag("isBuy"),
        is_pending=f.flag("isPending"),
        is_cancelled=f.flag("isCancelled"),
        cancel_reason=f.optional("cancelReason", f.text),
        collateral=f.integer("collateral"),
        notional=f.integer("notional"),
        trade_notional=f.integer("tradeNotional"),
        leverage=f.integer("leverage"),
        initiated_at=f.integer("initiatedAt"),
        initiated_tx=f.text("initiatedTx"),
        executed_tx=f.optional("executedTx", f.text),
        **{attribute: f.optional(field, f.integer) for attribute, field in ORDER_OPTIONAL_INTEGERS.items()},
    )

"""Reading from the chain what the oracle's callback made of an execution's order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from ostium_service import composition
from ostium_service.gateways.arbitrum import Log
from ostium_service.gateways.ostium_contracts import WHOLE, OstiumEvent, decode_log
from ostium_service.money import (
    LEVERAGE_DECIMALS,
    PERCENT_DECIMALS,
    PRICE_DECIMALS,
    USDC_DECIMALS,
    to_units,
    units_string,
)
from ostium_service.types import Address, Network, UsdcUnits
from ostium_service.venue_registry import CALLBACKS, find_contract
from positions.cancel_reasons import RECLAIMED, name_cancel_reason
from positions.formulas import compute_profit
from positions.models import PerpsExecution

PROFIT_DECIMALS = 6
"""Profit percents in events: x 1e6 of one percent."""
CANCELLATIONS: Mapping[str, str] = {
    "MarketOpenCanceled": "cancelReason",
    "MarketCloseCanceled": "cancelReason",
    "RemoveCollateralRejected": "reason",
}
"""The events that end an order without effect, and where each holds the venue's reason."""
BlockRange = tuple[int, int | Literal["latest"]]
"""First and last block of a question, both included."""
IMPACT_DECIMALS = 18
BASE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Settlement:
    """The oracle's last word on an order: executed with a result, or cancelled with a reason; and where it stands."""

    log: Log
    trade_id: str
    result: Mapping[str, Any]
    cancel_reason: str = ""


def read_settlement(*, execution: PerpsExecution, blocks: BlockRange) -> Settlement | None:
    """The callback's events for the execution's order in the blocks, or None for none. One log query."""
    network = Network(execution.network)
    events = _events_of_order(network, find_contract(network=network, name=CALLBACKS), execution, blocks)
    by_name = {event.name: event for event in events}
    for name, field in CANCELLATIONS.items():
        if name in by_name:
            reason = name_cancel_reason(int(by_name[name].args[field]))
            return _describe_cancellation(execution, by_name[name], reason)
    if "RemoveCollateralExecuted" in by_name:
        return _describe_removal(by_name["RemoveCollateralExecuted"])
    if "MarketOpenExecuted" in by_name:
        event = by_name["MarketOpenExecuted"]
        return Settlement(log=event.log, trade_id=execution.order_id, result=_describe_open(event))
    if "MarketCloseExecutedV2" in by_name:
        return _describe_close(execution, by_name)
    return None


def read_reclaim(*, execution: PerpsExecution, blocks: BlockRange) -> Settlement | None:
    """Whether the order was paid back in the blocks because the oracle never answered. One log query."""
    network = Network(execution.network)
    trading = composition.contract_addresses(network).trading
    for event in _events_of_order(network, trading, execution, blocks):
        if event.name in {"MarketOpenTimeoutExecutedV2", "MarketCloseTimeoutExecutedV2"}:
            return _describe_cancellation(execution, event, RECLAIMED)
    return None


def _describe_cancellation(execution: PerpsExecution, event: OstiumEvent, reason: str) -> Settlement:
    result = {"cancelReason": reason}
    return Settlement(log=event.log, trade_id=execution.trade_id, result=result, cancel_reason=reason)


def _events_of_order(
    network: Network, contract: Address, execution: PerpsExecution, blocks: BlockRange
) -> list[OstiumEvent]:
    """Everything the contract logged in the blocks with the order's number as first topic."""
    topic = int(execution.order_id).to_bytes(32, "big")
    return decode_events(composition.arbitrum(network).logs(contract, [None, topic], *blocks))


def decode_events(logs: Iterable[Log]) -> list[OstiumEvent]:
    """The logs that are events of the venue, in their order."""
    return [event for event in map(decode_log, logs) if event is not None]


def _describe_open(event: OstiumEvent) -> dict[str, Any]:
    trade = event.args["t"]
    return {
        "tradeId": str(event.args["orderId"]),
        "tradeIndex": int(trade["index"]),
        **describe_trade(trade),
        "priceImpactPercent": units_string(int(event.args["priceImpactP"]), IMPACT_DECIMALS),
        "openInterest": units_string(int(event.args["tradeNotional"]), BASE_DECIMALS),
    }


def describe_trade(trade: Mapping[str, Any]) -> dict[str, Any]:
    """A Trade struct as stored: a take-profit or stop-loss of zero is unset."""
    return {
        "price": units_string(int(trade["openPrice"]), PRICE_DECIMALS),
        "collateral": units_string(int(trade["collateral"]), USDC_DECIMALS),
        "leverage": units_string(int(trade["leverage"]), LEVERAGE_DECIMALS),
        "slPrice": units_string(int(trade["sl"]), PRICE_DECIMALS) if trade["sl"] else None,
        "tpPrice": units_string(int(trade["tp"]), PRICE_DECIMALS) if trade["tp"] else None,
    }


def _describe_removal(event: OstiumEvent) -> Settlement:
    """What the removal really moved, and the position's terms after it."""
    args = event.args
    result = {
        "tradeId": str(args["tradeId"]),
        "amount": units_string(int(args["removeAmount"]), USDC_DECIMALS),
        "leverage": units_string(int(args["leverage"]), LEVERAGE_DECIMALS),
        "slPrice": units_string(int(args["sl"]), PRICE_DECIMALS) if args["sl"] else None,
        "tpPrice": units_string(int(args["tp"]), PRICE_DECIMALS) if args["tp"] else None,
    }
    return Settlement(log=event.log, trade_id=str(args["tradeId"]), result=result)


def _describe_close(execution: PerpsExecution, by_name: Mapping[str, OstiumEvent]) -> Settlement:
    """A close that finds the position under its margin liquidates it: the event names a value, the trader got 0.

    `pnl` and its percent are before rollover, funding and the close fee; `netPnl` is what was paid less the collateral.
    """
    event = by_name["MarketCloseExecutedV2"]
    liquidated = "VaultLiqFeeCharged" in by_name
    fees = by_name["FeesChargedV2"].args if "FeesChargedV2" in by_name else {}
    close_fee = by_name["CloseFeeCharged"].args["closeFee"] if "CloseFeeCharged" in by_name else 0
    paid = 0 if liquidated else int(event.args["usdcSentToTrader"])
    closed = _closed_collateral(execution, int(event.args["percentageClosed"]))
    result = {
        "tradeId": str(event.args["tradeId"]),
        "price": units_string(int(event.args["price"]), PRICE_DECIMALS),
        "collateral": units_string(closed, USDC_DECIMALS),
        "pnl": units_string(
            compute_profit(collateral=closed, profit_percent=int(event.args["percentProfit"])), USDC_DECIMALS
        ),
        "netPnl": units_string(paid - closed, USDC_DECIMALS),
        "closePercentage": units_string(int(event.args["percentageClosed"]), PERCENT_DECIMALS),
        "pnlPercent": units_string(int(event.args["percentProfit"]), PROFIT_DECIMALS),
        "usdcSentToTrader": units_string(paid, USDC_DECIMALS),
        "rollover": units_string(int(fees.get("rolloverFees", 0)), USDC_DECIMALS),
        "funding": units_string(int(fees.get("fundingFees", 0)), USDC_DECIMALS),
        "closeFee": units_string(int(close_fee), USDC_DECIMALS),
        "priceImpactPercent": units_string(int(event.args["priceImpactP"]), IMPACT_DECIMALS),
        "liquidated": liquidated,
    }
    return Settlement(log=event.log, trade_id=str(event.args["tradeId"]), result=result)


def _closed_collateral(execution: PerpsExecution, percentage: int) -> UsdcUnits:
    """The collateral that was closed, in USDC units: the share (percent x 100) of what the position held before."""
    return UsdcUnits(to_units(Decimal(execution.terms["collateral"]), USDC_DECIMALS) * percentage // WHOLE)

"""Reading from the chain what became of an execution: its receipt's events, then the oracle's callback."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ostium_service import composition
from ostium_service.gateways.arbitrum import Log, Receipt
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
from positions.cancel_reasons import RECLAIMED, name_cancel_reason
from positions.formulas import compute_profit
from positions.models import PerpsExecution
from positions.services.limit_orders import read_limit_order_id
from positions.services.protocol import CALLBACKS, find_contract

PROFIT_DECIMALS = 6
"""Profit percents in events: x 1e6 of one percent."""
IMPACT_DECIMALS = 18
BASE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Placement:
    """What a successful receipt says: the order it made, and the result where nothing more is to come."""

    order_id: str = ""
    trade_id: str = ""
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The oracle's last word on an order: executed with a result, or cancelled with a reason."""

    trade_id: str
    result: Mapping[str, Any]
    cancel_reason: str = ""


def read_placement(*, execution: PerpsExecution, receipt: Receipt) -> Placement | None:
    """The execution's own event in its receipt, judged by emitting contract and trader; None when it is not there."""
    network = Network(execution.network)
    trading = composition.contract_addresses(network).trading
    events = [event for event in _decode(receipt.logs) if event.args.get("trader") == execution.trader_address]
    own = {event.name: event for event in events if event.address == trading}
    requested = {event.args["orderId"] for event in _decode(receipt.logs) if event.name == "PriceRequestedV2"}
    for name in ("MarketOpenOrderInitiated", "MarketCloseOrderInitiatedV2"):
        if name in own and own[name].args["orderId"] in requested:
            order_id = str(own[name].args["orderId"])
            return Placement(order_id=order_id, trade_id=str(own[name].args.get("tradeId", order_id)))
    if "OpenLimitPlacedV2" in own:
        return _describe_limit(execution, own["OpenLimitPlacedV2"], receipt)
    for name, key in (("SlUpdated", "slPrice"), ("TpUpdated", "tpPrice")):
        if name in own:
            return _describe_update(own[name], key)
    return None


def read_settlement(*, execution: PerpsExecution, from_block: int) -> Settlement | None:
    """The callback's events for the execution's order, or None while there are none. One log query."""
    network = Network(execution.network)
    events = _events_of_order(network, find_contract(network=network, name=CALLBACKS), execution, from_block)
    by_name = {event.name: event for event in events}
    for name in ("MarketOpenCanceled", "MarketCloseCanceled"):
        if name in by_name:
            reason = name_cancel_reason(int(by_name[name].args["cancelReason"]))
            return Settlement(trade_id=execution.trade_id, result={"cancelReason": reason}, cancel_reason=reason)
    if "MarketOpenExecuted" in by_name:
        return Settlement(trade_id=execution.order_id, result=_describe_open(by_name["MarketOpenExecuted"]))
    if "MarketCloseExecutedV2" in by_name:
        return _describe_close(execution, by_name)
    return None


def read_reclaim(*, execution: PerpsExecution, from_block: int) -> Settlement | None:
    """Whether the order was paid back because the oracle never answered; None while it was not. One log query."""
    network = Network(execution.network)
    trading = composition.contract_addresses(network).trading
    names = {event.name for event in _events_of_order(network, trading, execution, from_block)}
    if names & {"MarketOpenTimeoutExecutedV2", "MarketCloseTimeoutExecutedV2"}:
        result = {"cancelReason": RECLAIMED}
        return Settlement(trade_id=execution.trade_id, result=result, cancel_reason=RECLAIMED)
    return None


def _events_of_order(
    network: Network, contract: Address, execution: PerpsExecution, from_block: int
) -> list[OstiumEvent]:
    """Everything the contract logged with the order's number as first topic, from the block of the request on."""
    topic = int(execution.order_id).to_bytes(32, "big")
    return _decode(composition.arbitrum(network).logs(contract, [None, topic], from_block, "latest"))


def _decode(logs: Iterable[Log]) -> list[OstiumEvent]:
    return [event for event in map(decode_log, logs) if event is not None]


def _describe_limit(execution: PerpsExecution, event: OstiumEvent, receipt: Receipt) -> Placement:
    """A limit or stop order settles by being placed; its id is the contract's own counter (facts 3.1)."""
    trade = event.args["trade"]
    pair_id, index = int(event.args["pairIndex"]), int(event.args["index"])
    order_id = read_limit_order_id(
        network=Network(execution.network),
        trader=Address(execution.trader_address),
        pair_id=pair_id,
        index=index,
        block=receipt.block_number,
    )
    return Placement(order_id=order_id, result={"tradeIndex": index, **_describe_trade(trade)})


def _describe_update(event: OstiumEvent, key: str) -> Placement:
    value = int(event.args["newSl" if key == "slPrice" else "newTp"])
    return Placement(
        trade_id=str(event.args["tradeId"]),
        result={"tradeIndex": int(event.args["index"]), key: units_string(value, PRICE_DECIMALS)},
    )


def _describe_open(event: OstiumEvent) -> dict[str, Any]:
    trade = event.args["t"]
    return {
        "tradeId": str(event.args["orderId"]),
        "tradeIndex": int(trade["index"]),
        **_describe_trade(trade),
        "priceImpactPercent": units_string(int(event.args["priceImpactP"]), IMPACT_DECIMALS),
        "openInterest": units_string(int(event.args["tradeNotional"]), BASE_DECIMALS),
    }


def _describe_trade(trade: Mapping[str, Any]) -> dict[str, Any]:
    """A Trade struct as stored: a take-profit or stop-loss of zero is unset."""
    return {
        "price": units_string(int(trade["openPrice"]), PRICE_DECIMALS),
        "collateral": units_string(int(trade["collateral"]), USDC_DECIMALS),
        "leverage": units_string(int(trade["leverage"]), LEVERAGE_DECIMALS),
        "slPrice": units_string(int(trade["sl"]), PRICE_DECIMALS) if trade["sl"] else None,
        "tpPrice": units_string(int(trade["tp"]), PRICE_DECIMALS) if trade["tp"] else None,
    }


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
    return Settlement(trade_id=str(event.args["tradeId"]), result=result)


def _closed_collateral(execution: PerpsExecution, percentage: int) -> UsdcUnits:
    """The collateral that was closed, in USDC units: the share (percent x 100) of what the position held before."""
    return UsdcUnits(to_units(Decimal(execution.terms["collateral"]), USDC_DECIMALS) * percentage // WHOLE)

"""Reading an execution's own event in the receipt of its transaction: the order it made, or its whole result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ostium_service import composition
from ostium_service.gateways.arbitrum import Receipt
from ostium_service.gateways.ostium_contracts import OstiumEvent
from ostium_service.gateways.ostium_faucet import decode_transfer_log
from ostium_service.money import LEVERAGE_DECIMALS, PRICE_DECIMALS, USDC_DECIMALS, units_string
from ostium_service.types import Address, Network
from positions.models import Operation, PerpsExecution
from positions.services.limit_orders import name_placed_order
from positions.services.settlement import decode_events, describe_trade


@dataclass(frozen=True, slots=True)
class Placement:
    """What a successful receipt says: the order it made, and the result where nothing more is to come."""

    order_id: str = ""
    trade_id: str = ""
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """The receipt's events that are this execution's: by emitting contract and trader, under their names."""

    execution: PerpsExecution
    receipt: Receipt
    own: Mapping[str, OstiumEvent]
    requested: frozenset[int]


def read_placement(*, execution: PerpsExecution, receipt: Receipt) -> Placement | None:
    """What the receipt says of the execution, judged by emitting contract and trader; None when it says nothing."""
    trading = composition.contract_addresses(Network(execution.network)).trading
    events = decode_events(receipt.logs)
    own = {
        event.name: event
        for event in events
        if event.address == trading and _trader_of(event) == execution.trader_address
    }
    requested = frozenset(event.args["orderId"] for event in events if event.name == "PriceRequestedV2")
    return _READERS[execution.operation](_Told(execution, receipt, own, requested))


def _trader_of(event: OstiumEvent) -> object:
    """Events of the timeout calls name the trader inside the order that they end."""
    if "order" in event.args:
        return event.args["order"]["trade"]["trader"]
    return event.args.get("trader")


def _read_open(told: _Told) -> Placement | None:
    limit = told.own.get("OpenLimitPlacedV2")
    return _read_request(told, "MarketOpenOrderInitiated") if limit is None else _describe_limit(told, limit)


def _read_close(told: _Told) -> Placement | None:
    return _read_request(told, "MarketCloseOrderInitiatedV2")


def _read_removal(told: _Told) -> Placement | None:
    return _read_request(told, "RemoveCollateralInitiated")


def _read_request(told: _Told, name: str) -> Placement | None:
    """A price request, whose number has to be the one that the up-keep was asked for."""
    event = told.own.get(name)
    if event is None or event.args["orderId"] not in told.requested:
        return None
    order_id = str(event.args["orderId"])
    return Placement(order_id=order_id, trade_id=str(event.args.get("tradeId", order_id)))


def _describe_limit(told: _Told, event: OstiumEvent) -> Placement:
    """A limit or stop order settles by being placed."""
    pair_id, index = int(event.args["pairIndex"]), int(event.args["index"])
    order_id = name_placed_order(
        network=Network(told.execution.network),
        trader=Address(told.execution.trader_address),
        pair_id=pair_id,
        index=index,
        block=told.receipt.block_number,
    )
    return Placement(order_id=order_id, result={"tradeIndex": index, **describe_trade(event.args["trade"])})


def _read_stop_loss(told: _Told) -> Placement | None:
    return _read_edit(told, "SlUpdated", lambda args: {"slPrice": units_string(int(args["newSl"]), PRICE_DECIMALS)})


def _read_take_profit(told: _Told) -> Placement | None:
    return _read_edit(told, "TpUpdated", lambda args: {"tpPrice": units_string(int(args["newTp"]), PRICE_DECIMALS)})


def _read_edit(told: _Told, name: str, describe: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Placement | None:
    event = told.own.get(name)
    if event is None:
        return None
    result = {"tradeIndex": int(event.args["index"]), **describe(event.args)}
    return Placement(trade_id=str(event.args["tradeId"]), result=result)


def _read_top_up(told: _Told) -> Placement | None:
    event = told.own.get("TopUpCollateralExecuted")
    if event is None:
        return None
    result = {
        "amount": units_string(int(event.args["topUpAmount"]), USDC_DECIMALS),
        "leverage": units_string(int(event.args["newLeverage"]), LEVERAGE_DECIMALS),
    }
    return Placement(trade_id=str(event.args["tradeId"]), result=result)


def _read_cancellation(told: _Told) -> Placement | None:
    event, fee = told.own.get("OpenLimitCanceled"), told.own.get("OracleFeeChargedLimitCancelled")
    if event is None:
        return None
    result = {
        "pairId": int(event.args["pairIndex"]),
        "tradeIndex": int(event.args["index"]),
        "oracleFee": units_string(int(fee.args["amount"]) if fee is not None else 0, USDC_DECIMALS),
    }
    return Placement(result=result)


def _read_limit_update(told: _Told) -> Placement | None:
    event = told.own.get("OpenLimitUpdated")
    if event is None:
        return None
    result = {
        "pairId": int(event.args["pairIndex"]),
        "tradeIndex": int(event.args["index"]),
        "triggerPrice": units_string(int(event.args["newPrice"]), PRICE_DECIMALS),
        "slPrice": units_string(int(event.args["newSl"]), PRICE_DECIMALS) if event.args["newSl"] else None,
        "tpPrice": units_string(int(event.args["newTp"]), PRICE_DECIMALS) if event.args["newTp"] else None,
    }
    return Placement(result=result)


def _read_reclaim(told: _Told) -> Placement | None:
    """The money is back with the transaction; a retried close is a new request that the oracle has to answer."""
    opened, closed = told.own.get("MarketOpenTimeoutExecutedV2"), told.own.get("MarketCloseTimeoutExecutedV2")
    event = opened if opened is not None else closed
    if event is None:
        return None
    again = _read_close(told)
    if again is not None:
        return again
    refund = told.own.get("OracleFeeRefunded")
    returned = int(event.args["order"]["trade"]["collateral"]) if refund is None else int(refund.args["amount"])
    return Placement(
        order_id=str(event.args["orderId"]),
        trade_id=str(event.args.get("tradeId", "")),
        result={"returned": units_string(returned, USDC_DECIMALS), "retried": False},
    )


def _read_faucet(told: _Told) -> Placement | None:
    """Asking the faucet is half of it: the payment to the trader is still to come, so there is no result yet."""
    return Placement() if _find_payment(told, told.execution.delegate_address) is not None else None


def _read_faucet_payment(told: _Told) -> Placement | None:
    paid = _find_payment(told, told.execution.trader_address)
    return None if paid is None else Placement(result={"amount": units_string(paid, USDC_DECIMALS)})


def _find_payment(told: _Told, receiver: str) -> int | None:
    """What the USDC contract says that the receiver got, in USDC units."""
    usdc = composition.contract_addresses(Network(told.execution.network)).usdc
    transfers = (decode_transfer_log(log) for log in told.receipt.logs if log.address == usdc)
    return next((item.amount for item in transfers if item is not None and item.receiver == receiver), None)


_READERS: Mapping[str, Callable[[_Told], Placement | None]] = {
    Operation.OPEN: _read_open,
    Operation.CLOSE: _read_close,
    Operation.UPDATE_SL: _read_stop_loss,
    Operation.UPDATE_TP: _read_take_profit,
    Operation.ADD_COLLATERAL: _read_top_up,
    Operation.REMOVE_COLLATERAL: _read_removal,
    Operation.CANCEL_ORDER: _read_cancellation,
    Operation.UPDATE_ORDER: _read_limit_update,
    Operation.RECLAIM: _read_reclaim,
    Operation.FAUCET: _read_faucet,
    Operation.FAUCET_PAYMENT: _read_faucet_payment,
}

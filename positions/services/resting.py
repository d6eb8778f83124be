"""Cancelling and changing resting limit and stop orders. Both settle in the transaction itself."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ostium_service.gateways.ostium_contracts import encode_cancel_limit, encode_update_limit
from ostium_service.http import errors
from ostium_service.money import decimal_string
from ostium_service.parallel import gather
from ostium_service.types import Address, PriceUnits
from positions.models import Operation
from positions.services.finding_orders import OrderName, find_resting_order, require_name
from positions.services.ledger import Intent
from positions.services.limit_orders import RestingOrder
from positions.services.order_views import describe_resting
from positions.services.pipeline import Answer, Plan, run_write
from positions.services.scaling import scale_price
from positions.services.trader_state import check_delegate, read_trader_state


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """A validated request to change a resting order: None keeps a value, a stop-loss or take-profit of 0 clears it."""

    name: OrderName
    trigger_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


def cancel_order(*, name: OrderName, key: str, request_id: str, signature: str = "") -> Answer:
    """Take a resting order back, once per key; its collateral returns less the oracle fee.

    Refused before anything is written: ValidationError when no order is named. Refused before the signature, with
    nothing sent and the key free: DelegationNotActive, DelegationSuspended, OrderNotFound, OrderNotReclaimable (a
    market order that still waits for the oracle), and what the simulation says: TriggerPending.
    """
    require_name(name)
    intent = _describe_intent(Operation.CANCEL_ORDER, name, {}, key, request_id, signature)

    def make_plan(delegate: Address) -> Plan:
        resting = _find(name, delegate)
        order = resting.order
        terms = {"orderId": resting.order_id, "pairId": order.pair_id, "tradeIndex": order.index}
        inner = encode_cancel_limit(pair_id=order.pair_id, trade_index=order.index)
        return Plan(inner=inner, pair_id=order.pair_id, terms=terms)

    return run_write(intent=intent, make_plan=make_plan)


def update_order(*, update: OrderUpdate, key: str, request_id: str, signature: str = "") -> Answer:
    """Change the trigger price, stop-loss or take-profit of a resting order, once per key.

    The contract overwrites all three, so what is kept is sent as the chain has it now. Refused as `cancel_order`, with
    ValidationError also when nothing is to be changed, and with InvalidStopLoss or InvalidTakeProfit by the simulation.
    """
    require_name(update.name)
    asked = {"triggerPrice": update.trigger_price, "slPrice": update.stop_loss, "tpPrice": update.take_profit}
    if all(value is None for value in asked.values()):
        message = "Give triggerPrice, slPrice or tpPrice; nothing would change."
        raise errors.ValidationError(details=[{"field": "triggerPrice", "message": message}])
    changes = {
        name: None if value is None else (scale_price(value, field=name), decimal_string(value))
        for name, value in asked.items()
    }
    request = {name: None if change is None else change[1] for name, change in changes.items()}
    scaled = {name: None if change is None else change[0] for name, change in changes.items()}
    intent = _describe_intent(Operation.UPDATE_ORDER, update.name, request, key, request_id, signature)
    return run_write(intent=intent, make_plan=lambda delegate: _plan_update(update.name, scaled, delegate))


def _plan_update(name: OrderName, scaled: dict[str, PriceUnits | None], delegate: Address) -> Plan:
    resting = _find(name, delegate)
    held = resting.order
    order = replace(
        held,
        target_price=_choose(scaled["triggerPrice"], held.target_price),
        stop_loss=_choose(scaled["slPrice"], held.stop_loss),
        take_profit=_choose(scaled["tpPrice"], held.take_profit),
    )
    inner = encode_update_limit(
        pair_id=order.pair_id,
        trade_index=order.index,
        price=order.target_price,
        take_profit=order.take_profit,
        stop_loss=order.stop_loss,
    )
    return Plan(inner=inner, pair_id=order.pair_id, terms=describe_resting(replace(resting, order=order)))


def _choose(asked: PriceUnits | None, held: PriceUnits) -> PriceUnits:
    return held if asked is None else asked


def _find(name: OrderName, delegate: Address) -> RestingOrder:
    state, resting = gather(
        lambda: read_trader_state(network=name.network, trader=name.trader),
        lambda: find_resting_order(name),
    )
    check_delegate(network=name.network, state=state, delegate=delegate)
    return resting


def _describe_intent(
    operation: Operation, name: OrderName, request: dict[str, Any], key: str, request_id: str, signature: str
) -> Intent:
    named = {"orderId": name.order_id, "pairId": name.pair_id, "tradeIndex": name.trade_index}
    return Intent(
        operation=operation,
        network=name.network,
        trader=name.trader,
        key=key,
        request={**named, **request},
        request_id=request_id,
        signature=signature,
    )

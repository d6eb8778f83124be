"""Moving the stop-loss or the take-profit of a position. Both settle in the transaction itself."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markets import services as markets
from ostium_service.gateways.ostium_contracts import encode_update_sl, encode_update_tp
from ostium_service.http import errors
from ostium_service.money import PRICE_DECIMALS, decimal_string, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, PriceUnits
from positions.models import Operation
from positions.services.ledger import Intent
from positions.services.pipeline import Answer, Plan, run_write
from positions.services.scaling import scale_price
from positions.services.slots import HeldPosition, decode_slot, describe_slot_calls, require_position
from positions.services.trader_state import check_delegate, read_trader_state


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceUpdate:
    """A validated request to move one of a position's two prices."""

    network: Network
    trader: Address
    pair_id: int
    trade_index: int
    price: Decimal
    trade_id: str | None = None


def update_stop_loss(*, update: PriceUpdate, key: str, request_id: str, signature: str = "") -> Answer:
    """Set the stop-loss of a position, or remove it with a price of 0; once per key.

    Refused before the signature, with nothing sent and the key free: DelegationNotActive, DelegationSuspended,
    PositionNotFound, PositionChanged, InvalidStopLoss on the wrong side of the present price, and what the simulation
    says: InvalidStopLoss (further than 85 % / leverage from the open price), TriggerPending.
    """
    return _update(
        update=update,
        operation=Operation.UPDATE_SL,
        field="slPrice",
        encode=lambda price: encode_update_sl(pair_id=update.pair_id, trade_index=update.trade_index, stop_loss=price),
        key=key,
        request_id=request_id,
        signature=signature,
    )


def update_take_profit(*, update: PriceUpdate, key: str, request_id: str, signature: str = "") -> Answer:
    """Set the take-profit of a position, which the contract cannot clear; once per key.

    Refused as `update_stop_loss`, with InvalidTakeProfit for one further than 900 % / leverage from the open price.
    """
    return _update(
        update=update,
        operation=Operation.UPDATE_TP,
        field="tpPrice",
        encode=lambda price: encode_update_tp(
            pair_id=update.pair_id, trade_index=update.trade_index, take_profit=price
        ),
        key=key,
        request_id=request_id,
        signature=signature,
    )


def _update(
    *,
    update: PriceUpdate,
    operation: Operation,
    field: str,
    encode: Callable[[PriceUnits], bytes],
    key: str,
    request_id: str,
    signature: str,
) -> Answer:
    price = scale_price(update.price, field=field)
    intent = Intent(
        operation=operation,
        network=update.network,
        trader=update.trader,
        key=key,
        request=_describe_request(update, field),
        request_id=request_id,
        signature=signature,
    )

    def make_plan(delegate: Address) -> Plan:
        position, quote = gather(lambda: _read_slot(update, delegate), lambda: _read_quote(update))
        _check_side(position, quote, price, operation)
        trade_id = position.trade_id
        terms = {
            "pairId": update.pair_id,
            "tradeIndex": update.trade_index,
            "tradeId": trade_id,
            field: units_string(price, PRICE_DECIMALS),
        }
        return Plan(inner=encode(price), pair_id=update.pair_id, trade_id=trade_id, terms=terms)

    return run_write(intent=intent, make_plan=make_plan)


def _read_slot(update: PriceUpdate, delegate: Address) -> HeldPosition:
    """The trade in the slot, which must be the one the caller means."""
    calls = describe_slot_calls(
        network=update.network, trader=update.trader, pair_id=update.pair_id, index=update.trade_index
    )
    state = read_trader_state(network=update.network, trader=update.trader, extra=calls)
    check_delegate(network=update.network, state=state, delegate=delegate)
    return require_position(decode_slot(state.extra), trade_id=update.trade_id)


def _read_quote(update: PriceUpdate) -> PriceUnits | None:
    """The present mid price, None where there is none to judge by: a stop-loss must not fail with the feed."""
    try:
        market = markets.resolve_market(network=update.network, market=update.pair_id)
        price = markets.check_tradable(prices=markets.fetch_prices(network=update.network), market=market)
    except errors.ServiceError:
        return None
    return markets.scale_quote(price.mid)


def _check_side(position: HeldPosition, quote: PriceUnits | None, price: PriceUnits, operation: Operation) -> None:
    """Refuse a price that would close the position at once: the contract takes it, and a slip of the pen is enough."""
    if quote is None or price == 0:
        return
    is_stop_loss = operation is Operation.UPDATE_SL
    is_below = position.trade.is_long is is_stop_loss
    if price == quote or (price < quote) is not is_below:
        refusal = errors.InvalidStopLoss if is_stop_loss else errors.InvalidTakeProfit
        asked, now = units_string(price, PRICE_DECIMALS), units_string(quote, PRICE_DECIMALS)
        raise refusal(details={"asked": asked, "price": now})


def _describe_request(update: PriceUpdate, field: str) -> dict[str, Any]:
    return {
        "pairId": update.pair_id,
        "tradeIndex": update.trade_index,
        field: decimal_string(update.price),
        "tradeId": update.trade_id,
    }

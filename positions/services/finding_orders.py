"""The resting order that a caller means by one of its names."""

import re
from dataclasses import dataclass

from markets import services as markets
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.ostium_contracts import REQ_ID_PENDING_MARKET_ORDER
from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.services.limit_orders import LIMIT_PREFIX, RestingOrder, parse_slot_name, read_resting_order
from positions.services.scanning import scan_orders

LARGEST_NUMBER = 2**256
_REQUEST = re.compile(r"[0-9]{1,77}")
_LIMIT = re.compile(rf"{LIMIT_PREFIX}[0-9]{{1,77}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderName:
    """How a caller names a resting order of a trader: an orderId, or its pair and index, or both."""

    network: Network
    trader: Address
    order_id: str | None = None
    pair_id: int | None = None
    trade_index: int | None = None

    @property
    def slot(self) -> tuple[int, int] | None:
        """Pair and index when both are given."""
        return None if self.pair_id is None or self.trade_index is None else (self.pair_id, self.trade_index)


def require_name(name: OrderName) -> None:
    """ValidationError for a request that names no order."""
    if name.order_id is None and name.slot is None:
        message = "Give orderId, or pairId and tradeIndex."
        raise errors.ValidationError(details=[{"field": "orderId", "message": message}])


def find_resting_order(name: OrderName) -> RestingOrder:
    """The order as the chain holds it now.

    Refused with OrderNotFound for none, for another trader's, and when the names given do not mean the same order;
    with OrderNotReclaimable for a market order that still waits for the oracle: reclaim is the way to end that one.
    """
    if name.order_id is None:
        found = _read_slot(name, name.slot)
    elif _LIMIT.fullmatch(name.order_id):
        found = _find_number(name, int(name.order_id.removeprefix(LIMIT_PREFIX)))
    elif _REQUEST.fullmatch(name.order_id):
        _refuse_request(name, int(name.order_id))
        found = None
    else:
        found = _find_named(name, name.order_id)
    if found is None:
        raise errors.OrderNotFound
    if name.slot not in {None, (found.order.pair_id, found.order.index)}:
        raise errors.OrderNotFound(details={"reason": "names_differ"})
    return found


def _read_slot(name: OrderName, slot: tuple[int, int] | None) -> RestingOrder | None:
    if slot is None:
        return None
    return read_resting_order(network=name.network, trader=name.trader, pair_id=slot[0], index=slot[1])


def _find_number(name: OrderName, number: int) -> RestingOrder | None:
    """By the contract's counter, which only the slots themselves tell: where the caller says, or all of them."""
    if name.slot is not None:
        held = _read_slot(name, name.slot)
        return held if held is not None and held.number == number else None
    pairs = [market.pair_id for market in markets.list_markets(network=name.network).markets]
    scan = scan_orders(network=name.network, trader=name.trader, pair_ids=pairs)
    return next((resting for resting in scan.resting if resting.number == number), None)


def _find_named(name: OrderName, text: str) -> RestingOrder | None:
    """By the index's `<trader>_<pair>_<index>`, which must be this trader's."""
    named = parse_slot_name(text)
    return _read_slot(name, named[1:]) if named is not None and named[0] == name.trader else None


def _refuse_request(name: OrderName, number: int) -> None:
    """A price request is no resting order; one that still waits can be reclaimed instead."""
    if number >= LARGEST_NUMBER:
        return
    storage = composition.contract_addresses(name.network).trading_storage
    call = Call(to=storage, data=REQ_ID_PENDING_MARKET_ORDER.encode(number))
    pending = REQ_ID_PENDING_MARKET_ORDER.decode(composition.arbitrum(name.network).call(call))
    if pending is not None and pending.trade.trader == name.trader:
        raise errors.OrderNotReclaimable(details={"reason": "pending_market_order", "use": "/v1/positions/reclaim"})

"""Taking back a market order that the oracle never answered: on request, and by the worker on its own."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.utils import timezone

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import (
    ARB_BLOCK_NUMBER,
    ARB_SYS,
    MARKET_ORDERS_TIMEOUT,
    REQ_ID_PENDING_MARKET_ORDER,
    PendingMarketOrder,
    encode_close_timeout,
    encode_open_timeout,
)
from ostium_service.http import errors
from ostium_service.http.errors import ServiceError
from ostium_service.money import USDC_DECIMALS, units_string
from ostium_service.types import Address, Network
from positions.models import Operation, PerpsExecution
from positions.selectors import find_reclaims
from positions.services.ledger import Intent
from positions.services.pipeline import Answer, Plan, run_write, start_write
from positions.services.slots import decode_slot, describe_slot_calls
from positions.services.trader_state import check_delegate, read_trader_state, require_output

logger = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = timedelta(seconds=60)
"""How long the worker waits after one of its own reclaims that did not come to an end."""

LARGEST_NUMBER = 2**256
OWN_KEY = " "
"""How the worker's keys begin. A caller's key is trimmed, so that none of theirs can be in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaim:
    """A validated request. `retry` asks for the same close again, at its old price and slippage."""

    network: Network
    trader: Address
    order_id: str
    retry: bool = False


def reclaim_order(*, reclaim: Reclaim, key: str, request_id: str, signature: str = "") -> Answer:
    """Get back what an unanswered open holds, or end (or repeat) an unanswered close; once per key.

    Refused before the signature, with nothing sent and the key free: DelegationNotActive, DelegationSuspended,
    OrderNotFound (not this trader's market order), OrderNotReclaimable (settled already, or the venue still gives the
    oracle time: `blocksLeft`), ValidationError for the retry of an open.
    """
    return run_write(
        intent=_describe_intent(reclaim, key, request_id, signature), make_plan=lambda d: _plan(reclaim, d)
    )


def reclaim_unanswered(*, execution: PerpsExecution) -> None:
    """The worker's own reclaim of an execution's order: an execution of its own, keyed by the order.

    Nothing happens while an earlier attempt is under way or is young. A refusal (the oracle may still answer, the
    delegation has ended) is for the next look.
    """
    network, trader = Network(execution.network), Address(execution.trader_address)
    earlier = find_reclaims(network=network, trader=trader, order_id=execution.order_id)
    if any(not row.is_final or timezone.now() - row.created_at < TRY_AGAIN_AFTER for row in earlier):
        return
    reclaim = Reclaim(network=network, trader=trader, order_id=execution.order_id)
    try:
        if not _is_due(reclaim):
            return
        # Attempts that ended without effect are counted in the key: a new one must not be answered with an old end.
        key = f"{OWN_KEY}reclaim-{execution.order_id}-{len(earlier)}"
        start_write(intent=_describe_intent(reclaim, key, execution.request_id), make_plan=lambda d: _plan(reclaim, d))
    except (ServiceError, GatewayError, Reverted) as error:
        logger.warning("reclaim_refused", execution_id=str(execution.pk), reason=getattr(error, "code", "gateway"))


def _plan(reclaim: Reclaim, delegate: Address) -> Plan:
    pending, blocks_left = _read_request(reclaim, delegate)
    if pending is None:
        raise errors.OrderNotReclaimable(details={"reason": "not_pending"})
    if pending.trade.trader != reclaim.trader:
        raise errors.OrderNotFound
    is_close = pending.percentage != 0
    if reclaim.retry and not is_close:
        message = "Only a close can be asked for again; an open is paid back."
        raise errors.ValidationError(details=[{"field": "retry", "message": message}])
    if blocks_left > 0:
        raise errors.OrderNotReclaimable(details={"reason": "oracle_may_answer", "blocksLeft": blocks_left})
    order_id = int(reclaim.order_id)
    inner = (
        encode_close_timeout(order_id=order_id, retry=reclaim.retry)
        if is_close
        else encode_open_timeout(order_id=order_id)
    )
    terms = _describe_terms(reclaim, pending)
    if is_close:
        terms |= _describe_position(reclaim, pending)
    return Plan(inner=inner, pair_id=pending.trade.pair_id, terms=terms)


def _read_request(reclaim: Reclaim, delegate: Address) -> tuple[PendingMarketOrder | None, int]:
    """The order as the venue holds it, and how many L2 blocks the oracle still has."""
    state = read_trader_state(network=reclaim.network, trader=reclaim.trader, extra=_describe_calls(reclaim))
    check_delegate(network=reclaim.network, state=state, delegate=delegate)
    return _decode_request(state.extra)


def _is_due(reclaim: Reclaim) -> bool:
    """Whether the venue would let the order be taken back now, asked before a row is written for it."""
    outputs = composition.arbitrum(reclaim.network).call_many(_describe_calls(reclaim))
    pending, blocks_left = _decode_request(tuple(map(require_output, outputs)))
    return pending is not None and blocks_left <= 0


def _describe_calls(reclaim: Reclaim) -> tuple[Call, Call, Call]:
    addresses = composition.contract_addresses(reclaim.network)
    number = int(reclaim.order_id) if reclaim.order_id.isascii() and reclaim.order_id.isdigit() else LARGEST_NUMBER
    if number >= LARGEST_NUMBER:
        raise errors.OrderNotFound
    return (
        Call(to=addresses.trading_storage, data=REQ_ID_PENDING_MARKET_ORDER.encode(number)),
        Call(to=addresses.trading, data=MARKET_ORDERS_TIMEOUT.encode()),
        Call(to=ARB_SYS, data=ARB_BLOCK_NUMBER.encode()),
    )


def _decode_request(outputs: tuple[bytes, ...]) -> tuple[PendingMarketOrder | None, int]:
    order, wait, block = outputs
    pending = REQ_ID_PENDING_MARKET_ORDER.decode(order)
    if pending is None:
        return None, 0
    return pending, pending.block + MARKET_ORDERS_TIMEOUT.decode(wait) - ARB_BLOCK_NUMBER.decode(block)


def _describe_terms(reclaim: Reclaim, pending: PendingMarketOrder) -> dict[str, Any]:
    trade = pending.trade
    return {
        "reclaimedOrderId": reclaim.order_id,
        "pairId": trade.pair_id,
        "orderAction": "close" if pending.percentage else "open",
        "retry": reclaim.retry,
        "collateral": units_string(trade.collateral, USDC_DECIMALS),
    }


def _describe_position(reclaim: Reclaim, pending: PendingMarketOrder) -> dict[str, Any]:
    """Of a close: the position that it was to close, with the collateral that a retry's profit is computed from."""
    pair_id, index = pending.trade.pair_id, pending.trade.index
    calls = describe_slot_calls(network=reclaim.network, trader=reclaim.trader, pair_id=pair_id, index=index)
    outputs = composition.arbitrum(reclaim.network).call_many(calls)
    position = decode_slot([require_output(output) for output in outputs])
    if position is None:
        return {"tradeIndex": index, "tradeId": None}
    collateral = units_string(position.trade.collateral, USDC_DECIMALS)
    return {"tradeIndex": index, "tradeId": position.trade_id, "collateral": collateral}


def _describe_intent(reclaim: Reclaim, key: str, request_id: str, signature: str = "") -> Intent:
    return Intent(
        operation=Operation.RECLAIM,
        network=reclaim.network,
        trader=reclaim.trader,
        key=key,
        request={"orderId": reclaim.order_id, "retry": reclaim.retry},
        request_id=request_id,
        signature=signature,
    )

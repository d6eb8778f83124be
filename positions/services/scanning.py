"""What a trader has at the venue as the chain holds it, whether the index knows it yet or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import Reverted
from ostium_service.gateways.ostium_contracts import (
    ARB_BLOCK_NUMBER,
    ARB_SYS,
    GET_PENDING_ORDER_IDS,
    MAX_TRADES_PER_PAIR,
    OPEN_LIMIT_ORDERS_COUNT,
    OPEN_TRADES_COUNT,
    REQ_ID_PENDING_MARKET_ORDER,
    PendingMarketOrder,
)
from ostium_service.parallel import gather
from ostium_service.types import Address, Network
from positions.services.limit_orders import RestingOrder, decode_resting, describe_resting_calls
from positions.services.slots import HeldPosition, decode_slot, describe_slot_calls
from positions.services.trader_state import require_output

LARGEST_PART = 90
"""Reads in one request, as many as the gateway batches; more go in requests at the same time."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The positions and the L2 block at which the trader's counts were read."""

    positions: tuple[HeldPosition, ...]
    block: int


def scan_positions(*, network: Network, trader: Address, pair_ids: Sequence[int]) -> Scan:
    """Read the trader's counts on all pairs at once, then every slot of the pairs that have any.

    Two rounds, whose requests of ninety reads each go out at once. GatewayError when the node does not answer.
    """
    storage = composition.contract_addresses(network).trading_storage
    counts = [Call(to=storage, data=OPEN_TRADES_COUNT.encode(trader, pair_id)) for pair_id in pair_ids]
    block, slots, *answers = _read(
        network,
        [
            Call(to=ARB_SYS, data=ARB_BLOCK_NUMBER.encode()),
            Call(to=storage, data=MAX_TRADES_PER_PAIR.encode()),
            *counts,
        ],
    )
    held = [pair_id for pair_id, count in zip(pair_ids, answers, strict=True) if OPEN_TRADES_COUNT.decode(count)]
    positions = _read_slots(network, trader, held, range(MAX_TRADES_PER_PAIR.decode(slots)))
    return Scan(positions=positions, block=ARB_BLOCK_NUMBER.decode(block))


def _read_slots(
    network: Network, trader: Address, pair_ids: Sequence[int], indexes: Sequence[int]
) -> tuple[HeldPosition, ...]:
    calls = [
        call
        for pair_id in pair_ids
        for index in indexes
        for call in describe_slot_calls(network=network, trader=trader, pair_id=pair_id, index=index)
    ]
    outputs = _read(network, calls)
    slots = (decode_slot(outputs[start : start + 2]) for start in range(0, len(outputs), 2))
    return tuple(slot for slot in slots if slot is not None)


@dataclass(frozen=True, slots=True)
class OrderScan:
    """Resting orders with their numbers, market orders that wait for the oracle by number, and the L2 block."""

    resting: tuple[RestingOrder, ...]
    pending: tuple[tuple[int, PendingMarketOrder], ...]
    block: int


def scan_orders(*, network: Network, trader: Address, pair_ids: Sequence[int]) -> OrderScan:
    """Everything the trader has asked for that is not a position yet, or is a close not yet answered. Two rounds.

    GatewayError when the node does not answer.
    """
    storage = composition.contract_addresses(network).trading_storage
    counts = [Call(to=storage, data=OPEN_LIMIT_ORDERS_COUNT.encode(trader, pair_id)) for pair_id in pair_ids]
    block, slots, requests, *answers = _read(
        network,
        [
            Call(to=ARB_SYS, data=ARB_BLOCK_NUMBER.encode()),
            Call(to=storage, data=MAX_TRADES_PER_PAIR.encode()),
            Call(to=storage, data=GET_PENDING_ORDER_IDS.encode(trader)),
            *counts,
        ],
    )
    numbers = GET_PENDING_ORDER_IDS.decode(requests)
    held = [pair_id for pair_id, count in zip(pair_ids, answers, strict=True) if OPEN_LIMIT_ORDERS_COUNT.decode(count)]
    places = [(pair_id, index) for pair_id in held for index in range(MAX_TRADES_PER_PAIR.decode(slots))]
    resting, pending = _read_orders(network, trader, places, numbers)
    return OrderScan(resting=resting, pending=pending, block=ARB_BLOCK_NUMBER.decode(block))


def _read_orders(
    network: Network, trader: Address, places: Sequence[tuple[int, int]], numbers: Sequence[int]
) -> tuple[tuple[RestingOrder, ...], tuple[tuple[int, PendingMarketOrder], ...]]:
    """The resting orders in the places and the requests under the numbers, all in one round."""
    storage = composition.contract_addresses(network).trading_storage
    calls = [call for place in places for call in describe_resting_calls(network, trader, *place)]
    asked = [Call(to=storage, data=REQ_ID_PENDING_MARKET_ORDER.encode(number)) for number in numbers]
    outputs = _read_at_once(network, [*calls, *asked])
    found = (decode_resting(outputs[start : start + 2]) for start in range(0, len(calls), 2))
    waiting = zip(numbers, map(require_output, outputs[len(calls) :]), strict=True)
    decoded = ((number, REQ_ID_PENDING_MARKET_ORDER.decode(output)) for number, output in waiting)
    return (
        tuple(order for order in found if order is not None),
        tuple((number, order) for number, order in decoded if order is not None),
    )


def _read(network: Network, calls: Sequence[Call]) -> list[bytes]:
    return [require_output(item) for item in _read_at_once(network, calls)]


def _read_at_once(network: Network, calls: Sequence[Call]) -> list[bytes | Reverted]:
    """The outputs in order, in one round however many requests they take."""
    arbitrum = composition.arbitrum(network)
    parts = [calls[start : start + LARGEST_PART] for start in range(0, len(calls), LARGEST_PART)]
    answers = gather(*(partial(arbitrum.call_many, part) for part in parts)) if parts else ()
    return [output for answer in answers for output in answer]

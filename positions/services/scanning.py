"""Every position of a trader as the chain holds it, whether the index knows it yet or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.ostium_contracts import (
    ARB_BLOCK_NUMBER,
    ARB_SYS,
    MAX_TRADES_PER_PAIR,
    OPEN_TRADES_COUNT,
)
from ostium_service.types import Address, Network
from positions.services.slots import HeldPosition, decode_slot, describe_slot_calls
from positions.services.trader_state import require_output


@dataclass(frozen=True, slots=True)
class Scan:
    """The positions and the L2 block at which the trader's counts were read."""

    positions: tuple[HeldPosition, ...]
    block: int


def scan_positions(*, network: Network, trader: Address, pair_ids: Sequence[int]) -> Scan:
    """Read the trader's counts on all pairs at once, then every slot of the pairs that have any.

    Two rounds; each is one request per ninety reads. GatewayError when the node does not answer.
    """
    storage = composition.contract_addresses(network).trading_storage
    arbitrum = composition.arbitrum(network)
    counts = [Call(to=storage, data=OPEN_TRADES_COUNT.encode(trader, pair_id)) for pair_id in pair_ids]
    block, slots, *answers = map(
        require_output,
        arbitrum.call_many(
            [
                Call(to=ARB_SYS, data=ARB_BLOCK_NUMBER.encode()),
                Call(to=storage, data=MAX_TRADES_PER_PAIR.encode()),
                *counts,
            ]
        ),
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
    outputs = [require_output(item) for item in composition.arbitrum(network).call_many(calls)] if calls else []
    slots = (decode_slot(outputs[start : start + 2]) for start in range(0, len(outputs), 2))
    return tuple(slot for slot in slots if slot is not None)

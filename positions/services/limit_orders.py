"""Resting limit and stop orders. Their slots are an index space of their own, beside the positions'."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import GET_OPEN_LIMIT_ORDER, LIMIT_ORDER_IDS, LimitOrder
from ostium_service.types import Address, Network
from positions.services.trader_state import require_output

LIMIT_PREFIX = "limit-"
LARGEST_NUMBER = 2**256 - 1
_LIMIT_NAME = re.compile(rf"{LIMIT_PREFIX}([0-9]{{1,78}})")
_SLOT_NAME = re.compile(r"(0x[0-9a-fA-F]{40})_([0-9]{1,5})_([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order with the contract's own number for it."""

    number: int
    order: LimitOrder

    @property
    def order_id(self) -> str:
        """`limit-<n>`, the order's name for callers."""
        return f"{LIMIT_PREFIX}{self.number}"


def parse_slot_name(text: str) -> tuple[Address, int, int] | None:
    """Trader, pair and index from the index's `<trader>_<pair>_<index>`; None for anything else."""
    match = _SLOT_NAME.fullmatch(text)
    if match is None or int(match[2]) > 0xFFFF or int(match[3]) > 0xFF:
        return None
    return Address(to_checksum_address(match[1].lower())), int(match[2]), int(match[3])


def parse_limit_name(text: str) -> int | None:
    """The contract's counter from `limit-<n>`; None for anything else."""
    match = _LIMIT_NAME.fullmatch(text)
    return None if match is None or int(match[1]) > LARGEST_NUMBER else int(match[1])


def describe_resting_calls(network: Network, trader: Address, pair_id: int, index: int) -> tuple[Call, Call]:
    """The two reads whose outputs `decode_resting` takes."""
    storage = composition.contract_addresses(network).trading_storage
    return (
        Call(to=storage, data=GET_OPEN_LIMIT_ORDER.encode(trader, pair_id, index)),
        Call(to=storage, data=LIMIT_ORDER_IDS.encode(trader, pair_id, index)),
    )


def decode_resting(outputs: Sequence[bytes | Reverted]) -> RestingOrder | None:
    """The order in a slot, None for an empty one, for which the contract may also revert."""
    order, number = outputs
    held = None if isinstance(order, Reverted) else GET_OPEN_LIMIT_ORDER.decode(order)
    return None if held is None else RestingOrder(LIMIT_ORDER_IDS.decode(require_output(number)), held)


def read_resting_order(*, network: Network, trader: Address, pair_id: int, index: int) -> RestingOrder | None:
    """The order in a slot now, None for an empty one. GatewayError when the node does not answer."""
    calls = describe_resting_calls(network, trader, pair_id, index)
    return decode_resting(composition.arbitrum(network).call_many(calls))


def name_placed_order(*, network: Network, trader: Address, pair_id: int, index: int, block: int) -> str:
    """`limit-<n>` by the contract's own counter (facts 3.1), as of the block that placed the order.

    Nodes forget older state within minutes, headers never: then it is the number that the slot holds now, if that order
    was made in that block's second. If the order has ended since, it is the index's `<trader>_<pair>_<index>`, which
    names it as well. GatewayError when the node does not answer.
    """
    arbitrum = composition.arbitrum(network)
    storage = composition.contract_addresses(network).trading_storage
    call = Call(to=storage, data=LIMIT_ORDER_IDS.encode(trader, pair_id, index))
    try:
        return f"{LIMIT_PREFIX}{LIMIT_ORDER_IDS.decode(arbitrum.call(call, block=block))}"
    except GatewayError:
        made_at = arbitrum.block(block).timestamp
    resting = read_resting_order(network=network, trader=trader, pair_id=pair_id, index=index)
    if resting is not None and resting.order.created_at == made_at:
        return resting.order_id
    return f"{trader.lower()}_{pair_id}_{index}"

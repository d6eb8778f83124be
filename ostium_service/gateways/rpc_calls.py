"""Calls into contracts as JSON-RPC requests, and what comes back from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ostium_service.gateways.failures import Reverted, System, Unreachable
from ostium_service.gateways.jsonrpc import NodeError, Request, require_result, revert_data
from ostium_service.gateways.rpc_values import Block, parse_block, parse_data, parse_quantity
from ostium_service.types import Address, Wei

BlockTag = int | Literal["latest", "safe", "finalized", "pending"]
"""A height or one of the node's names for one."""

LATEST_BLOCK: Request = ("eth_getBlockByNumber", ["latest", False])


@dataclass(frozen=True, slots=True)
class Call:
    """A message call; `value` in wei. `gas` caps a call into code of a stranger; None leaves it to the node."""

    to: Address
    data: bytes
    sender: Address | None = None
    value: int = 0
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """A call that would succeed now: what it returns, its gas (unpadded) and the base fee in wei per gas."""

    output: bytes
    gas: int
    base_fee: Wei


@dataclass(frozen=True, slots=True)
class StateRead:
    """Answers of one batch, each tuple in the order asked: outputs or reverts, balances in wei, next nonces."""

    results: tuple[bytes | Reverted, ...]
    balances: tuple[Wei, ...]
    nonces: tuple[int, ...]
    block: Block


def call_object(call: Call) -> dict[str, str]:
    """The transaction object that eth_call and eth_estimateGas take."""
    fields = {"to": call.to, "data": "0x" + call.data.hex()}
    if call.sender is not None:
        fields["from"] = call.sender
    if call.value:
        fields["value"] = hex(call.value)
    if call.gas is not None:
        fields["gas"] = hex(call.gas)
    return fields


def call_request(call: Call) -> Request:
    """`eth_call` on the latest block."""
    return ("eth_call", [call_object(call), "latest"])


def block_tag(block: BlockTag) -> str:
    """The parameter for a height or a name."""
    return hex(block) if isinstance(block, int) else block


def result_of(answer: Any) -> Any:
    """The node's result; its error as the failure that it means for a read."""
    return require_result(System.RPC, answer)


def output_of(answer: Any) -> bytes | Reverted:
    """What a call returned, or the revert in its place."""
    data = revert_data(answer) if isinstance(answer, NodeError) else None
    return Reverted(data) if data is not None else parse_data(result_of(answer))


def parse_simulation(results: list[Any]) -> Simulation:
    """From the answers to a call, its gas estimate and the latest block."""
    output, gas, block = map(result_of, results)
    return Simulation(parse_data(output), parse_quantity(gas), parse_block(block).base_fee)


def parse_known_block(value: Any) -> Block:
    """A block; Unreachable `node_behind` for none."""
    if value is None:
        raise Unreachable(System.RPC, "node_behind")
    return parse_block(value)


def topics_match(found: tuple[bytes, ...], wanted: Sequence[bytes | None]) -> bool:
    """Whether each wanted topic stands in its position; None matches any."""
    return len(found) >= len(wanted) and all(w is None or w == f for f, w in zip(found, wanted, strict=False))

"""Arbitrum through JSON-RPC: strict reads that may be repeated, and a broadcast that never is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ostium_service.gateways.broadcast import Broadcaster, Endpoint, SendOutcome
from ostium_service.gateways.failures import Reverted, System, Unreachable
from ostium_service.gateways.http_client import HttpClient
from ostium_service.gateways.jsonrpc import (
    LARGEST_BATCH,
    JsonRpc,
    NodeError,
    Request,
    require_result,
    revert_data,
)
from ostium_service.gateways.resilience import Guard, OnCall, Policy, ignore_call
from ostium_service.gateways.rpc_values import (
    Block,
    Log,
    Receipt,
    bad,
    parse_block,
    parse_data,
    parse_logs,
    parse_quantity,
    parse_receipt,
)
from ostium_service.types import Address, Network, TxHash, Wei

__all__ = [
    "Arbitrum",
    "Block",
    "BlockTag",
    "Call",
    "Log",
    "Receipt",
    "SendOutcome",
    "Simulation",
    "StateRead",
]

T = TypeVar("T")

BlockTag = int | Literal["latest", "safe", "finalized", "pending"]
"""A height or one of the node's names for one."""

LARGEST_ANSWER = 8 * 1024 * 1024
CHAIN_ID: Request = ("eth_chainId", [])
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


class Arbitrum:
    """One network's node, and the sequencer's submit endpoint where one is configured.

    Reads raise Unreachable, BadAnswer or Refused, `call` and `simulate` also Reverted. The first read of a process, and
    every batch that a signature is based on, asks for the chain id too: a node of another chain is a BadAnswer.
    """

    def __init__(
        self,
        network: Network,
        *,
        rpc_url: str,
        submit_url: str = "",
        policy: Policy | None = None,
        on_call: OnCall = ignore_call,
    ) -> None:
        self.network = network
        policy = policy or Policy()
        self._verified = False
        self._http = HttpClient(system=System.RPC, url=rpc_url, policy=policy, max_bytes=LARGEST_ANSWER)
        self._rpc = JsonRpc(self._http)
        self._guard = Guard(system=System.RPC, policy=policy, on_call=on_call)
        nodes = [Endpoint(self._guard, self._rpc)]
        self._submit_http: HttpClient | None = None
        if submit_url:
            self._submit_http = HttpClient(
                system=System.SUBMIT, url=submit_url, policy=policy, max_bytes=LARGEST_ANSWER
            )
            guard = Guard(system=System.SUBMIT, policy=policy, on_call=on_call)
            nodes.insert(0, Endpoint(guard, JsonRpc(self._submit_http)))
        self._broadcaster = Broadcaster(network, nodes)

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()
        if self._submit_http:
            self._submit_http.close()

    def verify_chain_id(self) -> None:
        """Ask the node for its chain id now; BadAnswer `chain_id` when it is not this network's."""
        self._verified = False
        self._ask("chain_id", [], len)

    def call(self, call: Call, block: BlockTag = "latest") -> bytes:
        """Output of eth_call; `b""` where no contract stands at `to`. Reverted when it reverts."""
        return self._ask_one("call", ("eth_call", [_call_object(call), _block_tag(block)]), parse_data)

    def call_many(self, calls: Sequence[Call]) -> list[bytes | Reverted]:
        """Outputs in the order of `calls` from one batch (one per ninety calls); a revert stands in its place."""
        outputs: list[bytes | Reverted] = []
        for start in range(0, len(calls), LARGEST_BATCH):
            part = calls[start : start + LARGEST_BATCH]
            outputs += self._ask("call_many", [_eth_call(call) for call in part], lambda r: list(map(_output, r)))
        return outputs

    def simulate(self, call: Call) -> Simulation:
        """Try `call` on the latest block, estimate its gas and read the base fee, in one batch.

        Reverted when either says so. The estimate already holds Arbitrum's L1 share and is not padded.
        """
        batch = [_eth_call(call), ("eth_estimateGas", [_call_object(call)]), LATEST_BLOCK]
        return self._ask("simulate", batch, _parse_simulation, check_chain=True)

    def read_state(
        self, calls: Sequence[Call], balances: Sequence[Address] = (), nonces: Sequence[Address] = ()
    ) -> StateRead:
        """Calls, native balances, next nonces (at latest) and the latest block, in one batch of at most 90 requests."""
        batch = [_eth_call(call) for call in calls]
        batch += [("eth_getBalance", [address, "latest"]) for address in balances]
        batch += [("eth_getTransactionCount", [address, "latest"]) for address in nonces]
        first, second = len(calls), len(calls) + len(balances)

        def parse(results: list[Any]) -> StateRead:
            return StateRead(
                results=tuple(map(_output, results[:first])),
                balances=tuple(Wei(parse_quantity(_value(item))) for item in results[first:second]),
                nonces=tuple(parse_quantity(_value(item)) for item in results[second:-1]),
                block=parse_block(_value(results[-1])),
            )

        return self._ask("read_state", [*batch, LATEST_BLOCK], parse, check_chain=True)

    def transaction_count(self, address: Address, block: BlockTag = "latest") -> int:
        """The nonce that the next transaction of `address` has as of `block`."""
        request: Request = ("eth_getTransactionCount", [address, _block_tag(block)])
        return self._ask_one("transaction_count", request, parse_quantity)

    def balance(self, address: Address) -> Wei:
        """Native balance at the latest block, in wei."""
        return Wei(self._ask_one("balance", ("eth_getBalance", [address, "latest"]), parse_quantity))

    def block(self, block: BlockTag) -> Block:
        """The header of a block; Unreachable `node_behind` when this node does not have it."""
        return self._ask_one("block", ("eth_getBlockByNumber", [_block_tag(block), False]), _parse_known_block)

    def code(self, address: Address) -> bytes:
        """Code at `address`, empty for an ordinary account."""
        return self._ask_one("code", ("eth_getCode", [address, "latest"]), parse_data)

    def receipt(self, tx_hash: TxHash) -> Receipt | None:
        """The receipt, None while this node knows of no block with it.

        BadAnswer: another transaction's receipt, or one without a proper status.
        """
        request: Request = ("eth_getTransactionReceipt", [tx_hash])
        return self._ask_one("receipt", request, lambda value: parse_receipt(value, tx_hash))

    def logs(
        self, address: Address, topics: Sequence[bytes | None], from_block: int, to_block: int | Literal["latest"]
    ) -> list[Log]:
        """Logs of `address` whose topics match by position (None matches any), in chain order and each once.

        What the node adds beyond the filter is dropped, as are logs of removed blocks.
        """
        if isinstance(to_block, int) and from_block > to_block:
            return []
        wanted = {
            "address": address,
            "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
            "fromBlock": hex(from_block),
            "toBlock": _block_tag(to_block),
        }
        found = self._ask_one("logs", ("eth_getLogs", [wanted]), parse_logs)
        highest = to_block if isinstance(to_block, int) else None
        return [
            log
            for log in found
            if log.address == address
            and log.block_number >= from_block
            and (highest is None or log.block_number <= highest)
            and _topics_match(log.topics, topics)
        ]

    def send_raw(self, raw: bytes) -> SendOutcome:
        """Broadcast signed bytes once: to the submit endpoint if there is one, then, if that leaves doubt, to the node.

        Never raises for upstream trouble; see `Broadcaster.send` for what each outcome proves.
        """
        return self._broadcaster.send(raw)

    def _ask_one(self, operation: str, request: Request, parse: Callable[[Any], T]) -> T:
        return self._ask(operation, [request], lambda results: parse(_value(results[0])))

    def _ask(
        self,
        operation: str,
        requests: Sequence[Request],
        parse: Callable[[list[Any]], T],
        *,
        check_chain: bool = False,
    ) -> T:
        """One repeatable batch, parsed inside the attempt so that a bad answer is counted as one."""

        def attempt(seconds: float) -> T:
            if self._verified and not check_chain:
                return parse(self._rpc.ask(requests, seconds=seconds))
            chain_id, *results = self._rpc.ask([CHAIN_ID, *requests], seconds=seconds)
            self._require_chain(chain_id)
            return parse(results)

        return self._guard.read(operation, attempt)

    def _require_chain(self, answer: Any) -> None:
        if parse_quantity(_value(answer)) != self.network.chain_id:
            self._verified = False
            raise bad("chain_id")
        self._verified = True


def _call_object(call: Call) -> dict[str, str]:
    fields = {"to": call.to, "data": "0x" + call.data.hex()}
    if call.sender is not None:
        fields["from"] = call.sender
    if call.value:
        fields["value"] = hex(call.value)
    if call.gas is not None:
        fields["gas"] = hex(call.gas)
    return fields


def _eth_call(call: Call) -> Request:
    return ("eth_call", [_call_object(call), "latest"])


def _block_tag(block: BlockTag) -> str:
    return hex(block) if isinstance(block, int) else block


def _value(answer: Any) -> Any:
    return require_result(System.RPC, answer)


def _output(answer: Any) -> bytes | Reverted:
    data = revert_data(answer) if isinstance(answer, NodeError) else None
    return Reverted(data) if data is not None else parse_data(_value(answer))


def _parse_simulation(results: list[Any]) -> Simulation:
    output, gas, block = results
    return Simulation(parse_data(_value(output)), parse_quantity(_value(gas)), parse_block(_value(block)).base_fee)


def _parse_known_block(value: Any) -> Block:
    if value is None:
        raise Unreachable(System.RPC, "node_behind")
    return parse_block(value)


def _topics_match(found: tuple[bytes, ...], wanted: Sequence[bytes | None]) -> bool:
    return len(found) >= len(wanted) and all(w is None or w == f for f, w in zip(found, wanted, strict=False))

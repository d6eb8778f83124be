"""Arbitrum through JSON-RPC: strict reads that may be repeated, and a broadcast that never is."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from ostium_service.gateways.broadcast import Broadcaster, Endpoint, SendOutcome
from ostium_service.gateways.failures import Reverted, System
from ostium_service.gateways.http_client import HttpClient
from ostium_service.gateways.jsonrpc import LARGEST_BATCH, JsonRpc, Request
from ostium_service.gateways.resilience import Guard, OnCall, Policy, ignore_call
from ostium_service.gateways.rpc_calls import (
    LATEST_BLOCK,
    BlockTag,
    Call,
    Simulation,
    StateRead,
    block_tag,
    call_object,
    call_request,
    output_of,
    parse_known_block,
    parse_simulation,
    result_of,
    topics_match,
)
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

LARGEST_ANSWER = 8 * 1024 * 1024
CHAIN_ID: Request = ("eth_chainId", [])


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
        return self._ask_one("call", ("eth_call", [call_object(call), block_tag(block)]), parse_data)

    def call_many(self, calls: Sequence[Call]) -> list[bytes | Reverted]:
        """Outputs in the order of `calls` from one batch (one per ninety calls); a revert stands in its place."""
        outputs: list[bytes | Reverted] = []
        for start in range(0, len(calls), LARGEST_BATCH):
            part = calls[start : start + LARGEST_BATCH]
            outputs += self._ask("call_many", [call_request(call) for call in part], lambda r: list(map(output_of, r)))
        return outputs

    def simulate(self, call: Call) -> Simulation:
        """Try `call` on the latest block, estimate its gas and read the base fee, in one batch.

        Reverted when either says so. The estimate already holds Arbitrum's L1 share and is not padded.
        """
        batch = [call_request(call), ("eth_estimateGas", [call_object(call)]), LATEST_BLOCK]
        return self._ask("simulate", batch, parse_simulation, check_chain=True)

    def read_state(
        self, calls: Sequence[Call], balances: Sequence[Address] = (), nonces: Sequence[Address] = ()
    ) -> StateRead:
        """The latest block, calls, native balances and next nonces (at latest), in one batch of at most 90 requests.

        The block is asked first: where the head moves within the batch, an answer may be newer than it, never older.
        """
        batch = [call_request(call) for call in calls]
        batch += [("eth_getBalance", [address, "latest"]) for address in balances]
        batch += [("eth_getTransactionCount", [address, "latest"]) for address in nonces]
        first, second = len(calls), len(calls) + len(balances)

        def parse(answers: list[Any]) -> StateRead:
            block, *results = answers
            return StateRead(
                results=tuple(map(output_of, results[:first])),
                balances=tuple(Wei(parse_quantity(result_of(item))) for item in results[first:second]),
                nonces=tuple(parse_quantity(result_of(item)) for item in results[second:]),
                block=parse_block(result_of(block)),
            )

        return self._ask("read_state", [LATEST_BLOCK, *batch], parse, check_chain=True)

    def transaction_count(self, address: Address, block: BlockTag = "latest") -> int:
        """The nonce that the next transaction of `address` has as of `block`."""
        request: Request = ("eth_getTransactionCount", [address, block_tag(block)])
        return self._ask_one("transaction_count", request, parse_quantity)

    def balance(self, address: Address) -> Wei:
        """Native balance at the latest block, in wei."""
        return Wei(self._ask_one("balance", ("eth_getBalance", [address, "latest"]), parse_quantity))

    def block(self, block: BlockTag) -> Block:
        """The header of a block; Unreachable `node_behind` when this node does not have it."""
        return self._ask_one("block", ("eth_getBlockByNumber", [block_tag(block), False]), parse_known_block)

    def code(self, address: Address) -> bytes:
        """Code at `address`, empty for an ordinary account."""
        return self._ask_one("code", ("eth_getCode", [address, "latest"]), parse_data)

    def receipt(self, tx_hash: TxHash) -> Receipt | None:
        """The receipt, None while this node knows of no block with it.

        BadAnswer: another transaction's receipt, or one without a proper status.
        """
        request: Request = ("eth_getTransactionReceipt", [tx_hash])
        return self._ask_one("receipt", request, lambda value: parse_receipt(value, tx_hash))

    def receipts(
        self, tx_hashes: Sequence[TxHash], *, sender: Address, block: BlockTag
    ) -> tuple[list[Receipt | None], int]:
        """The receipts as `receipt` reads them, and the next nonce of `sender` as of `block`.

        One batch, so that the two come from one node: a nonce that is spent with no receipt for it means something
        only then.
        """
        batch: list[Request] = [("eth_getTransactionReceipt", [tx_hash]) for tx_hash in tx_hashes]
        batch.append(("eth_getTransactionCount", [sender, block_tag(block)]))

        def parse(results: list[Any]) -> tuple[list[Receipt | None], int]:
            *found, count = map(result_of, results)
            return [parse_receipt(*pair) for pair in zip(found, tx_hashes, strict=True)], parse_quantity(count)

        return self._ask("receipts", batch, parse)

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
            "toBlock": block_tag(to_block),
        }
        found = self._ask_one("logs", ("eth_getLogs", [wanted]), parse_logs)
        highest = to_block if isinstance(to_block, int) else None
        return [
            log
            for log in found
            if log.address == address
            and log.block_number >= from_block
            and (highest is None or log.block_number <= highest)
            and topics_match(log.topics, topics)
        ]

    def send_raw(self, raw: bytes, *, everywhere: bool = False) -> SendOutcome:
        """Broadcast signed bytes once: to the submit endpoint if there is one, then, if that leaves doubt, to the node.

        `everywhere` asks both whatever the first says. Never raises for upstream trouble; see `Broadcaster` for what
        each outcome proves.
        """
        return self._broadcaster.send_everywhere(raw) if everywhere else self._broadcaster.send(raw)

    def _ask_one(self, operation: str, request: Request, parse: Callable[[Any], T]) -> T:
        return self._ask(operation, [request], lambda results: parse(result_of(results[0])))

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
        if parse_quantity(result_of(answer)) != self.network.chain_id:
            self._verified = False
            raise bad("chain_id")
        self._verified = True

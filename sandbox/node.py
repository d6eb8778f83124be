"""The sandbox's own view of its chain: JSON-RPC in batches, and the contracts found through the registry."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from ostium_python_sdk.config import NetworkConfig

from sandbox.abis import ABIS, Contract
from sandbox.processes import SandboxError

TIMEOUT_SECONDS = 20.0
RECEIPT_SECONDS = 20.0
KEEPER_GAS = 6_000_000
MAX_FEE_WEI = 2_000_000_000
REGISTRY_NAMES = ("callbacks", "pairInfos", "pairsStorage")


class NodeError(SandboxError):
    """The node answered with an error; `data` is its revert data, empty when there is none."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        """Keep the revert data beside the text."""
        super().__init__(message)
        self.data = data


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One decoded log with its place in the chain."""

    contract: str
    name: str
    arguments: Mapping[str, Any]
    block_number: int
    transaction_hash: str
    log_index: int


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block's number, hash and time (unix seconds)."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Read:
    """One view call for `Node.read_many`."""

    contract: str
    function: str
    arguments: tuple[Any, ...] = ()


def read(contract: str, function: str, *arguments: Any) -> Read:
    """Short form of `Read`."""
    return Read(contract, function, arguments)


class Node:
    """JSON-RPC to one Anvil; usable from several threads (one connection each)."""

    def __init__(self, rpc_url: str) -> None:
        """Nothing is asked yet; `find_contracts` does that."""
        self.rpc_url = rpc_url
        self.contracts: dict[str, Contract] = {}
        self._local = threading.local()

    def find_contracts(self) -> None:
        """Take trading, storage and USDC from the SDK's testnet addresses, the rest from the registry on chain."""
        known = NetworkConfig.testnet().contracts
        for name in ("trading", "tradingStorage", "usdc"):
            self.contracts[name] = Contract(address=known[name], abi=ABIS[name])
        self.contracts["registry"] = Contract(address=self.read(read("trading", "registry")), abi=ABIS["registry"])
        for name in REGISTRY_NAMES:
            self.contracts[name] = Contract(address=self._registered(name), abi=ABIS[name])
        oracle = self.read(read("pairsStorage", "oracle", 0))
        self.contracts["priceUpKeep"] = Contract(
            address=self._registered(f"{oracle}PriceUpkeep"), abi=ABIS["priceUpKeep"]
        )

    def request(self, method: str, *parameters: Any) -> Any:
        """One JSON-RPC call; NodeError for an error answer or an unreachable node."""
        return self.batch([(method, list(parameters))])[0]

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Results in the order of the calls; NodeError for the first error among them."""
        if not calls:
            return []
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
            for number, (method, parameters) in enumerate(calls)
        ]
        try:
            answer = self._session().post(self.rpc_url, json=body, timeout=TIMEOUT_SECONDS).json()
        except (requests.RequestException, ValueError) as error:
            raise NodeError(f"the node at {self.rpc_url} does not answer") from error
        if not isinstance(answer, list):
            raise NodeError(f"the node refused a batch: {answer}")
        by_id = {entry["id"]: entry for entry in answer}
        return [result_of(by_id[number]) for number in range(len(calls))]

    def read(self, call: Read, *, block: int | None = None) -> Any:
        """One decoded view call."""
        return self.read_many([call], block=block)[0]

    def read_many(self, calls: Sequence[Read], *, block: int | None = None) -> list[Any]:
        """Decoded view calls at one block (the latest with None), in one round trip."""
        tag = "latest" if block is None else hex(block)
        functions = [self.contracts[call.contract].functions[call.function] for call in calls]
        answers = self.batch(
            [
                (
                    "eth_call",
                    [
                        {
                            "to": self.contracts[call.contract].address,
                            "data": "0x" + function.encode(call.arguments).hex(),
                        },
                        tag,
                    ],
                )
                for call, function in zip(calls, functions, strict=True)
            ]
        )
        return [function.decode(bytes.fromhex(answer[2:])) for function, answer in zip(functions, answers, strict=True)]

    def head(self) -> BlockHead:
        """The latest block."""
        return to_head(self.request("eth_getBlockByNumber", "latest", False))

    def heads(self, numbers: Sequence[int]) -> list[BlockHead | None]:
        """The latest block and then the numbered ones, None for those that do not exist; one round trip."""
        tags = ["latest", *[hex(number) for number in numbers]]
        answers = self.batch([("eth_getBlockByNumber", [tag, False]) for tag in tags])
        return [to_head(answer) if answer else None for answer in answers]

    def logs(self, *, first_block: int, last_block: int, contracts: Sequence[str]) -> list[LogEntry]:
        """Known events of these contracts in chain order; both ends included."""
        by_address = {self.contracts[name].address.lower(): name for name in contracts}
        entries = self.request(
            "eth_getLogs",
            {"fromBlock": hex(first_block), "toBlock": hex(last_block), "address": list(by_address)},
        )
        decoded = [self._decode_log(by_address[entry["address"].lower()], entry) for entry in entries]
        return sorted((entry for entry in decoded if entry), key=lambda entry: (entry.block_number, entry.log_index))

    def send(self, *, sender: str, to: str, data: bytes, value: int = 0) -> str:
        """Send from one of the node's own accounts and return the hash; the receipt is not waited for."""
        transaction = {
            "from": sender,
            "to": to,
            "data": "0x" + data.hex(),
            "value": hex(value),
            "gas": hex(KEEPER_GAS),
            # The node's own suggestion of a tip is above what it suggests as a maximum.
            "maxFeePerGas": hex(MAX_FEE_WEI),
            "maxPriorityFeePerGas": "0x0",
        }
        return str(self.request("eth_sendTransaction", transaction))

    def wait_receipt(self, transaction_hash: str) -> Mapping[str, Any]:
        """The receipt whatever its status; NodeError when it does not come, at once for what a reorganisation took."""
        deadline = time.monotonic() + RECEIPT_SECONDS
        while time.monotonic() < deadline:
            receipt = self.request("eth_getTransactionReceipt", transaction_hash)
            if receipt:
                found: Mapping[str, Any] = receipt
                return found
            if self.request("eth_getTransactionByHash", transaction_hash) is None:
                break
            time.sleep(0.05)
        raise NodeError(f"no receipt for {transaction_hash}")

    def _registered(self, name: str) -> str:
        key = name.encode().ljust(32, b"\0")
        return str(self.read(read("registry", "getContractAddress", key)))

    def _decode_log(self, contract: str, entry: Mapping[str, Any]) -> LogEntry | None:
        topics = [bytes.fromhex(topic[2:]) for topic in entry["topics"]]
        event = self.contracts[contract].events.get(topics[0]) if topics else None
        if event is None:
            return None
        return LogEntry(
            contract=contract,
            name=event.name,
            arguments=event.decode(topics=topics, data=bytes.fromhex(entry["data"][2:])),
            block_number=int(entry["blockNumber"], 16),
            transaction_hash=entry["transactionHash"],
            log_index=int(entry["logIndex"], 16),
        )

    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            self._local.session = session
        found: requests.Session = session
        return found


def result_of(entry: Mapping[str, Any]) -> Any:
    """The result of one answer; NodeError with the revert data for an error."""
    if "error" not in entry:
        return entry.get("result")
    error = entry["error"]
    data = error.get("data")
    raw = bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""
    raise NodeError(str(error.get("message", error)), raw)


def to_head(block: Mapping[str, Any]) -> BlockHead:
    """The parts of a block that the sandbox follows."""
    return BlockHead(number=int(block["number"], 16), hash=str(block["hash"]), timestamp=int(block["timestamp"], 16))

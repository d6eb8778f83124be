"""Calls and events of the sandbox's contracts, encoded and decoded from the ABIs of ostium-python-sdk 3.3.1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import decode, encode
from eth_utils import keccak, to_checksum_address
from ostium_python_sdk.abi.callbacks_abi import callbacks_abi
from ostium_python_sdk.abi.pairs_info_abi import pairs_info_abi
from ostium_python_sdk.abi.pairs_storage_abi import pairs_storage_abi
from ostium_python_sdk.abi.trading_abi import trading_abi
from ostium_python_sdk.abi.trading_storage_abi import trading_storage_abi
from ostium_python_sdk.abi.usdc_abi import usdc_abi

type_of = "type"

REGISTRY_ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "getContractAddress",
        "inputs": [{"name": "name", "type": "bytes32"}],
        "outputs": [{"name": "", "type": "address"}],
    }
]

# The up-keep has no ABI in the SDK. PriceRequestedV2 is the venue's; the two functions exist in the sandbox only.
UP_KEEP_ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "settle",
        "inputs": [
            {"name": "orderId", "type": "uint256"},
            {"name": "price", "type": "int192"},
            {"name": "bid", "type": "int192"},
            {"name": "ask", "type": "int192"},
            {"name": "isMarketOpen", "type": "bool"},
            {"name": "isDayTradingClosed", "type": "bool"},
        ],
        "outputs": [],
    },
    {
        "type": "function",
        "name": "forceCancel",
        "inputs": [{"name": "orderId", "type": "uint256"}, {"name": "reason", "type": "uint8"}],
        "outputs": [],
    },
    {
        "type": "function",
        "name": "keeper",
        "inputs": [],
        "outputs": [{"name": "", "type": "address"}],
    },
    {
        "type": "event",
        "name": "PriceRequestedV2",
        "inputs": [
            {"name": "orderId", "type": "uint256", "indexed": True},
            {"name": "orderType", "type": "uint8", "indexed": False},
            {"name": "feed", "type": "bytes32", "indexed": False},
            {"name": "timestamp", "type": "uint256", "indexed": False},
        ],
    },
]


def canonical_type(parameter: Mapping[str, Any]) -> str:
    """The parameter's type as a selector spells it: tuples as their members."""
    kind = str(parameter[type_of])
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(canonical_type(member) for member in parameter["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def named_value(parameter: Mapping[str, Any], value: Any) -> Any:
    """A decoded value in handy form: structs as dicts, addresses in EIP-55, lists of either."""
    kind = str(parameter[type_of])
    if kind.endswith("]"):
        element = {**parameter, type_of: kind[: kind.rindex("[")]}
        return [named_value(element, item) for item in value]
    if kind == "tuple":
        return {
            member["name"]: named_value(member, item)
            for member, item in zip(parameter["components"], value, strict=True)
        }
    return to_checksum_address(value) if kind == "address" else value


@dataclass(frozen=True, slots=True)
class Function:
    """One contract function."""

    selector: bytes
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]

    def encode(self, arguments: Sequence[Any]) -> bytes:
        """Call data; eth_abi's EncodingError for values that do not fit."""
        return self.selector + encode([canonical_type(item) for item in self.inputs], list(arguments))

    def decode_arguments(self, data: bytes) -> dict[str, Any]:
        """The named arguments in call data of this function."""
        values = decode([canonical_type(item) for item in self.inputs], data[4:])
        return {item["name"]: named_value(item, value) for item, value in zip(self.inputs, values, strict=True)}

    def decode(self, data: bytes) -> Any:
        """The single output, or a dict by name (by position where outputs have no names)."""
        values = decode([canonical_type(item) for item in self.outputs], data)
        named = [named_value(item, value) for item, value in zip(self.outputs, values, strict=True)]
        if len(named) == 1:
            return named[0]
        return {
            item["name"] or position: value
            for position, (item, value) in enumerate(zip(self.outputs, named, strict=True))
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `decode` gives its named arguments, unnamed ones by position."""

    name: str
    topic: bytes
    inputs: tuple[Mapping[str, Any], ...]

    def decode(self, *, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Arguments of a log of this event."""
        plain = [item for item in self.inputs if not item["indexed"]]
        values = iter(decode([canonical_type(item) for item in plain], data))
        indexed = iter(topics[1:])
        arguments: dict[str, Any] = {}
        for position, item in enumerate(self.inputs):
            value = decode([canonical_type(item)], next(indexed))[0] if item["indexed"] else next(values)
            arguments[item["name"] or f"argument{position}"] = named_value(item, value)
        return arguments


class Contract:
    """The functions and events of one contract at one address."""

    def __init__(self, *, address: str, abi: Sequence[Mapping[str, Any]]) -> None:
        """Overloaded names keep the last entry; none of those used here is overloaded."""
        self.address = to_checksum_address(address)
        self.functions: dict[str, Function] = {}
        self.events: dict[bytes, Event] = {}
        for entry in abi:
            if entry[type_of] not in {"function", "event"}:
                continue
            inputs = tuple(entry["inputs"])
            signature = f"{entry['name']}({','.join(canonical_type(item) for item in inputs)})"
            digest = keccak(text=signature)
            if entry[type_of] == "event":
                self.events[digest] = Event(name=entry["name"], topic=digest, inputs=inputs)
            else:
                self.functions[entry["name"]] = Function(digest[:4], inputs, tuple(entry["outputs"]))

    def encode(self, name: str, *arguments: Any) -> bytes:
        """Call data of the named function."""
        return self.functions[name].encode(arguments)


ABIS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "trading": trading_abi,
    "tradingStorage": trading_storage_abi,
    "callbacks": callbacks_abi,
    "pairInfos": pairs_info_abi,
    "pairsStorage": pairs_storage_abi,
    "priceUpKeep": UP_KEEP_ABI,
    "usdc": usdc_abi,
    "registry": REGISTRY_ABI,
}

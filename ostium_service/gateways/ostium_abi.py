"""The ABIs and addresses that ostium-python-sdk ships, and a strict codec over them.

Only the SDK's data files are loaded, each by its path: importing the package would run its network clients' imports
(gql, aiohttp, web3), which cost a web process tens of megabytes and are never used.
"""

import importlib.machinery
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import eth_abi.abi
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

WORD = 32

Entry = Mapping[str, Any]
"""One element of a contract's JSON ABI."""


class NotEncoded(ValueError):
    """Bytes that are not the one canonical encoding of the expected types."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named ABI type; `type` is canonical, tuples written out, `parts` are a tuple's members."""

    name: str
    type: str
    parts: tuple["Parameter", ...] = ()
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A contract function."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]

    @property
    def selector(self) -> bytes:
        """First four bytes of the call data."""
        return keccak(text=signature(self.name, self.inputs))[:4]

    def encode(self, *args: object) -> bytes:
        """Call data; ValueError for values that the types do not hold."""
        return self.selector + encode_values(self.inputs, args)


def signature(name: str, parameters: Iterable[Parameter]) -> str:
    """`name(type,type)`, what selectors and topics are hashed from."""
    return f"{name}({','.join(parameter.type for parameter in parameters)})"


def encode_values(parameters: Sequence[Parameter], values: Sequence[object]) -> bytes:
    """Canonical ABI encoding; ValueError for what a type does not hold (no rounding, no booleans as integers)."""
    try:
        return bytes(eth_abi.abi.encode([parameter.type for parameter in parameters], values))
    except (EncodingError, TypeError) as error:
        raise ValueError(str(error)) from None


def decode_values(parameters: Sequence[Parameter], data: bytes) -> tuple[Any, ...]:
    """Values of `data`: addresses in EIP-55 form, tuples as dictionaries by member name.

    NotEncoded unless encoding the values again gives the same bytes: no dirty words, odd offsets or trailing bytes.
    """
    try:
        values = eth_abi.abi.decode([parameter.type for parameter in parameters], data)
        canonical = encode_values(parameters, values) == data
    except (DecodingError, ValueError, OverflowError) as error:
        raise NotEncoded(type(error).__name__) from None
    if not canonical:
        raise NotEncoded("not canonical")
    return tuple(_named(parameter, value) for parameter, value in zip(parameters, values, strict=True))


def _named(parameter: Parameter, value: Any) -> Any:
    if parameter.parts:
        return {part.name: _named(part, item) for part, item in zip(parameter.parts, value, strict=True)}
    return to_checksum_address(value) if parameter.type == "address" else value


def parse_parameter(entry: Entry, position: int = 0) -> Parameter:
    """A parameter of the JSON ABI; one without a name is called by its position, as in `arg0`."""
    parts = tuple(parse_parameter(part, number) for number, part in enumerate(entry.get("components", ())))
    kind = entry["type"]
    if parts:
        kind = f"({','.join(part.type for part in parts)}){kind.removeprefix('tuple')}"
    return Parameter(entry["name"] or f"arg{position}", kind, parts, bool(entry.get("indexed", False)))


def parse_parameters(entries: Iterable[Entry]) -> tuple[Parameter, ...]:
    """Inputs or outputs of the JSON ABI."""
    return tuple(parse_parameter(entry, position) for position, entry in enumerate(entries))


def declare(text: str) -> Function:
    """A function from `name(type,type) returns (type)`, for contracts whose ABI the SDK does not ship."""
    head, _, returned = text.partition(" returns ")
    name, _, inputs = head.rstrip(")").partition("(")
    return Function(name, _declared(inputs), _declared(returned.strip("()")))


def _declared(types: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(f"arg{number}", kind) for number, kind in enumerate(filter(None, types.split(","))))


def load_sdk_module(name: str) -> ModuleType:
    """Run one file of the SDK as a module of its own, without its package."""
    package = importlib.machinery.PathFinder.find_spec("ostium_python_sdk")
    if package is None or package.origin is None:
        raise ImportError("ostium-python-sdk is not installed")
    path = Path(package.origin).parent.joinpath(*name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(f"ostium_sdk_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"ostium-python-sdk has no {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_entries(contract: str) -> list[Entry]:
    """The JSON ABI in the SDK's `abi/<contract>_abi.py`."""
    module = load_sdk_module(f"abi.{contract}_abi")
    [entries] = [value for name, value in vars(module).items() if name.endswith("_abi")]
    return list(entries)


def load_functions(contract: str, names: Iterable[str]) -> dict[str, Function]:
    """The named functions of one contract; KeyError when the SDK no longer has one of them."""
    found = {
        entry["name"]: Function(entry["name"], parse_parameters(entry["inputs"]), parse_parameters(entry["outputs"]))
        for entry in load_entries(contract)
        if entry["type"] == "function"
    }
    return {name: found[name] for name in names}

"""Events of the trading contract, its callbacks and the price up-keep. No I/O.

Amounts keep the contract's scales: USDC 1e6, prices 1e18, leverage 1e2, percentProfit 1e6 of one percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from eth_utils.crypto import keccak

from ostium_service.gateways.ostium_abi import (
    NotEncoded,
    Parameter,
    decode_values,
    load_entries,
    parse_parameters,
    signature,
)
from ostium_service.gateways.rpc_values import Log
from ostium_service.types import Address


@dataclass(frozen=True, slots=True)
class OstiumEvent:
    """A decoded log; `args` by the ABI's parameter names, structs as dictionaries.

    Anyone may emit a log of the same shape: compare `address` before believing it.
    """

    name: str
    address: Address
    args: dict[str, Any]
    log: Log


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    parameters: tuple[Parameter, ...]

    @property
    def topic(self) -> bytes:
        return keccak(text=signature(self.name, self.parameters))


# The up-keep's ABI is not in the SDK; declared as the SDK's own source names it.
_PRICE_REQUESTED = _Event(
    "PriceRequestedV2",
    (
        Parameter("orderId", "uint256", indexed=True),
        Parameter("orderType", "uint8"),
        Parameter("feed", "bytes32"),
        Parameter("timestamp", "uint256"),
    ),
)


def _load_events(contract: str) -> list[_Event]:
    return [
        _Event(entry["name"], parse_parameters(entry["inputs"]))
        for entry in load_entries(contract)
        if entry["type"] == "event"
    ]


_TRADING = _load_events("trading")
_CALLBACKS = _load_events("callbacks")
_BY_TOPIC: Mapping[bytes, _Event] = {event.topic: event for event in (*_TRADING, *_CALLBACKS, _PRICE_REQUESTED)}

_TRADING_TOPICS = {event.name: event.topic for event in _TRADING}
_CALLBACKS_TOPICS = {event.name: event.topic for event in _CALLBACKS}
TOPICS: Mapping[str, bytes] = MappingProxyType(
    {
        **_TRADING_TOPICS,
        **_CALLBACKS_TOPICS,
        _PRICE_REQUESTED.name: _PRICE_REQUESTED.topic,
        "OracleFeeCharged": _TRADING_TOPICS["OracleFeeCharged"],
        "callbacks.OracleFeeCharged": _CALLBACKS_TOPICS["OracleFeeCharged"],
        "trading.RemoveCollateralRejected": _TRADING_TOPICS["RemoveCollateralRejected"],
    }
)
"""Event name to topic 0. Two names have a shape of their own in each contract; the plain name is trading's
OracleFeeCharged and callbacks' RemoveCollateralRejected (trading's, with a text, is no longer emitted)."""


def decode_log(log: Log) -> OstiumEvent | None:
    """The event behind a log, None for a topic of none of these contracts or bytes that are not exactly its shape."""
    event = _BY_TOPIC.get(log.topics[0]) if log.topics else None
    if event is None:
        return None
    indexed = [parameter for parameter in event.parameters if parameter.indexed]
    plain = [parameter for parameter in event.parameters if not parameter.indexed]
    if len(indexed) != len(log.topics) - 1:
        return None
    try:
        values = decode_values(indexed, b"".join(log.topics[1:])) + decode_values(plain, log.data)
    except NotEncoded:
        return None
    named = dict(zip((parameter.name for parameter in (*indexed, *plain)), values, strict=True))
    return OstiumEvent(event.name, log.address, {p.name: named[p.name] for p in event.parameters}, log)

"""JSON-RPC answers into strict types. Whatever is not exactly of the expected shape is a BadAnswer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from ostium_service.gateways.failures import BadAnswer, System
from ostium_service.types import Address, TxHash, Wei

# No "42161", no 0X, no leading zeros, no number over 256 bits: a decimal string read as hex is another chain.
_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


@dataclass(frozen=True, slots=True)
class Block:
    """A block header; `timestamp` in Unix seconds, `base_fee` in wei per gas."""

    number: int
    hash: str
    timestamp: int
    base_fee: Wei


@dataclass(frozen=True, slots=True)
class Log:
    """One event record as a node tells it; `topics` are 32 bytes each."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: str
    tx_hash: TxHash
    log_index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction; `succeeded` is false for status 0, which is charged but had no effect."""

    tx_hash: TxHash
    succeeded: bool
    block_number: int
    block_hash: str
    gas_used: int
    effective_gas_price: Wei
    logs: tuple[Log, ...]


def bad(token: str) -> BadAnswer:
    """A BadAnswer of the RPC system."""
    return BadAnswer(System.RPC, token)


def parse_quantity(value: object) -> int:
    """An unsigned integer from its one hex notation."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise bad("quantity")
    return int(value, 16)


def parse_data(value: object) -> bytes:
    """Bytes from 0x and whole pairs of hex digits."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise bad("data")
    return bytes.fromhex(value[2:])


def parse_hash(value: object) -> str:
    """A 32-byte hash in lower case."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise bad("hash")
    return value.lower()


def parse_address(value: object) -> Address:
    """An address in EIP-55 form, whatever case the node used."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise bad("address")
    return Address(to_checksum_address(value))


def parse_object(value: object, token: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise bad(token)
    return value


def parse_block(value: object) -> Block:
    """A block header with its base fee."""
    fields = parse_object(value, "block")
    return Block(
        number=parse_quantity(fields.get("number")),
        hash=parse_hash(fields.get("hash")),
        timestamp=parse_quantity(fields.get("timestamp")),
        base_fee=Wei(parse_quantity(fields.get("baseFeePerGas"))),
    )


def parse_log(value: object) -> Log | None:
    """A log, or None for one that a reorganisation removed or that is not in a block yet."""
    fields = parse_object(value, "log")
    if fields.get("removed", False) is not False or fields.get("blockHash") is None:
        return None
    topics = fields.get("topics")
    if not isinstance(topics, list) or len(topics) > 4:
        raise bad("topics")
    return Log(
        address=parse_address(fields.get("address")),
        topics=tuple(bytes.fromhex(parse_hash(topic)[2:]) for topic in topics),
        data=parse_data(fields.get("data")),
        block_number=parse_quantity(fields.get("blockNumber")),
        block_hash=parse_hash(fields.get("blockHash")),
        tx_hash=TxHash(parse_hash(fields.get("transactionHash"))),
        log_index=parse_quantity(fields.get("logIndex")),
    )


def parse_logs(value: object) -> list[Log]:
    """Logs in chain order, each once, without removed ones."""
    if not isinstance(value, list):
        raise bad("logs")
    found = {(log.block_hash, log.log_index): log for log in map(parse_log, value) if log is not None}
    return sorted(found.values(), key=lambda log: (log.block_number, log.log_index))


def parse_receipt(value: object, tx_hash: TxHash) -> Receipt | None:
    """The receipt of `tx_hash`, or None while it is in no block.

    BadAnswer: it is another transaction's, or its status is missing or not exactly 0x0 or 0x1.
    """
    if value is None:
        return None
    fields = parse_object(value, "receipt")
    if parse_hash(fields.get("transactionHash")) != tx_hash.lower():
        raise bad("receipt_hash")
    if fields.get("blockNumber") is None or fields.get("blockHash") is None:
        return None
    if fields.get("status") not in ("0x0", "0x1"):
        raise bad("receipt_status")
    logs = parse_logs(fields.get("logs"))
    if any(log.tx_hash != tx_hash.lower() for log in logs):
        raise bad("receipt_logs")
    return Receipt(
        tx_hash=TxHash(tx_hash.lower()),
        succeeded=fields["status"] == "0x1",
        block_number=parse_quantity(fields["blockNumber"]),
        block_hash=parse_hash(fields["blockHash"]),
        gas_used=parse_quantity(fields.get("gasUsed")),
        effective_gas_price=Wei(parse_quantity(fields.get("effectiveGasPrice"))),
        logs=tuple(logs),
    )

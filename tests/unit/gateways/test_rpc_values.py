"""What a node may say, and what is not believed."""

from typing import Any

import pytest

from ostium_service.gateways import rpc_values
from ostium_service.gateways.failures import BadAnswer
from ostium_service.types import TxHash

HASH = TxHash("0x" + "ab" * 32)
BLOCK_HASH = "0x" + "cd" * 32
ADDRESS = "0x2a9b9c988393f46a2537b0ff11e98c2c15a95afe"


def log(**changes: Any) -> dict[str, Any]:
    """A log as geth answers it."""
    return {
        "address": ADDRESS,
        "topics": ["0x" + "01" * 32],
        "data": "0x1234",
        "blockNumber": "0x10",
        "blockHash": BLOCK_HASH,
        "transactionHash": HASH,
        "logIndex": "0x0",
        "removed": False,
    } | changes


def receipt(**changes: Any) -> dict[str, Any]:
    """A receipt as geth answers it."""
    return {
        "transactionHash": HASH,
        "status": "0x1",
        "blockNumber": "0x10",
        "blockHash": BLOCK_HASH,
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x1312d00",
        "logs": [log()],
    } | changes


@pytest.mark.parametrize(("text", "value"), [("0x0", 0), ("0x1", 1), ("0xA4B1", 42_161), ("0x" + "f" * 64, 2**256 - 1)])
def test_quantity(text: str, value: int) -> None:
    assert rpc_values.parse_quantity(text) == value


@pytest.mark.parametrize(
    "value",
    [
        *("42161", "0X1", "0x", "0x00", "0x01", "", " 0x1", "0x1 ", "0x1\n", "-0x1", "0x-1", "0x1_0", "0xg"),
        *("0x" + "1" * 65, "\uff10x1", "0x\u0661"),
        *(1, 0, True, None, 1.0, [], {}, b"0x1"),
    ],
)
def test_r2_other_notations_of_a_number_are_bad_answers(value: object) -> None:
    with pytest.raises(BadAnswer, match="quantity"):
        rpc_values.parse_quantity(value)


@pytest.mark.parametrize("value", ["0x1", "0x123", "1234", "0xzz", "0x12 34", "0x12\n", None, 0, b"0x12", ""])
def test_other_notations_of_bytes_are_bad_answers(value: object) -> None:
    with pytest.raises(BadAnswer, match="data"):
        rpc_values.parse_data(value)
    assert rpc_values.parse_data("0x") == b""
    assert rpc_values.parse_data("0xAb") == b"\xab"


def test_receipt_is_read_whole() -> None:
    assert rpc_values.parse_receipt(receipt(), HASH) == rpc_values.Receipt(
        tx_hash=HASH,
        succeeded=True,
        block_number=16,
        block_hash=BLOCK_HASH,
        gas_used=21_000,
        effective_gas_price=20_000_000,  # type: ignore[arg-type]
        logs=(
            rpc_values.Log(
                address="0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe",  # type: ignore[arg-type]
                topics=(b"\x01" * 32,),
                data=b"\x12\x34",
                block_number=16,
                block_hash=BLOCK_HASH,
                tx_hash=HASH,
                log_index=0,
            ),
        ),
    )


def test_status_zero_is_a_failure() -> None:
    found = rpc_values.parse_receipt(receipt(status="0x0", logs=[]), HASH)
    assert found is not None
    assert found.succeeded is False


@pytest.mark.parametrize("value", [None, receipt(blockNumber=None), receipt(blockHash=None)])
def test_r3_a_receipt_without_a_block_is_none_yet(value: object) -> None:
    assert rpc_values.parse_receipt(value, HASH) is None


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (receipt(status=None), "receipt_status"),
        ({name: value for name, value in receipt().items() if name != "status"}, "receipt_status"),
        (receipt(status="1"), "receipt_status"),
        (receipt(status=1), "receipt_status"),
        (receipt(status="0x2"), "receipt_status"),
        (receipt(status=True), "receipt_status"),
        (receipt(transactionHash="0x" + "ac" * 32), "receipt_hash"),
        (receipt(transactionHash=None), "hash"),
        (receipt(logs=None), "logs"),
        (receipt(logs=[log(transactionHash="0x" + "ac" * 32)]), "receipt_logs"),
        (receipt(effectiveGasPrice=None), "quantity"),
        (receipt(gasUsed="21000"), "quantity"),
        ("0x1", "receipt"),
        ([], "receipt"),
    ],
)
def test_r3_a_receipt_that_lies_or_stammers_is_a_bad_answer(value: object, token: str) -> None:
    with pytest.raises(BadAnswer) as failure:
        rpc_values.parse_receipt(value, HASH)
    assert failure.value.token == token


def test_r8_logs_come_once_in_chain_order_without_removed_ones() -> None:
    other = "0x" + "ef" * 32
    rows = [
        log(logIndex="0x2"),
        log(logIndex="0x1"),
        log(logIndex="0x1"),
        log(logIndex="0x3", removed=True),
        log(logIndex="0x4", blockHash=None, blockNumber=None),
        log(logIndex="0x0", blockNumber="0x9", blockHash=other),
    ]
    found = rpc_values.parse_logs(rows)
    assert [(entry.block_number, entry.log_index) for entry in found] == [(9, 0), (16, 1), (16, 2)]


@pytest.mark.parametrize(
    "change",
    [
        *({"topics": None}, {"topics": ["0x01"]}, {"topics": ["0x" + "01" * 32] * 5}),
        *({"data": "0x1"}, {"address": "0x1"}, {"logIndex": "1"}, {"transactionHash": None}),
    ],
)
def test_r8_a_malformed_log_is_a_bad_answer(change: dict[str, object]) -> None:
    with pytest.raises(BadAnswer):
        rpc_values.parse_logs([log(**change)])


def test_block_needs_its_base_fee() -> None:
    header = {"number": "0x10", "hash": BLOCK_HASH, "timestamp": "0x6abc", "baseFeePerGas": "0x1312d00"}
    assert rpc_values.parse_block(header) == rpc_values.Block(16, BLOCK_HASH, 0x6ABC, 20_000_000)  # type: ignore[arg-type]
    with pytest.raises(BadAnswer, match="quantity"):
        rpc_values.parse_block(header | {"baseFeePerGas": None})

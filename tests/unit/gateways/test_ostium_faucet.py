"""The faucet's call and the transfers that follow it, against values hashed by hand from the ABI."""

import pytest

from ostium_service.gateways.ostium_faucet import (
    TOKEN_AMOUNT,
    Transfer,
    decode_transfer_call,
    decode_transfer_log,
    encode_request_tokens,
    encode_transfer,
)
from ostium_service.gateways.rpc_values import Log
from ostium_service.types import Address, TxHash, UsdcUnits

ALICE = Address("0x1111111111111111111111111111111111111111")
BOB = Address("0x2222222222222222222222222222222222222222")
TOPIC = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")


def word(address: Address) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\x00")


def log(*topics: bytes, data: bytes = (7).to_bytes(32, "big")) -> Log:
    return Log(address=BOB, topics=topics, data=data, block_number=1, block_hash="", tx_hash=TxHash("0x"), log_index=0)


def test_call_data() -> None:
    assert encode_request_tokens().hex() == "359cf2b7"
    assert TOKEN_AMOUNT.encode().hex() == "eec7faa1"
    payment = encode_transfer(receiver=ALICE, amount=UsdcUnits(5))
    assert payment == bytes.fromhex("a9059cbb") + word(ALICE) + (5).to_bytes(32, "big")
    assert decode_transfer_call(payment) == (ALICE, 5)


@pytest.mark.parametrize("data", [b"", bytes.fromhex("a9059cbb"), bytes.fromhex("095ea7b3") + bytes(64)])
def test_call_data_that_is_no_transfer(data: bytes) -> None:
    assert decode_transfer_call(data) is None


def test_logs() -> None:
    assert decode_transfer_log(log(TOPIC, word(ALICE), word(BOB))) == Transfer(ALICE, BOB, UsdcUnits(7))
    assert decode_transfer_log(log(TOPIC, word(ALICE))) is None
    assert decode_transfer_log(log(bytes(32), word(ALICE), word(BOB))) is None
    assert decode_transfer_log(log(TOPIC, word(ALICE), b"\x01" * 32)) is None
    assert decode_transfer_log(log(TOPIC, word(ALICE), word(BOB), data=b"")) is None

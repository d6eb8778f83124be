"""Hashes, typed data and call data of Safe transactions, against published vectors and a second implementation."""

from dataclasses import replace
from typing import Any, cast

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from safe_eth.eth import EthereumClient
from safe_eth.safe import SafeTx

from ostium_service.gateways import safe
from ostium_service.gateways.safe import InnerCall, SafeTransactionData
from ostium_service.types import Address

SAFE = Address("0x1111111111111111111111111111111111111111")
TRADING = Address("0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe")
USDC = Address("0xe73B11Fb1e3eeEe8AF2a23079A4410Fe1B370548")
SET_DELEGATE = bytes.fromhex("ca5eb5e1" + "00" * 12 + "22" * 20)
PLAIN = SafeTransactionData(to=TRADING, data=SET_DELEGATE, nonce=0)
PAYING = SafeTransactionData(
    to=USDC,
    data=b"\x01\x02",
    nonce=77,
    operation=safe.DELEGATE_CALL,
    value=5,
    safe_tx_gas=1,
    base_gas=2,
    gas_price=3,
    gas_token=USDC,
    refund_receiver=SAFE,
)


@pytest.mark.parametrize(
    ("chain_id", "expected"),
    [
        (421614, "0xc5362c2a34892a0ccd5b9155171c32224b6279b1b87d267927cdf4e586d2232a"),
        (42161, "0xba24ce49c2cea9b5482e68d6f3da8289f91ed96a352f006800af2ffca6ebbaf8"),
    ],
)
def test_hash_equals_the_contract_vector(chain_id: int, expected: str) -> None:
    assert safe.safe_tx_hash(chain_id=chain_id, safe=SAFE, tx=PLAIN) == expected


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
@pytest.mark.parametrize("tx", [PLAIN, PAYING])
def test_hash_and_call_data_equal_safe_eth_py(version: str, tx: SafeTransactionData) -> None:
    other = SafeTx(
        cast("EthereumClient", None),
        to_checksum_address(SAFE),
        to_checksum_address(tx.to),
        tx.value,
        tx.data,
        tx.operation,
        tx.safe_tx_gas,
        tx.base_gas,
        tx.gas_price,
        to_checksum_address(tx.gas_token),
        to_checksum_address(tx.refund_receiver),
        safe_nonce=tx.nonce,
        safe_version=version,
        chain_id=421614,
    )

    assert safe.safe_tx_hash(chain_id=421614, safe=SAFE, tx=tx) == "0x" + other.safe_tx_hash.hex()
    assert keccak(safe.transaction_preimage(chain_id=421614, safe=SAFE, tx=tx)) == bytes(other.safe_tx_hash)


@pytest.mark.parametrize("tx", [PLAIN, PAYING])
def test_typed_data_hashes_to_the_safe_tx_hash(tx: SafeTransactionData) -> None:
    message = encode_typed_data(full_message=safe.typed_data(chain_id=421614, safe=SAFE, tx=tx))
    digest = keccak(b"\x19" + message.version + message.header + message.body)

    assert "0x" + digest.hex() == safe.safe_tx_hash(chain_id=421614, safe=SAFE, tx=tx)


def test_typed_data_is_what_a_wallet_takes() -> None:
    assert safe.typed_data(chain_id=421614, safe=SAFE, tx=PAYING) == {
        "types": {
            "EIP712Domain": [{"name": "chainId", "type": "uint256"}, {"name": "verifyingContract", "type": "address"}],
            "SafeTx": [
                {"name": "to", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "data", "type": "bytes"},
                {"name": "operation", "type": "uint8"},
                {"name": "safeTxGas", "type": "uint256"},
                {"name": "baseGas", "type": "uint256"},
                {"name": "gasPrice", "type": "uint256"},
                {"name": "gasToken", "type": "address"},
                {"name": "refundReceiver", "type": "address"},
                {"name": "nonce", "type": "uint256"},
            ],
        },
        "primaryType": "SafeTx",
        "domain": {"chainId": 421614, "verifyingContract": SAFE},
        "message": {
            "to": USDC,
            "value": "5",
            "data": "0x0102",
            "operation": 1,
            "safeTxGas": "1",
            "baseGas": "2",
            "gasPrice": "3",
            "gasToken": USDC,
            "refundReceiver": SAFE,
            "nonce": "77",
        },
    }


def test_transaction_fields_keep_operation_and_nonce_as_integers() -> None:
    fields = safe.transaction_fields(PAYING)

    assert fields == safe.typed_data(chain_id=1, safe=SAFE, tx=PAYING)["message"] | {"nonce": 77}


@pytest.mark.parametrize("tx", [PLAIN, PAYING])
def test_exec_transaction_round_trip(tx: SafeTransactionData) -> None:
    data = safe.encode_exec_transaction(tx, b"\x07" * 65)
    decoded = safe.decode_exec_transaction(data)

    assert data[:4].hex() == "6a761202"
    assert decoded is not None
    assert decoded.signatures == b"\x07" * 65
    assert SafeTransactionData(nonce=tx.nonce, **_fields(decoded.transaction)) == tx


def _fields(call: safe.SafeCall) -> dict[str, Any]:
    return {name: getattr(call, name) for name in safe.SafeCall.__dataclass_fields__}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\x00",
        lambda data: data[:-1],
        lambda data: b"\x00" + data[1:],
        lambda data: data[:4] + b"\x01" + data[5:],
        lambda data: data[:0],
    ],
    ids=["trailing byte", "cut", "other selector", "dirty address word", "empty"],
)
def test_decoders_take_only_the_exact_encoding(spoil: Any) -> None:
    batch = safe.encode_multi_send([InnerCall(TRADING, SET_DELEGATE), InnerCall(USDC, b"\x01")])

    assert safe.decode_exec_transaction(spoil(safe.encode_exec_transaction(PLAIN, b""))) is None
    assert safe.decode_multi_send(spoil(batch)) is None


def test_exec_transaction_with_an_unknown_operation_is_not_decoded() -> None:
    assert safe.decode_exec_transaction(safe.encode_exec_transaction(replace(PLAIN, operation=2), b"")) is None


def test_multi_send_packs_operation_target_value_length_data() -> None:
    data = safe.encode_multi_send([InnerCall(TRADING, SET_DELEGATE), InnerCall(USDC, b"\xaa", value=9)])
    packed = (
        "00" + TRADING[2:].lower() + "00" * 32 + f"{36:064x}" + SET_DELEGATE.hex()
        + "00" + USDC[2:].lower() + f"{9:064x}" + f"{1:064x}" + "aa"
    )  # fmt: skip

    assert data[:4].hex() == "8d80ff0a"
    assert data[68 : 68 + len(packed) // 2].hex() == packed
    assert safe.decode_multi_send(data) == (InnerCall(TRADING, SET_DELEGATE), InnerCall(USDC, b"\xaa", value=9))


def test_multi_send_with_an_inner_delegate_call_is_not_decoded() -> None:
    data = bytearray(safe.encode_multi_send([InnerCall(TRADING, SET_DELEGATE)]))
    data[68] = 1

    assert safe.decode_multi_send(bytes(data)) is None


def test_multi_send_whose_last_length_runs_over_is_not_decoded() -> None:
    data = bytearray(safe.encode_multi_send([InnerCall(TRADING, b"")]))
    data[68 + 84] = 1

    assert safe.decode_multi_send(bytes(data)) is None


def test_one_call_goes_out_plainly_and_several_through_multi_send() -> None:
    one, two = InnerCall(TRADING, SET_DELEGATE), InnerCall(USDC, b"\x01")

    assert safe.batch_calls([one], multi_send=safe.MULTI_SEND_141, nonce=3) == replace(PLAIN, nonce=3)
    assert safe.batch_calls([one, two], multi_send=safe.MULTI_SEND_141, nonce=3) == SafeTransactionData(
        to=safe.MULTI_SEND_141, data=safe.encode_multi_send([one, two]), operation=safe.DELEGATE_CALL, nonce=3
    )

"""Safe transactions: their EIP-712 hash, typed data and call data. Pure: nothing here talks to a chain.

Covers Safes 1.3.0 and 1.4.1, whose SafeTx struct and domain (chainId, verifyingContract) are the same.
Source: GnosisSafe.sol 1.3.0 and Safe.sol 1.4.1, `encodeTransactionData` and `execTransaction`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ostium_service.types import Address

ZERO_ADDRESS: Final = "0x0000000000000000000000000000000000000000"
CALL: Final = 0
DELEGATE_CALL: Final = 1

MULTI_SEND_130: Final = Address("0x40A2aCCbd92BCA938b02010E17A5b8929b49130D")
MULTI_SEND_141: Final = Address("0x9641d764fc13c8B624c04430C7356C1C7C8102e2")
MULTI_SEND_CALL_ONLY: Final = frozenset({MULTI_SEND_130, MULTI_SEND_141})
"""The only contracts a Safe is asked to delegate-call: they make plain calls in the Safe's name and nothing else."""

SAFE_TX_FIELDS: Final = (
    ("to", "address"),
    ("value", "uint256"),
    ("data", "bytes"),
    ("operation", "uint8"),
    ("safeTxGas", "uint256"),
    ("baseGas", "uint256"),
    ("gasPrice", "uint256"),
    ("gasToken", "address"),
    ("refundReceiver", "address"),
    ("nonce", "uint256"),
)
DOMAIN_FIELDS: Final = (("chainId", "uint256"), ("verifyingContract", "address"))


def _type_hash(name: str, fields: Sequence[tuple[str, str]]) -> bytes:
    return keccak(text=f"{name}({','.join(f'{kind} {field}' for field, kind in fields)})")


SAFE_TX_TYPE_HASH: Final = _type_hash("SafeTx", SAFE_TX_FIELDS)
DOMAIN_TYPE_HASH: Final = _type_hash("EIP712Domain", DOMAIN_FIELDS)

EXEC_TYPES: Final = (*(kind for field, kind in SAFE_TX_FIELDS if field != "nonce"), "bytes")
EXEC_SELECTOR: Final = keccak(text=f"execTransaction({','.join(EXEC_TYPES)})")[:4]
MULTI_SEND_SELECTOR: Final = keccak(text="multiSend(bytes)")[:4]
PACKED_HEAD: Final = 1 + 20 + 32 + 32
"""Bytes before a packed call's data: operation, target, value, length."""


@dataclass(frozen=True, slots=True)
class InnerCall:
    """One call a Safe shall make; `value` in wei."""

    to: Address
    data: bytes
    value: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeCall:
    """What a Safe shall do, without its place in the Safe's order.

    Gas fields of zero mean: no refund to anybody, and an inner failure reverts the whole transaction (GS013).
    """

    to: Address
    data: bytes
    operation: int = CALL
    value: int = 0
    safe_tx_gas: int = 0
    base_gas: int = 0
    gas_price: int = 0
    gas_token: str = ZERO_ADDRESS
    refund_receiver: str = ZERO_ADDRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTransactionData(SafeCall):
    """What owners sign: the call under one nonce of the Safe."""

    nonce: int


@dataclass(frozen=True, slots=True)
class ExecTransaction:
    """The arguments of an `execTransaction` call; the nonce is the Safe's own and not among them."""

    transaction: SafeCall
    signatures: bytes


def domain_separator(*, chain_id: int, safe: Address) -> bytes:
    """EIP-712 domain of a Safe from 1.3.0 on."""
    return keccak(encode(["bytes32", "uint256", "address"], [DOMAIN_TYPE_HASH, chain_id, safe]))


def transaction_preimage(*, chain_id: int, safe: Address, tx: SafeTransactionData) -> bytes:
    """The 66 bytes whose keccak owners sign (`encodeTransactionData`)."""
    struct = encode(
        ["bytes32", *("bytes32" if kind == "bytes" else kind for _, kind in SAFE_TX_FIELDS)],
        [
            SAFE_TX_TYPE_HASH,
            tx.to,
            tx.value,
            keccak(tx.data),
            tx.operation,
            tx.safe_tx_gas,
            tx.base_gas,
            tx.gas_price,
            tx.gas_token,
            tx.refund_receiver,
            tx.nonce,
        ],
    )
    return b"\x19\x01" + domain_separator(chain_id=chain_id, safe=safe) + keccak(struct)


def safe_tx_hash(*, chain_id: int, safe: Address, tx: SafeTransactionData) -> str:
    """0x + 64 lower-case hex: the hash owners sign."""
    return "0x" + keccak(transaction_preimage(chain_id=chain_id, safe=safe, tx=tx)).hex()


def transaction_fields(tx: SafeTransactionData) -> dict[str, Any]:
    """The API's `safeTxData`: amounts as decimal strings, operation and nonce as integers."""
    return {
        "to": tx.to,
        "value": str(tx.value),
        "data": "0x" + tx.data.hex(),
        "operation": tx.operation,
        "safeTxGas": str(tx.safe_tx_gas),
        "baseGas": str(tx.base_gas),
        "gasPrice": str(tx.gas_price),
        "gasToken": tx.gas_token,
        "refundReceiver": tx.refund_receiver,
        "nonce": tx.nonce,
    }


def typed_data(*, chain_id: int, safe: Address, tx: SafeTransactionData) -> dict[str, Any]:
    """EIP-712 JSON for `eth_signTypedData_v4`: uint256 as decimal strings, chainId and operation as integers."""
    return {
        "types": {
            "EIP712Domain": [{"name": field, "type": kind} for field, kind in DOMAIN_FIELDS],
            "SafeTx": [{"name": field, "type": kind} for field, kind in SAFE_TX_FIELDS],
        },
        "primaryType": "SafeTx",
        "domain": {"chainId": chain_id, "verifyingContract": safe},
        "message": transaction_fields(tx) | {"nonce": str(tx.nonce)},
    }


def encode_exec_transaction(tx: SafeCall, signatures: bytes) -> bytes:
    """Call data of `execTransaction`; `signatures` must be sorted by owner, ascending."""
    return EXEC_SELECTOR + encode(
        list(EXEC_TYPES),
        [
            tx.to,
            tx.value,
            tx.data,
            tx.operation,
            tx.safe_tx_gas,
            tx.base_gas,
            tx.gas_price,
            tx.gas_token,
            tx.refund_receiver,
            signatures,
        ],
    )


def decode_exec_transaction(data: bytes) -> ExecTransaction | None:
    """Read an `execTransaction` call; None unless `data` is exactly its one canonical encoding."""
    if data[:4] != EXEC_SELECTOR:
        return None
    try:
        values = decode(list(EXEC_TYPES), data[4:])
    except DecodingError:
        return None
    to, value, inner, operation, safe_tx_gas, base_gas, gas_price, gas_token, receiver, signatures = values
    call = SafeCall(
        to=Address(to_checksum_address(to)),
        value=value,
        data=inner,
        operation=operation,
        safe_tx_gas=safe_tx_gas,
        base_gas=base_gas,
        gas_price=gas_price,
        gas_token=to_checksum_address(gas_token),
        refund_receiver=to_checksum_address(receiver),
    )
    exact = operation in {CALL, DELEGATE_CALL} and encode_exec_transaction(call, signatures) == data
    return ExecTransaction(call, signatures) if exact else None


def encode_multi_send(calls: Sequence[InnerCall]) -> bytes:
    """Call data of MultiSendCallOnly's `multiSend`: packed operation 0, target, value, length, data per call."""
    packed = b"".join(
        b"\x00"
        + bytes.fromhex(call.to[2:])
        + call.value.to_bytes(32, "big")
        + len(call.data).to_bytes(32, "big")
        + call.data
        for call in calls
    )
    return MULTI_SEND_SELECTOR + encode(["bytes"], [packed])


def decode_multi_send(data: bytes) -> tuple[InnerCall, ...] | None:
    """Read a `multiSend` of plain calls; None for anything but the exact encoding, a delegate call included."""
    if data[:4] != MULTI_SEND_SELECTOR:
        return None
    try:
        (packed,) = decode(["bytes"], data[4:])
    except DecodingError:
        return None
    calls: list[InnerCall] = []
    position = 0
    while position < len(packed):
        start = position + PACKED_HEAD
        size = int.from_bytes(packed[start - 32 : start], "big")
        if packed[position] != CALL or start + size > len(packed):
            return None
        to = Address(to_checksum_address(packed[position + 1 : position + 21]))
        value = int.from_bytes(packed[position + 21 : position + 53], "big")
        calls.append(InnerCall(to=to, data=packed[start : start + size], value=value))
        position = start + size
    return tuple(calls) if encode_multi_send(calls) == data else None


def batch_calls(calls: Sequence[InnerCall], *, multi_send: Address, nonce: int) -> SafeTransactionData:
    """The Safe transaction that makes `calls` in order and all or none of them; one call goes out plainly."""
    if len(calls) == 1:
        return SafeTransactionData(to=calls[0].to, data=calls[0].data, value=calls[0].value, nonce=nonce)
    return SafeTransactionData(to=multi_send, data=encode_multi_send(calls), operation=DELEGATE_CALL, nonce=nonce)

"""A key that signs and does nothing else."""

import copy
import json
import logging
import os
import pickle
import traceback
from typing import Any

import pytest
from eth_account import Account
from eth_keys import keys
from eth_keys.backends import CoinCurveECCBackend
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.gateways.delegate_key import DelegateKey
from sandbox.processes import wait_until

SECRET = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
WIPED = "0x" + "00" * 32
FIELDS: dict[str, Any] = {
    "chainId": 421_614,
    "nonce": 7,
    "to": "0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe",
    "value": 0,
    "data": b"\x9a\x10\xcc\x32",
    "gas": 600_000,
    "maxFeePerGas": 40_000_000,
    "maxPriorityFeePerGas": 0,
}


def test_the_address_is_derived_from_the_key() -> None:
    assert DelegateKey(SECRET).address == ADDRESS


@given(
    nonce=st.integers(0, 2**64 - 2),
    value=st.integers(0, 2**128),
    gas=st.integers(0, 2**40),
    fee=st.integers(0, 2**80),
    data=st.binary(max_size=300),
    chain=st.sampled_from([421_614, 42_161]),
)
def test_signatures_are_those_of_the_reference_library(
    nonce: int, value: int, gas: int, fee: int, data: bytes, chain: int
) -> None:
    fields = FIELDS | {"nonce": nonce, "value": value, "gas": gas, "maxFeePerGas": fee, "data": data, "chainId": chain}
    signed = DelegateKey(SECRET).sign_transaction(fields)
    reference = Account.sign_transaction(fields | {"type": 2}, SECRET)
    assert signed.raw == bytes(reference.raw_transaction)
    assert signed.tx_hash == "0x" + bytes(reference.hash).hex()
    assert Account.recover_transaction(signed.raw) == ADDRESS


def test_libsecp256k1_is_what_the_reference_uses_too() -> None:
    assert isinstance(keys.PrivateKey(SECRET).backend, CoinCurveECCBackend)


def test_generated_keys_differ_and_sign() -> None:
    first, second = DelegateKey.generate(), DelegateKey.generate()
    assert first.address != second.address
    assert Account.recover_transaction(first.sign_transaction(FIELDS).raw) == first.address


@pytest.mark.parametrize(
    "secret",
    [b"", b"\x01" * 31, b"\x01" * 33, bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32],
)
def test_what_is_no_key_is_refused_without_being_shown(secret: bytes) -> None:
    with pytest.raises(ValueError) as failure:
        DelegateKey(secret)
    told = "".join(traceback.format_exception(failure.value))
    assert failure.value.__cause__ is None
    assert not secret or secret.hex() not in told
    assert not secret or str(int.from_bytes(secret, "big")) not in told or not any(secret)


@pytest.mark.parametrize(
    "change",
    [
        {"chainId": 0.5},
        {"chainId": "421614"},
        {"chainId": True},
        {"nonce": -1},
        {"nonce": 2**64 - 1},
        {"nonce": None},
        {"gas": 2**64},
        {"value": 2**256},
        {"maxPriorityFeePerGas": 40_000_001},
        {"data": "0x9a10cc32"},
        {"data": bytearray(b"\x01")},
        {"to": "0x2a9b9c988393f46a2537b0ff11e98c2c15a95afe"},
        {"to": b"\x11" * 20},
        {"to": None},
        {"to": ""},
        {"type": 0},
        {"gasPrice": 1},
        {"accessList": []},
    ],
    ids=str,
)
def test_fields_that_are_not_exactly_a_transaction_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        DelegateKey(SECRET).sign_transaction(FIELDS | change)


@pytest.mark.parametrize("missing", FIELDS)
def test_every_field_is_required(missing: str) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != missing}
    with pytest.raises(ValueError, match="EIP-1559"):
        DelegateKey(SECRET).sign_transaction(fields)


def spellings() -> list[str]:
    """The secret in every form a leak might take."""
    number = int.from_bytes(SECRET, "big")
    return [SECRET.hex(), SECRET.hex().upper(), str(number), repr(SECRET), repr(bytearray(SECRET)), str(list(SECRET))]


def test_v9_no_way_of_printing_shows_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    key = DelegateKey(SECRET)
    assert repr(key) == f"DelegateKey({ADDRESS})"
    logging.getLogger("test").error("key %s %r", key, key, extra={"key": key})
    shown = [repr(key), str(key), f"{key}", f"{key!r}", "%s" % key, repr([key]), repr({"k": key}), caplog.text]  # noqa: UP031
    shown += [repr(getattr(key, name)) for name in ("address",)]
    for text in shown:
        assert not any(spelling in text for spelling in spellings())
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError):
        json.dumps(key)
    with pytest.raises(TypeError):
        vars(key)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_v9_it_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        pickle.dumps(DelegateKey(SECRET), protocol)


def test_v9_it_cannot_be_copied() -> None:
    for duplicate in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            duplicate(DelegateKey(SECRET))


def test_v9_a_forked_child_gets_no_usable_key() -> None:
    key = DelegateKey(SECRET)
    child = os.fork()
    if child == 0:
        os._exit(0 if key.hand_over() == WIPED else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert key.hand_over() == "0x" + SECRET.hex()


def test_a_wiped_key_does_not_sign() -> None:
    key = DelegateKey(SECRET)
    key.wipe()
    with pytest.raises(ValueError):
        key.sign_transaction(FIELDS)
    assert key.hand_over() == "0x" + "00" * 32


def test_v11_a_key_of_one_chain_signs_for_no_other() -> None:
    key = DelegateKey(SECRET, chain_id=421_614)
    assert key.sign_transaction(FIELDS).raw == DelegateKey(SECRET).sign_transaction(FIELDS).raw
    with pytest.raises(ValueError, match="another chain"):
        key.sign_transaction(FIELDS | {"chainId": 42_161})


def test_keys_are_wiped_in_the_order_of_their_time_and_may_go_earlier() -> None:
    late, early = DelegateKey(SECRET, seconds=0.4), DelegateKey(SECRET, seconds=0.05)
    DelegateKey(SECRET, seconds=0.1)
    wait_until(lambda: early.hand_over() == WIPED, seconds=5, purpose="the early key's end")
    assert late.hand_over() == "0x" + SECRET.hex()
    wait_until(lambda: late.hand_over() == WIPED, seconds=5, purpose="the late key's end")
    again = DelegateKey(SECRET, seconds=0.05)
    wait_until(lambda: again.hand_over() == WIPED, seconds=5, purpose="the end of a key made after a rest")

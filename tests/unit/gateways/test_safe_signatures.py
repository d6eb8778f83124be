"""Owners' signatures: every v, wallets' variants, and what is said about a signature that does not fit."""

from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.gateways.safe_signatures import (
    CURVE_ORDER,
    Confirmation,
    MalformedSignature,
    RawSignature,
    SignatureKind,
    StrangerSignature,
    confirm,
    eth_sign_digest,
    join_confirmations,
    split_signatures,
)

KEY = "0x" + "11" * 32
OWNER = Account.from_key(KEY).address
OTHER = Account.from_key("0x" + "22" * 32).address
DIGEST = bytes(range(32))
PREPARED_ON_MAINNET = bytes(reversed(range(32)))


def sign(digest: bytes, key: str = KEY) -> bytes:
    """65 bytes over `digest` as it is, v 27 or 28."""
    signed = PrivateKey(bytes.fromhex(key[2:])).sign_recoverable(digest, hasher=None)
    return signed[:64] + bytes([signed[64] + 27])


def shift_v(signature: bytes, by: int) -> bytes:
    return signature[:64] + bytes([signature[64] + by])


def confirm_one(blob: bytes, owners: tuple[str, ...] = (OWNER, OTHER)) -> Confirmation:
    (signature,) = split_signatures(blob)
    guesses = {"signed_for_mainnet": PREPARED_ON_MAINNET}
    return confirm(signature=signature, digest=DIGEST, owners=owners, guesses=guesses)


def test_an_eip712_signature_names_its_owner() -> None:
    assert confirm_one(sign(DIGEST)) == Confirmation(OWNER, SignatureKind.EIP712, sign(DIGEST))


def test_a_high_s_signature_counts_as_it_does_on_chain() -> None:
    low = sign(DIGEST)
    high_s = (CURVE_ORDER - int.from_bytes(low[32:64], "big")).to_bytes(32, "big")
    high = low[:32] + high_s + bytes([55 - low[64]])

    assert confirm_one(high) == Confirmation(OWNER, SignatureKind.EIP712, high)


def test_a_personal_sign_signature_is_turned_into_eth_sign() -> None:
    raw = bytes(Account.sign_message(encode_defunct(DIGEST), KEY).signature)

    assert raw[64] in {27, 28}
    assert confirm_one(raw) == Confirmation(OWNER, SignatureKind.ETH_SIGN, shift_v(raw, 4))


def test_v_31_and_32_are_eth_sign() -> None:
    shifted = shift_v(sign(eth_sign_digest(DIGEST)), 4)

    assert confirm_one(shifted) == Confirmation(OWNER, SignatureKind.ETH_SIGN, shifted)


def test_v_31_over_the_plain_hash_is_no_eip712_signature() -> None:
    with pytest.raises(StrangerSignature, match="not_an_owner"):
        confirm_one(shift_v(sign(DIGEST), 4))


def test_an_approved_hash_names_its_owner_and_drops_the_unused_half() -> None:
    blob = bytes(12) + bytes.fromhex(OWNER[2:]) + b"\x99" * 32 + b"\x01"

    assert confirm_one(blob) == Confirmation(
        OWNER, SignatureKind.APPROVED_HASH, bytes(12) + bytes.fromhex(OWNER[2:]) + bytes(32) + b"\x01"
    )


@pytest.mark.parametrize("word", [bytes(32), b"\x01" + bytes(11) + bytes.fromhex(OWNER[2:])], ids=["zero", "dirty"])
def test_an_approved_hash_without_a_clean_owner_is_malformed(word: bytes) -> None:
    with pytest.raises(MalformedSignature, match="owner_malformed"):
        confirm_one(word + bytes(32) + b"\x01")


def test_an_approved_hash_of_a_stranger_is_refused() -> None:
    with pytest.raises(StrangerSignature) as caught:
        confirm_one(bytes(12) + b"\x33" * 20 + bytes(32) + b"\x01")

    assert caught.value.recovered == "0x" + "33" * 20


def test_s2_a_flipped_v_recovers_somebody_else() -> None:
    good = sign(DIGEST)

    with pytest.raises(StrangerSignature, match="not_an_owner"):
        confirm_one(good[:64] + bytes([55 - good[64]]))


def test_a_strangers_signature_names_who_signed() -> None:
    with pytest.raises(StrangerSignature) as caught:
        confirm_one(sign(DIGEST), owners=(OTHER,))

    assert (caught.value.recovered, caught.value.token) == (OWNER, "not_an_owner")


def test_a_signature_of_a_known_mistake_is_explained() -> None:
    with pytest.raises(StrangerSignature, match="signed_for_mainnet"):
        confirm_one(sign(PREPARED_ON_MAINNET))


@pytest.mark.parametrize("v", [v for v in range(256) if v not in {0, 1, 27, 28, 31, 32}])
def test_s1_every_other_v_is_refused(v: int) -> None:
    with pytest.raises(MalformedSignature, match="v_unsupported"):
        split_signatures(sign(DIGEST)[:64] + bytes([v]))


@pytest.mark.parametrize("size", [0, 1, 64, 66, 129, 65 * 65, 65 * 260])
def test_a_blob_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(MalformedSignature, match="length"):
        split_signatures((sign(DIGEST) * 260)[:size])


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (CURVE_ORDER, 1), (1, CURVE_ORDER), (5, 1)])
def test_numbers_that_are_no_signature_are_refused(r: int, s: int) -> None:
    with pytest.raises(MalformedSignature, match="not_on_curve"):
        confirm(signature=RawSignature(r, s, 27), digest=DIGEST, owners=[OWNER], guesses={})


def contract_blob(*, pointer: int = 65, size: int = 3, owner: bytes = bytes(12) + bytes.fromhex(OWNER[2:])) -> bytes:
    return owner + pointer.to_bytes(32, "big") + b"\x00" + size.to_bytes(32, "big") + b"abc"


def test_s1_a_contract_signature_keeps_its_data_and_is_joined_behind_the_fixed_parts() -> None:
    owners = sorted((OWNER, OTHER), key=lambda address: int(address, 16))
    typed = sign(DIGEST, "0x" + "22" * 32)
    (contract,) = split_signatures(contract_blob())
    confirmations = [
        confirm(signature=item, digest=DIGEST, owners=owners, guesses={})
        for item in (contract, *split_signatures(typed))
    ]
    joined = join_confirmations(confirmations)
    fixed = {OWNER: bytes(12) + bytes.fromhex(OWNER[2:]) + (130).to_bytes(32, "big") + b"\x00", OTHER: typed}

    assert contract.data == b"abc"
    assert joined == fixed[owners[0]] + fixed[owners[1]] + (3).to_bytes(32, "big") + b"abc"
    assert {item.data for item in split_signatures(joined)} == {b"", b"abc"}
    assert confirmations[0].as_blob() == contract_blob()


@pytest.mark.parametrize(
    "changes",
    [
        {"pointer": 0},
        {"pointer": 64},
        {"pointer": 66},
        {"pointer": 98},
        {"pointer": 2**256 - 1},
        {"size": 4},
        {"size": 2**256 - 1},
        {"owner": b"\x01" + bytes(11) + bytes.fromhex(OWNER[2:])},
    ],
)
def test_s4_a_contract_signature_that_points_or_counts_wrongly_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedSignature, match=r"malformed|length"):
        for item in split_signatures(contract_blob(**changes)):
            confirm(signature=item, digest=DIGEST, owners=[OWNER], guesses={})


def test_confirmations_are_joined_once_per_owner_in_ascending_order() -> None:
    owners = sorted((OWNER, OTHER), key=lambda address: int(address, 16))
    by_owner = {OWNER: sign(DIGEST), OTHER: sign(DIGEST, "0x" + "22" * 32)}
    signatures = split_signatures(by_owner[owners[1]] + by_owner[owners[0]] + by_owner[owners[1]])
    confirmations = [confirm(signature=one, digest=DIGEST, owners=owners, guesses={}) for one in signatures]

    assert join_confirmations(confirmations) == by_owner[owners[0]] + by_owner[owners[1]]


@given(st.binary(max_size=400))
def test_no_bytes_end_in_another_exception(blob: bytes) -> None:
    try:
        for signature in split_signatures(blob):
            confirm(signature=signature, digest=DIGEST, owners=[OWNER], guesses={"other": PREPARED_ON_MAINNET})
    except (MalformedSignature, StrangerSignature):
        return

"""Owners' signatures of a Safe transaction: reading, recovering and joining them. Pure.

Kinds by the last byte v (GnosisSafe.sol 1.3.0 and Safe.sol 1.4.1, `checkNSignatures`): 27/28 the EIP-712 hash,
31/32 the eth_sign form of it, 1 a hash approved on chain, 0 a contract signature.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ostium_service.types import Address

SIGNATURE_SIZE: Final = 65
MAX_SIGNATURES: Final = 64
"""More would not fit one batch of chain reads; a Safe with a higher threshold is not served."""
LARGEST_BLOB: Final = MAX_SIGNATURES * SIGNATURE_SIZE
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
APPROVED_HASH_V: Final = 1
ETH_SIGN_OFFSET: Final = 4
"""A Safe reads v 31/32 as eth_sign with v - 4."""


class SignatureKind(StrEnum):
    """How an owner confirmed."""

    EIP712 = "eip712"
    ETH_SIGN = "eth_sign"
    APPROVED_HASH = "approved_hash"


class MalformedSignature(Exception):
    """The bytes are no signature a Safe could take from us. `token` is stable and names the reason."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.token = token


class StrangerSignature(Exception):
    """A well-formed signature by an address that is no owner, or of something else than this transaction."""

    def __init__(self, recovered: Address, token: str) -> None:
        super().__init__(token)
        self.recovered = recovered
        self.token = token


@dataclass(frozen=True, slots=True)
class RawSignature:
    """65 bytes taken apart; r and s are unchecked."""

    r: int
    s: int
    v: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One owner's valid confirmation, `encoded` as the Safe wants it. APPROVED_HASH still needs a look at the chain."""

    owner: Address
    kind: SignatureKind
    encoded: bytes


def split_signatures(blob: bytes) -> list[RawSignature]:
    """Cut a concatenation of 65-byte signatures.

    MalformedSignature: `length` (empty, no multiple of 65, or more than MAX_SIGNATURES of them),
    `contract_signature_unsupported` (v 0, whose data would follow the fixed parts), `v_unsupported`.
    """
    parts = [blob[i : i + SIGNATURE_SIZE] for i in range(0, min(len(blob), LARGEST_BLOB), SIGNATURE_SIZE)]
    if any(len(part) == SIGNATURE_SIZE and part[64] == 0 for part in parts):
        raise MalformedSignature("contract_signature_unsupported")
    if not blob or len(blob) > LARGEST_BLOB or len(blob) % SIGNATURE_SIZE:
        raise MalformedSignature("length")
    if any(part[64] not in {APPROVED_HASH_V, 27, 28, 31, 32} for part in parts):
        raise MalformedSignature("v_unsupported")
    return [
        RawSignature(int.from_bytes(part[:32], "big"), int.from_bytes(part[32:64], "big"), part[64]) for part in parts
    ]


def eth_sign_digest(digest: bytes) -> bytes:
    """What eth_sign and personal_sign sign for a 32-byte hash (EIP-191 version E)."""
    return keccak(b"\x19Ethereum Signed Message:\n32" + digest)


def hash_text_digest(text: str) -> bytes:
    """What personal_sign signs when it is given the hash's 66 characters instead of its 32 bytes."""
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text.encode())


def recover_address(*, digest: bytes, signature: RawSignature, v: int) -> Address:
    """The address whose key signed `digest`; `v` is 27 or 28. MalformedSignature `not_on_curve` when there is none."""
    if not (0 < signature.r < CURVE_ORDER and 0 < signature.s < CURVE_ORDER):
        raise MalformedSignature("not_on_curve")
    compact = signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big") + bytes([v - 27])
    try:
        key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except ValueError as error:
        raise MalformedSignature("not_on_curve") from error
    return Address(to_checksum_address(keccak(key.format(compressed=False)[1:])[-20:]))


def read_approving_owner(signature: RawSignature) -> Address:
    """Whom a v 1 signature points to; MalformedSignature `approved_hash_owner` when r is no clean address."""
    if signature.r == 0 or signature.r >> 160:
        raise MalformedSignature("approved_hash_owner")
    return Address(to_checksum_address(signature.r.to_bytes(20, "big")))


def confirm(
    *, signature: RawSignature, digest: bytes, owners: Iterable[str], guesses: Mapping[str, bytes]
) -> Confirmation:
    """Say which owner confirmed `digest`.

    A 27/28 that fits nobody as EIP-712 is tried as a wallet's raw personal_sign and, when that names an owner, becomes
    31/32. `guesses` maps a reason token to a digest that owners sign by mistake; StrangerSignature carries the token
    that fits, else `not_an_owner`.
    """
    known = frozenset(owners)
    if signature.v == APPROVED_HASH_V:
        return _confirm_approved(signature, known)
    is_eth_sign = signature.v > 28
    wallet_v = signature.v - ETH_SIGN_OFFSET if is_eth_sign else signature.v
    readings = {SignatureKind.ETH_SIGN: (eth_sign_digest(digest), wallet_v + ETH_SIGN_OFFSET)}
    if not is_eth_sign:
        readings = {SignatureKind.EIP712: (digest, wallet_v)} | readings
    strangers = []
    for kind, (signed, final_v) in readings.items():
        recovered = recover_address(digest=signed, signature=signature, v=wallet_v)
        if recovered in known:
            return Confirmation(recovered, kind, _encode(signature, final_v))
        strangers.append(recovered)
    for token, other in guesses.items():
        if recover_address(digest=other, signature=signature, v=wallet_v) in known:
            raise StrangerSignature(strangers[0], token)
    raise StrangerSignature(strangers[0], "not_an_owner")


def join_confirmations(confirmations: Sequence[Confirmation]) -> bytes:
    """The blob `execTransaction` takes: one per owner, ascending by address (GS026 otherwise)."""
    by_owner = {int(item.owner, 16): item.encoded for item in confirmations}
    return b"".join(by_owner[owner] for owner in sorted(by_owner))


def _confirm_approved(signature: RawSignature, owners: frozenset[str]) -> Confirmation:
    owner = read_approving_owner(signature)
    if owner not in owners:
        raise StrangerSignature(owner, "not_an_owner")
    return Confirmation(owner, SignatureKind.APPROVED_HASH, _encode(RawSignature(signature.r, 0, signature.v), 1))


def _encode(signature: RawSignature, v: int) -> bytes:
    return signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big") + bytes([v])

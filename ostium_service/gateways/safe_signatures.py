"""Owners' signatures of a Safe transaction: reading, recovering and joining them. Pure.

Kinds by the last byte v (GnosisSafe.sol 1.3.0 and Safe.sol 1.4.1, `checkNSignatures`): 27/28 the EIP-712 hash,
31/32 the eth_sign form of it, 1 a hash approved on chain, 0 a contract signature (EIP-1271).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from coincurve import PublicKey
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ostium_service.types import Address

SIGNATURE_SIZE: Final = 65
MAX_SIGNATURES: Final = 64
"""More would not fit one batch of chain reads; a Safe with a higher threshold is not served."""
LARGEST_BLOB: Final = 16_384
"""Bytes; room for the data of contract signatures (nested Safes, passkeys) besides the fixed parts."""
WORD: Final = 32
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CONTRACT_V: Final = 0
APPROVED_HASH_V: Final = 1
ETH_SIGN_OFFSET: Final = 4
"""A Safe reads v 31/32 as eth_sign with v - 4."""


class SignatureKind(StrEnum):
    """How an owner confirmed."""

    EIP712 = "eip712"
    ETH_SIGN = "eth_sign"
    APPROVED_HASH = "approved_hash"
    CONTRACT = "contract"


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
    """65 bytes taken apart; r and s are unchecked. `data` is what a contract signature (v 0) points to."""

    r: int
    s: int
    v: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One owner's confirmation: the 65 bytes a Safe wants, and the `data` of a contract signature.

    APPROVED_HASH and CONTRACT still need a look at the chain.
    """

    owner: Address
    kind: SignatureKind
    encoded: bytes
    data: bytes = b""

    def as_blob(self) -> bytes:
        """The confirmation alone, as `split_signatures` takes it."""
        return join_confirmations([self])


def split_signatures(blob: bytes) -> list[RawSignature]:
    """Cut a joined blob: 65 bytes a signature, then the data that contract signatures (v 0) among them point to.

    MalformedSignature: `length` (empty, too large, the fixed parts do not fill their space), `v_unsupported`,
    `contract_signature_malformed` (points into the fixed parts or beyond the end; a Safe says GS021, GS022, GS023).
    """
    if not blob or len(blob) > LARGEST_BLOB:
        raise MalformedSignature("length")
    signatures: list[RawSignature] = []
    position, end = 0, len(blob)
    while position < end:
        part = blob[position : position + SIGNATURE_SIZE]
        if len(part) < SIGNATURE_SIZE or len(signatures) == MAX_SIGNATURES:
            raise MalformedSignature("length")
        position += SIGNATURE_SIZE
        signature = RawSignature(int.from_bytes(part[:32], "big"), int.from_bytes(part[32:64], "big"), part[64])
        if signature.v == CONTRACT_V:
            end = min(end, signature.s)
            signature = replace(signature, data=_read_contract_data(blob, signature.s, fixed_end=position))
        elif signature.v not in {APPROVED_HASH_V, 27, 28, 31, 32}:
            raise MalformedSignature("v_unsupported")
        signatures.append(signature)
    if position != end:
        raise MalformedSignature("contract_signature_malformed")
    return signatures


def _read_contract_data(blob: bytes, pointer: int, *, fixed_end: int) -> bytes:
    """Length word and bytes at `pointer`, all inside the blob and behind the fixed parts."""
    start = pointer + WORD
    if pointer < fixed_end or start > len(blob):
        raise MalformedSignature("contract_signature_malformed")
    size = int.from_bytes(blob[pointer:start], "big")
    if start + size > len(blob):
        raise MalformedSignature("contract_signature_malformed")
    return blob[start : start + size]


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


def read_named_owner(signature: RawSignature) -> Address:
    """Whom a v 0 or v 1 signature names; MalformedSignature `owner_malformed` when r is no clean address."""
    if signature.r == 0 or signature.r >> 160:
        raise MalformedSignature("owner_malformed")
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
    if signature.v in {APPROVED_HASH_V, CONTRACT_V}:
        return _confirm_named(signature, known)
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
    """The blob `execTransaction` takes: one per owner, ascending by address (GS026 otherwise), then contracts' data."""
    by_owner = {int(item.owner, 16): item for item in confirmations}
    fixed, tail = b"", b""
    for owner in sorted(by_owner):
        item = by_owner[owner]
        if item.kind == SignatureKind.CONTRACT:
            pointer = len(by_owner) * SIGNATURE_SIZE + len(tail)
            fixed += _encode(RawSignature(owner, pointer, CONTRACT_V), CONTRACT_V)
            tail += len(item.data).to_bytes(WORD, "big") + item.data
        else:
            fixed += item.encoded
    return fixed + tail


def _confirm_named(signature: RawSignature, owners: frozenset[str]) -> Confirmation:
    owner = read_named_owner(signature)
    if owner not in owners:
        raise StrangerSignature(owner, "not_an_owner")
    kind = SignatureKind.CONTRACT if signature.v == CONTRACT_V else SignatureKind.APPROVED_HASH
    return Confirmation(owner, kind, _encode(RawSignature(signature.r, 0, signature.v), signature.v), signature.data)


def _encode(signature: RawSignature, v: int) -> bytes:
    return signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big") + bytes([v])

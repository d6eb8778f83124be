"""Owners' signatures, judged against the owners of this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from delegations.models import SafeTransaction
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.safe import SafeTransactionData, safe_tx_hash, transaction_preimage
from ostium_service.gateways.safe_reads import (
    Answer,
    SafeFacts,
    encode_approval_call,
    encode_contract_signature_call,
    read_approval,
    read_contract_signature,
)
from ostium_service.gateways.safe_signatures import (
    APPROVED_HASH_V,
    CONTRACT_V,
    MAX_SIGNATURES,
    Confirmation,
    MalformedSignature,
    RawSignature,
    SignatureKind,
    StrangerSignature,
    confirm,
    hash_text_digest,
    read_named_owner,
    split_signatures,
)
from ostium_service.http import errors
from ostium_service.types import Address, Network

REFUSED_BY_CHAIN = {
    SignatureKind.APPROVED_HASH: "hash_not_approved",
    SignatureKind.CONTRACT: "contract_signature_refused",
}
"""Why a signature that only the chain can judge does not count."""


@dataclass(frozen=True, slots=True)
class SignedHash:
    """The signatures of one request and those collected before it, with the questions that some raise to the chain."""

    digest: bytes
    preimage: bytes
    given: tuple[RawSignature, ...]
    stored: Mapping[Address, RawSignature]

    def list_named(self) -> list[RawSignature]:
        """Those of kinds v 0 and v 1, which only the chain can judge."""
        return [item for item in (*self.given, *self.stored.values()) if item.v in {APPROVED_HASH_V, CONTRACT_V}]

    def encode_questions(self, safe: Address) -> list[Call]:
        """One question for each of `list_named`, in that order."""
        return [self._encode_question(safe, item) for item in self.list_named()]

    def _encode_question(self, safe: Address, item: RawSignature) -> Call:
        owner = read_named_owner(item)
        if item.v == APPROVED_HASH_V:
            return encode_approval_call(safe=safe, owner=owner, digest=self.digest)
        return encode_contract_signature_call(safe=safe, owner=owner, preimage=self.preimage, signature=item.data)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The owners who confirm it now, ascending by address; which of them are `new`, and who no longer counts."""

    valid: list[Confirmation]
    new: list[Confirmation]
    void: list[Address]


def parse_request(
    *, network: Network, safe: Address, tx: SafeTransactionData, blobs: Sequence[bytes], row: SafeTransaction
) -> SignedHash:
    """Take the signatures apart, single ones or joined, and fetch the collected ones.

    Refused with InvalidSignature (details: reason).
    """
    try:
        given = [item for blob in blobs for item in split_signatures(blob)]
        stored = {Address(kept.owner): split_signatures(bytes(kept.signature))[0] for kept in row.confirmations.all()}
        preimage = transaction_preimage(chain_id=network.chain_id, safe=safe, tx=tx)
        signed = SignedHash(bytes.fromhex(row.safe_tx_hash[2:]), preimage, tuple(given), stored)
        named = [read_named_owner(item) for item in signed.list_named()]
    except MalformedSignature as error:
        raise errors.InvalidSignature(details={"reason": error.token}) from error
    if len(given) > MAX_SIGNATURES or len(named) > MAX_SIGNATURES:
        raise errors.InvalidSignature(details={"reason": "too_many"})
    return signed


def confirm_owners(
    *, signed: SignedHash, facts: SafeFacts, answers: Sequence[Answer], network: Network, tx: SafeTransactionData
) -> Confirmed:
    """One confirmation per owner; a repeated owner counts once, what is given now before what was collected.

    `answers` belong to `signed.encode_questions`. Refused with InvalidSignature (no such point, a hash that was not
    approved on chain, a contract that says no) and SignerNotOwner, whose details say who signed and, where it shows,
    what was signed instead. Collected confirmations that no longer hold are not counted and named in `void`.
    """
    guesses = _guess_mistakes(network=network, safe=facts.address, tx=tx)
    approved = _read_answers(signed, answers)
    valid: dict[Address, Confirmation] = {}
    for signature in signed.given:
        item = _confirm(signature, signed.digest, facts, guesses)
        if item.kind in REFUSED_BY_CHAIN and not approved[signature]:
            raise errors.InvalidSignature(details={"reason": REFUSED_BY_CHAIN[item.kind], "owner": item.owner})
        valid.setdefault(item.owner, item)
    new = list(valid.values())
    for owner, signature in signed.stored.items():
        kept = _confirm_stored(signature, signed.digest, facts)
        if kept is not None and (kept.kind not in REFUSED_BY_CHAIN or approved[signature]):
            valid.setdefault(owner, kept)
    ordered = sorted(valid.values(), key=lambda item: int(item.owner, 16))
    return Confirmed(ordered, new, [owner for owner in signed.stored if owner not in valid])


def _read_answers(signed: SignedHash, answers: Sequence[Answer]) -> dict[RawSignature, bool]:
    try:
        return {
            item: read_approval(answer) if item.v == APPROVED_HASH_V else read_contract_signature(answer)
            for item, answer in zip(signed.list_named(), answers, strict=True)
        }
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error


def _confirm_stored(signature: RawSignature, digest: bytes, facts: SafeFacts) -> Confirmation | None:
    try:
        return confirm(signature=signature, digest=digest, owners=facts.owners, guesses={})
    except (StrangerSignature, MalformedSignature):
        return None


def _confirm(signature: RawSignature, digest: bytes, facts: SafeFacts, guesses: dict[str, bytes]) -> Confirmation:
    try:
        return confirm(signature=signature, digest=digest, owners=facts.owners, guesses=guesses)
    except MalformedSignature as error:
        raise errors.InvalidSignature(details={"reason": error.token}) from error
    except StrangerSignature as error:
        raise errors.SignerNotOwner(details={"reason": error.token, "signer": error.recovered}) from error


def _guess_mistakes(*, network: Network, safe: Address, tx: SafeTransactionData) -> dict[str, bytes]:
    """Digests that owners sign by mistake, by the token that says so."""
    own = safe_tx_hash(chain_id=network.chain_id, safe=safe, tx=tx)
    guesses = {"signed_hash_as_text": hash_text_digest(own)}
    for other in set(Network) - {network}:
        guesses[f"signed_for_{other}"] = _digest(other.chain_id, safe, tx)
    if tx.nonce > 0:
        guesses["signed_for_earlier_nonce"] = _digest(network.chain_id, safe, replace(tx, nonce=tx.nonce - 1))
    guesses["signed_for_later_nonce"] = _digest(network.chain_id, safe, replace(tx, nonce=tx.nonce + 1))
    return guesses


def _digest(chain_id: int, safe: Address, tx: SafeTransactionData) -> bytes:
    return bytes.fromhex(safe_tx_hash(chain_id=chain_id, safe=safe, tx=tx)[2:])

"""Owners' signatures, judged against the owners of this moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.safe import SafeTransactionData, safe_tx_hash
from ostium_service.gateways.safe_reads import Answer, SafeFacts, encode_approval_call, read_approval
from ostium_service.gateways.safe_signatures import (
    APPROVED_HASH_V,
    Confirmation,
    MalformedSignature,
    RawSignature,
    SignatureKind,
    StrangerSignature,
    confirm,
    hash_text_digest,
    read_approving_owner,
    split_signatures,
)
from ostium_service.http import errors
from ostium_service.types import Address, Network


@dataclass(frozen=True, slots=True)
class SignedHash:
    """The signatures of one request, and the questions to the chain that those of kind v 1 raise."""

    digest: bytes
    signatures: tuple[RawSignature, ...]
    approvers: tuple[Address, ...]

    def encode_questions(self, safe: Address) -> list[Call]:
        """Whether each approver approved the hash on chain, in the order of `approvers`."""
        return [encode_approval_call(safe=safe, owner=owner, digest=self.digest) for owner in self.approvers]


def parse_request(*, digest: bytes, blobs: Sequence[bytes]) -> SignedHash:
    """Take the signatures apart, single ones or joined. Refused with InvalidSignature (details: reason)."""
    try:
        signatures = split_signatures(b"".join(blobs))
        approvers = [read_approving_owner(item) for item in signatures if item.v == APPROVED_HASH_V]
    except MalformedSignature as error:
        raise errors.InvalidSignature(details={"reason": error.token}) from error
    return SignedHash(digest, tuple(signatures), tuple(approvers))


def confirm_owners(
    *, signed: SignedHash, facts: SafeFacts, answers: Sequence[Answer], network: Network, tx: SafeTransactionData
) -> list[Confirmation]:
    """One confirmation per owner, ascending by address; a repeated owner counts once.

    `answers` belong to `signed.encode_questions`. Refused with InvalidSignature (no such point, a hash that was not
    approved on chain) and SignerNotOwner, whose details say who signed and, where it shows, what was signed instead.
    """
    guesses = _guess_mistakes(network=network, safe=facts.address, tx=tx)
    approved = _read_approved(signed, answers)
    by_owner: dict[int, Confirmation] = {}
    for signature in signed.signatures:
        item = _confirm(signature, signed.digest, facts, guesses)
        if item.kind == SignatureKind.APPROVED_HASH and item.owner not in approved:
            raise errors.InvalidSignature(details={"reason": "hash_not_approved", "owner": item.owner})
        by_owner.setdefault(int(item.owner, 16), item)
    return [by_owner[owner] for owner in sorted(by_owner)]


def _read_approved(signed: SignedHash, answers: Sequence[Answer]) -> set[Address]:
    try:
        return {owner for owner, answer in zip(signed.approvers, answers, strict=True) if read_approval(answer)}
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error


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

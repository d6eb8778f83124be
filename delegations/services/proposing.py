"""Showing a prepared transaction to the Safe's owners in their own Safe app."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from delegations.models import SafeTransaction
from delegations.selectors import get_safe_transaction
from delegations.services.chain import SafeView, read_safe, require_supported
from delegations.services.collecting import FORGED, read_from_service
from delegations.services.confirming import confirm_owners, parse_request
from delegations.services.drafting import load_transaction
from delegations.services.events import record_event
from delegations.services.settling import describe_taken, settle_moved_nonce
from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.safe_signatures import Confirmation
from ostium_service.gateways.safe_transaction_service import SafeTransactionService
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.selectors import signer_addresses

logger = structlog.get_logger(__name__)


class ProposalRefused(Exception):
    """Nothing was proposed, or nobody knows whether it was; `token` is stable and says why.

    `not_a_revocation`, `no_safe_service`, `no_owner_signature`, or the service's own trouble: `hash_mismatch` (it shows
    another transaction under our hash: nobody should sign there), `rate_limited`, `unauthorized`, `not_accepted`,
    `too_slow`...
    """

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.token = token

    @property
    def is_forgery(self) -> bool:
        """Whether the service showed something else under our hash."""
        return self.token == FORGED


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who had signed when it was shown, how many are still missing, and whether the service's nonce lags."""

    safe_transaction: SafeTransaction
    owners: list[Address]
    missing: int
    is_service_behind: bool


def has_safe_service(network: Network) -> bool:
    """Whether there is anywhere to propose to."""
    return composition.safe_service(network) is not None


def propose(*, safe_transaction_id: UUID, actor: str) -> Proposal:
    """Send a prepared revocation to the Safe Transaction Service with the owners' signatures collected so far.

    Anybody may read there what owners signed. For an approval that must not come from us: another user who wishes for
    the same Safe could bring those signatures as his own and have the Safe made his. A revocation gives away nothing.
    The service shows only what an owner (or a proposer that an owner registered there) has signed; none of our keys is
    one, so without a collected signature it is ProposalRefused. The chain's nonce decides: a service that is behind is
    told about, a transaction of an old nonce is never proposed (SafeNonceStale). Repeating it adds the signatures that
    came since. Refused with ChainUnavailable and what `require_supported` refuses with.
    """
    row = get_safe_transaction(safe_transaction_id)
    if row.kind != SafeTransaction.Kind.REVOKE:
        raise ProposalRefused("not_a_revocation")
    network = Network(row.network)
    service = composition.safe_service(network)
    if service is None:
        raise ProposalRefused("no_safe_service")
    view, valid = _read_signers(row, network, actor)
    if not valid:
        raise ProposalRefused("no_owner_signature")
    try:
        is_behind = _compare_nonce(service, row, view)
        _send(service, row, valid, actor)
    except GatewayError as error:
        raise ProposalRefused(error.token) from error
    owners = [item.owner for item in valid]
    return Proposal(row, owners, max(view.facts.threshold - len(owners), 0), is_behind)


def _read_signers(row: SafeTransaction, network: Network, actor: str) -> tuple[SafeView, list[Confirmation]]:
    """The Safe as it is now, and the collected confirmations that hold."""
    tx, safe = load_transaction(row), row.delegation.safe
    request = parse_request(network=network, safe=safe, tx=tx, blobs=(), row=row)
    view = read_safe(network=network, safe=safe, extra=request.encode_questions(safe))
    require_supported(network=network, facts=view.facts, our_signers=signer_addresses(network))
    if view.facts.nonce < row.nonce:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})
    if view.facts.nonce > row.nonce:
        settle_moved_nonce(safe_transaction=row, actor=actor)
        details = describe_taken(get_safe_transaction(row.pk)) | {"nonce": view.facts.nonce}
        raise errors.SafeNonceStale(details=details)
    confirmed = confirm_owners(signed=request, facts=view.facts, answers=view.extra, network=network, tx=tx)
    return view, confirmed.valid


def _compare_nonce(service: SafeTransactionService, row: SafeTransaction, view: SafeView) -> bool:
    """Whether the service lags behind the chain; ChainUnavailable when our node is the one that lags."""
    known = service.read_nonce(row.delegation.safe)
    if known is not None and known > view.facts.nonce:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})
    is_behind = known is not None and known < view.facts.nonce
    if is_behind:
        logger.warning("safe_service_behind", safe=row.delegation.safe, service=known, chain=view.facts.nonce)
    return is_behind


def _send(service: SafeTransactionService, row: SafeTransaction, valid: list[Confirmation], actor: str) -> None:
    """Post what the service lacks, then see that it shows exactly our transaction."""
    found = read_from_service(service=service, row=row)
    known = {item.owner for item in found.confirmations} if found is not None else set()
    if found is not None and known >= {item.owner for item in valid}:
        return
    tx, digest = load_transaction(row), row.safe_tx_hash
    service.propose(safe=row.delegation.safe, tx=tx, digest=digest, confirmations=valid)
    read_from_service(service=service, row=row)
    record_event(
        delegation=row.delegation,
        what=f"{row.kind}_proposed",
        actor=actor,
        evidence={"safeTxHash": digest, "owners": [item.owner for item in valid]},
        safe_transaction=row,
    )

"""Keeping owners' confirmations: those that a caller brings, and those that owners left in their Safe app."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import structlog
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from delegations.models import Confirmation as StoredConfirmation
from delegations.models import SafeTransaction
from delegations.selectors import awaiting_signatures
from delegations.services.chain import read_safe, require_supported
from delegations.services.confirming import Confirmed, confirm_owners, parse_request
from delegations.services.drafting import load_transaction
from delegations.services.events import record_event
from delegations.services.submitting import lock_row
from ostium_service import composition
from ostium_service.gateways.failures import BadAnswer, GatewayError
from ostium_service.gateways.safe_signatures import (
    APPROVED_HASH_V,
    CONTRACT_V,
    MAX_SIGNATURES,
    MalformedSignature,
    RawSignature,
    read_named_owner,
    split_signatures,
)
from ostium_service.gateways.safe_transaction_service import (
    SafeTransactionService,
    ServiceConfirmation,
    ServiceTransaction,
)
from ostium_service.http.errors import ServiceError
from ostium_service.observability.metrics import count_security_event
from ostium_service.types import Address, Network
from relay.selectors import signer_addresses

logger = structlog.get_logger(__name__)

FORGED = "hash_mismatch"

SHORTEST_PAUSE = 60
LONGEST_PAUSE = 3_600
"""Seconds between two questions about one transaction: a quarter of the time since it last changed, within these.

The service counts every request against a monthly quota."""

MOST_AT_ONCE = 40
"""Transactions asked about in one run, newest change first."""


def keep(
    *,
    row: SafeTransaction,
    known: Mapping[Address, RawSignature],
    confirmed: Confirmed,
    threshold: int,
    actor: str,
    source: str = "",
) -> bool:
    """Store the new confirmations and drop the void ones; False when a twin kept one since `known` was read.

    All must be counted again then. `source` names where they came from if nobody brought them.
    """
    with transaction.atomic():
        stored = lock_row(row)
        if stored.state != SafeTransaction.State.PREPARED:
            return True
        if set(stored.confirmations.values_list("owner", flat=True)) != set(known):
            return False
        joined = _store(stored, confirmed)
        if confirmed.void:
            _record(stored, "signatures_void", actor, {"owners": confirmed.void})
        if joined and (source or len(confirmed.valid) < threshold):
            evidence = {"owners": joined, "collected": len(confirmed.valid), "threshold": threshold}
            _record(stored, "confirmed", actor, evidence | ({"source": source} if source else {}))
    return True


def gather_quietly(*, row: SafeTransaction, actor: str) -> bool:
    """Whether something changed that must be counted; trouble with the service counts as nothing found."""
    try:
        return gather_confirmations(row=row, actor=actor)
    except GatewayError as error:
        logger.warning("safe_service_not_read", safe_transaction_id=str(row.pk), reason=error.token)
        return False


def gather_confirmations(*, row: SafeTransaction, actor: str) -> bool:
    """Fetch what owners signed in their Safe app and keep what holds against the chain; whether anything changed.

    All kinds of signature count; one that is malformed, a stranger's or refused by the chain is passed over. Raises
    GatewayError for trouble with the service, ChainUnavailable and what `require_supported` refuses with.
    """
    network = Network(row.network)
    service = composition.safe_service(network)
    if service is None or row.state != SafeTransaction.State.PREPARED or _is_expired(row):
        return False
    tx, safe = load_transaction(row), row.delegation.safe
    own = parse_request(network=network, safe=safe, tx=tx, blobs=(), row=row)
    found = read_from_service(service=service, row=row)
    theirs = take_apart(found.confirmations, known=own.stored) if found is not None else {}
    if not theirs:
        return False
    request = replace(own, stored={**theirs, **own.stored})
    view = read_safe(network=network, safe=safe, extra=request.encode_questions(safe))
    require_supported(network=network, facts=view.facts, our_signers=signer_addresses(network))
    if view.facts.nonce != tx.nonce:
        return False
    confirmed = confirm_owners(signed=request, facts=view.facts, answers=view.extra, network=network, tx=tx)
    new = [item for item in confirmed.valid if item.owner not in own.stored]
    void = [owner for owner in confirmed.void if owner in own.stored]
    if not (new or void):
        return False
    confirmed, threshold = replace(confirmed, new=new, void=void), view.facts.threshold
    keep(row=row, known=own.stored, confirmed=confirmed, threshold=threshold, actor=actor, source="safe_service")
    return True


def gather_pending(*, actor: str) -> int:
    """Look after transactions that wait for signatures, each ever less often; how many were asked about.

    A service that does not answer or asks for quiet is left alone for the rest of the run.
    """
    asked = 0
    for network in Network:
        if composition.safe_service(network) is None:
            continue
        for row in awaiting_signatures(network=network)[:MOST_AT_ONCE]:
            if not cache.add(f"delegations:gather:{row.pk}", True, _pause(row)):
                continue
            asked += 1
            try:
                gather_confirmations(row=row, actor=actor)
            except (GatewayError, ServiceError) as error:
                reason = error.token if isinstance(error, GatewayError) else error.code
                logger.warning("safe_service_not_read", safe_transaction_id=str(row.pk), reason=reason)
                break
    return asked


def read_from_service(*, service: SafeTransactionService, row: SafeTransaction) -> ServiceTransaction | None:
    """What the service knows of the row's transaction. Raises GatewayError.

    Another transaction shown under our hash is an attempt to have something else signed: counted and logged.
    """
    network = Network(row.network)
    try:
        return service.read_transaction(chain_id=network.chain_id, safe=row.delegation.safe, digest=row.safe_tx_hash)
    except BadAnswer as error:
        if error.token == FORGED:
            count_security_event("safe_service_hash_mismatch")
            logger.error("safe_service_hash_mismatch", network=network, safe_tx_hash=row.safe_tx_hash)
        raise


def take_apart(
    found: Collection[ServiceConfirmation], *, known: Mapping[Address, RawSignature]
) -> dict[Address, RawSignature]:
    """The signatures by the owner the service names, without those we have and without what is no single signature."""
    theirs: dict[Address, RawSignature] = {}
    for item in found:
        if item.owner in known or len(theirs) + len(known) >= MAX_SIGNATURES:
            continue
        try:
            (signature,) = split_signatures(item.signature)
            if signature.v in {APPROVED_HASH_V, CONTRACT_V}:
                read_named_owner(signature)
        except (MalformedSignature, ValueError):
            logger.warning("safe_service_signature_malformed", owner=item.owner)
            continue
        theirs[item.owner] = signature
    return theirs


def _store(row: SafeTransaction, confirmed: Confirmed) -> list[Address]:
    """Write to the locked row; the owners who are new to it."""
    row.confirmations.filter(owner__in=confirmed.void).delete()
    known = set(row.confirmations.values_list("owner", flat=True))
    for item in confirmed.new:
        StoredConfirmation.objects.update_or_create(
            safe_transaction=row, owner=item.owner, defaults={"kind": item.kind, "signature": item.as_blob()}
        )
    return [item.owner for item in confirmed.new if item.owner not in known]


def _record(row: SafeTransaction, what: str, actor: str, evidence: dict[str, object]) -> None:
    record_event(
        delegation=row.delegation, what=f"{row.kind}_{what}", actor=actor, evidence=evidence, safe_transaction=row
    )


def _is_expired(row: SafeTransaction) -> bool:
    return row.expires_at is not None and row.expires_at <= timezone.now()


def _pause(row: SafeTransaction) -> float:
    since = (timezone.now() - row.updated_at).total_seconds()
    return min(max(since / 4, SHORTEST_PAUSE), LONGEST_PAUSE)

"""Following a submitted Safe transaction to its end. Every step may be repeated, from any process, at any time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.utils import timezone
from procrastinate.contrib.django import app as queue

from delegations.models import SafeTransaction
from delegations.selectors import get_safe_transaction, vanished_submissions, watched_submissions
from delegations.services.chain import read_nonces
from delegations.services.expiring import expire_prepared
from delegations.services.moves import finish_failed, reopen_unsent, reopen_vanished
from delegations.services.settling import settle_client_submission, settle_receipt
from ostium_service.gateways.failures import GatewayError
from ostium_service.http import errors
from ostium_service.types import Network, TxHash
from relay import services as relay
from relay.models import OutboundTransaction

logger = structlog.get_logger(__name__)

State = SafeTransaction.State
Outbound = OutboundTransaction.State

FOLLOW_TASK = "delegations.follow_safe_transaction"
BATCH = 100
"""Transactions looked at in one run of the sweep, the longest unseen first; the rest follow with the next."""

STUCK_AFTER = timedelta(seconds=30)
"""A relayed transaction without progress for this long may have lost its job."""


def defer_follow(*, safe_transaction_id: UUID, seconds: int) -> None:
    """Put the worker on it; inside the caller's transaction, so that the job exists exactly if the row does."""
    job = queue.configure_task(FOLLOW_TASK, queue="delegations", schedule_in={"seconds": seconds})
    job.defer(safe_transaction_id=str(safe_transaction_id))


def follow_safe_transaction(*, safe_transaction_id: UUID, actor: str) -> bool:
    """One step towards the end; whether it is reached. Upstream trouble leaves everything for the next step."""
    row = get_safe_transaction(safe_transaction_id)
    if row.state != State.SUBMITTED:
        return True
    try:
        if row.outbound_id is None:
            settle_client_submission(safe_transaction=row, actor=actor)
        else:
            outbound = relay.advance(transaction_id=row.outbound_id)
            settle_relayed(safe_transaction=row, outbound=outbound, actor=actor)
    except (GatewayError, errors.ChainUnavailable):
        logger.warning("safe_transaction_not_read", safe_transaction_id=str(row.pk), network=row.network)
    return get_safe_transaction(row.pk).state != State.SUBMITTED


def follow_until(*, safe_transaction_id: UUID, deadline: float, actor: str) -> None:
    """Follow a relayed transaction until it is settled or `time.monotonic()` reaches `deadline`."""
    row = get_safe_transaction(safe_transaction_id)
    if row.state != State.SUBMITTED or row.outbound_id is None:
        return
    outbound = relay.wait_for_receipt(transaction_id=row.outbound_id, deadline=deadline)
    try:
        settle_relayed(safe_transaction=row, outbound=outbound, actor=actor)
    except (GatewayError, errors.ChainUnavailable):
        logger.warning("safe_transaction_not_read", safe_transaction_id=str(row.pk), network=row.network)


def settle_relayed(*, safe_transaction: SafeTransaction, outbound: OutboundTransaction, actor: str) -> None:
    """Draw the conclusion from a relayed transaction's end; nothing happens before it.

    Raises GatewayError or ChainUnavailable when the chain cannot be read; nothing is written then.
    """
    if outbound.succeeded:
        settle_receipt(safe_transaction=safe_transaction, tx_hash=TxHash(outbound.mined_hash), actor=actor)
    elif outbound.state in {Outbound.EXPIRED, Outbound.CANCELLED}:
        reopen_unsent(safe_transaction_id=safe_transaction.pk, actor=actor)
    elif outbound.is_decided:
        reason = "tx_reverted" if outbound.state == Outbound.REVERTED else "tx_replaced"
        finish_failed(safe_transaction_id=safe_transaction.pk, state=State.FAILED, reason=reason, actor=actor)


def sweep_submissions(*, actor: str) -> int:
    """Look after handed-back transactions, relayed ones that lost their job or their block, and expired ones.

    The answer is how many were followed or ended. One that cannot be written holds up no other.
    """
    now = timezone.now()
    expired = expire_prepared(actor=actor)
    for safe_transaction_id in vanished_submissions(limit=BATCH):
        with _alone(safe_transaction_id):
            reopen_vanished(safe_transaction_id=safe_transaction_id, actor=actor)
    found = watched_submissions(now=now, relay_before=now - STUCK_AFTER, limit=BATCH)
    # Before the look: what cannot be written goes to the end of the line as well. `updated_at` stays.
    SafeTransaction.objects.filter(pk__in=[row.pk for row in found]).update(looked_at=now)
    for row in _without_waiting(found):
        with _alone(row.pk):
            follow_safe_transaction(safe_transaction_id=row.pk, actor=actor)
    return expired + len(found)


def _without_waiting(rows: Sequence[SafeTransaction]) -> list[SafeTransaction]:
    """Leave out handed-back transactions whose Safe has not moved yet, by one request for many Safes."""
    followed = [row for row in rows if row.outbound_id is not None]
    for network in Network:
        handed = [row for row in rows if row.network == network and row.outbound_id is None]
        safes = list({row.delegation.safe: None for row in handed})
        try:
            nonces = read_nonces(network=network, safes=safes)
        except errors.ChainUnavailable:
            logger.warning("safe_nonces_not_read", network=network, rows=len(handed))
            continue
        # A Safe that gives no nonce is looked at alone, where its trouble is told.
        followed += [row for row in handed if nonces.get(row.delegation.safe, row.nonce + 1) > row.nonce]
    return followed


@contextmanager
def _alone(safe_transaction_id: UUID) -> Iterator[None]:
    """Trouble with one row is told, and the sweep goes on to the next."""
    try:
        yield
    except (DatabaseError, errors.ServiceError) as error:
        name = type(error).__name__
        logger.error("safe_transaction_not_settled", safe_transaction_id=str(safe_transaction_id), error=name)

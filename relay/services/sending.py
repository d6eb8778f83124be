"""Putting stored bytes on the wire, and what each answer proves."""

import time
from typing import Final

import structlog
from django.db import transaction as database

from ostium_service import composition
from ostium_service.gateways.arbitrum import SendOutcome
from ostium_service.http.errors import ServiceError
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.types import Address
from relay.clock import database_now
from relay.models import OutboundTransaction, TransactionAttempt
from relay.selectors import unsent_predecessors
from relay.services.signing import CANCEL, ask_gate
from relay.states import move

logger = structlog.get_logger(__name__)

State = OutboundTransaction.State

DEADLINE: Final = "deadline"
OUT: Final = frozenset({SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN})
MAYBE_OUT: Final = frozenset({SendOutcome.UNKNOWN, SendOutcome.NONCE_TOO_LOW, SendOutcome.UNDERPRICED})
"""Outcomes after which only receipts tell: these bytes, or others under the nonce, may be out."""


def send(row: OutboundTransaction) -> OutboundTransaction:
    """Send the row's newest bytes and move it to what the answer proves.

    A nonce that is too high waits for its predecessors: they are sent first, up to one that is not taken, then these
    bytes once more.
    """
    if row.is_decided:
        return row
    attempt = newest_attempt(row)
    outcome = _put(row, attempt)
    if outcome is SendOutcome.NONCE_TOO_HIGH:
        for earlier in unsent_predecessors(row):
            if must_not_be_sent(earlier) or not _is_taken(earlier):
                break
        outcome = _put(row, attempt)
    return _record(row, attempt, outcome)


def _is_taken(row: OutboundTransaction) -> bool:
    attempt = newest_attempt(row)
    return _record(row, attempt, _put(row, attempt)).state == State.SENT


def resend(row: OutboundTransaction) -> OutboundTransaction:
    """Send the same bytes of a SENT row again, and note when: harmless where they are known, needed where dropped."""
    _put(row, newest_attempt(row))
    OutboundTransaction.objects.filter(pk=row.pk, state=State.SENT).update(sent_at=database_now())
    return row


def newest_attempt(row: OutboundTransaction) -> TransactionAttempt:
    """The bytes to send: the cancellation once there is one, else the call; of each the one with the highest fee."""
    return row.attempts.latest("id")


def must_not_be_sent(row: OutboundTransaction) -> str:
    """Why the call must not go out now, as a stable word; empty when it may.

    Asked again right before every send, since a suspension or the deadline may have come after the signature. Bytes
    that are out already may still win their nonce; they are not helped to.
    """
    if row.given_up:
        return row.given_up
    if database_now() >= row.deadline:
        return DEADLINE
    try:
        with database.atomic():
            ask_gate(network=row.network, signer=Address(row.signer.address), to=Address(row.to), data=bytes(row.data))
    except ServiceError as refusal:
        return refusal.code.lower()
    return ""


def _put(row: OutboundTransaction, attempt: TransactionAttempt) -> SendOutcome:
    """Once to the endpoints in their order; bytes that may have been lost there, and cancellations, to all of them."""
    started = time.monotonic()
    is_everywhere = row.state != State.SIGNED or attempt.purpose == CANCEL
    outcome = composition.arbitrum(row.network).send_raw(bytes(attempt.raw), everywhere=is_everywhere)
    observe_relay_stage("broadcast", time.monotonic() - started)
    return outcome


def _record(row: OutboundTransaction, attempt: TransactionAttempt, outcome: SendOutcome) -> OutboundTransaction:
    if attempt.purpose == CANCEL:
        return row
    evidence = {"txHash": attempt.tx_hash, "outcome": outcome.value}
    if outcome in OUT:
        return move(transaction=row, to=State.SENT, reason="broadcast", evidence=evidence, sent_at=database_now())
    if outcome in MAYBE_OUT:
        return move(transaction=row, to=State.UNKNOWN, reason="broadcast without an answer", evidence=evidence)
    logger.warning("broadcast_refused", transaction_id=str(row.pk), outcome=outcome.value)
    return row

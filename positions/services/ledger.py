"""The ledger's own rules: claiming a key once, the moves a state may make, and who may still sign."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError
from django.utils import timezone

from ostium_service.database import Writes, in_one_unit
from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.models import FAILED_STATES, FINAL_STATES, ExecutionEvent, ExecutionState, PerpsExecution

LEASE = timedelta(seconds=10)
"""How long a claimed row may stay unsigned before another process may take it over."""

KEY_LIFETIME = timedelta(hours=24)
"""How long a used key answers with its execution; afterwards it is refused for good."""

MOVES: Mapping[str, frozenset[str]] = {
    ExecutionState.RECEIVED: frozenset({ExecutionState.SIGNED, ExecutionState.REJECTED}),
    ExecutionState.SIGNED: frozenset(
        {ExecutionState.SENT, ExecutionState.MINED, ExecutionState.REVERTED, ExecutionState.EXPIRED}
    ),
    ExecutionState.SENT: frozenset({ExecutionState.MINED, ExecutionState.REVERTED, ExecutionState.EXPIRED}),
    ExecutionState.MINED: frozenset({ExecutionState.SETTLED, ExecutionState.CANCELLED}),
    **dict.fromkeys(FINAL_STATES, frozenset()),
}
PUT_BACKS: Mapping[str, frozenset[str]] = {
    # To SENT when the block of its own transaction has vanished, to MINED when the one of its settlement has.
    ExecutionState.MINED: frozenset({ExecutionState.SENT}),
    ExecutionState.SETTLED: frozenset({ExecutionState.SENT, ExecutionState.MINED}),
    ExecutionState.REVERTED: frozenset({ExecutionState.SENT}),
    ExecutionState.CANCELLED: frozenset({ExecutionState.SENT, ExecutionState.MINED}),
    ExecutionState.EXPIRED: frozenset({ExecutionState.SENT}),
}
"""Apart from MOVES, so that a late follower cannot undo an end. The database's trigger (migration 0007) knows both."""

NO_CONCLUSION: Mapping[str, Any] = {
    "result": None,
    "ended_at": None,
    "settlement_tx_hash": "",
    "settlement_block": None,
    "settlement_block_hash": "",
    "settlement_confirmed_at": None,
    "searched_to": None,
}
"""What a row says while it has no end."""

TIME_FIELDS: Mapping[str, str] = {
    ExecutionState.SIGNED: "signed_at",
    ExecutionState.SENT: "sent_at",
    ExecutionState.MINED: "mined_at",
}


@dataclass(frozen=True, slots=True)
class Intent:
    """Who asks for what, under which key. `request` is the validated parameters, numbers as decimal strings.

    `signature` is the signed request's; empty for what the service asks for itself.
    """

    operation: str
    network: Network
    trader: Address
    key: str
    request: Mapping[str, Any]
    request_id: str
    signature: str = ""

    @property
    def fingerprint(self) -> str:
        """sha256 of the parameters in canonical form: what makes two requests under one key the same request."""
        canonical = json.dumps(self.request, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Claim:
    """The execution of a key, and whether an earlier request has made it already."""

    execution: PerpsExecution
    replayed: bool


def claim_execution(*, intent: Intent) -> Claim:
    """Insert the intent's row, or find the one that holds its key; the database's unique constraints decide.

    The same signed bytes are the same request even under another key, since the headers that may name one are not
    signed and any hop may set them. Refused with IdempotencyInProgress while a twin is before its signature, and with
    IdempotencyKeyReused for other parameters or a key used longer than 24 hours ago. A row whose process died before
    signing is taken over. A row that ended REJECTED holds no key.
    """
    while True:
        try:
            return Claim(execution=_insert(intent), replayed=False)
        except IntegrityError:
            twin = _find_twin(intent)
        if twin is not None:
            return _answer_twin(intent, twin)


@in_one_unit
def move_execution(
    *, execution_id: UUID, to: str, reason: str, evidence: Mapping[str, Any] | None = None, **fields: Any
) -> PerpsExecution:
    """Move the row to `to`, set `fields`, and write the event, under the row's lock. A failed end keeps the reason.

    Web processes and workers follow the same row, so a move that was made already, or that the row's present state
    does not allow, changes nothing: the stored row is returned as it is.
    """
    row = PerpsExecution.objects.select_for_update().get(pk=execution_id)
    if to not in MOVES[row.state]:
        return row
    return write_move(row=row, to=to, reason=reason, evidence=evidence, **fields)


def write_move(
    *, row: PerpsExecution, to: str, reason: str, evidence: Mapping[str, Any] | None = None, **fields: Any
) -> PerpsExecution:
    """The write half of a move, for a caller that holds the row's lock and has checked that the move is allowed."""
    event = ExecutionEvent(
        execution=row, from_state=row.state, to_state=to, reason=reason[:80], evidence=dict(evidence or {})
    )
    fields[TIME_FIELDS.get(to, "ended_at")] = timezone.now()
    fields["reason"] = reason[:80] if to in FAILED_STATES else ""
    row.state = to
    for name, value in fields.items():
        setattr(row, name, value)
    writes = Writes()
    writes.insert(event)
    writes.update(row, "state", *fields)
    writes.run()
    return row


@in_one_unit
def put_back(
    *,
    execution_id: UUID,
    to: str,
    reason: str,
    evidence: Mapping[str, Any],
    stands_on: Mapping[str, Any],
    **fields: Any,
) -> PerpsExecution:
    """Undo a conclusion whose block has vanished, so that the row is followed again from `to`; the event keeps it.

    Only while the row still has the values of `stands_on`: a row that has drawn its conclusion anew since is left as
    it is.
    """
    row = PerpsExecution.objects.select_for_update().get(pk=execution_id)
    if to not in PUT_BACKS.get(row.state, ()) or any(getattr(row, name) != was for name, was in stands_on.items()):
        return row
    told = {"result": row.result, "reason": row.reason, **evidence}
    return write_move(row=row, to=to, reason=reason, evidence=told, **{**NO_CONCLUSION, **fields})


def remember_trade(*, execution: PerpsExecution, trade_id: str) -> None:
    """Note which trade an unsigned row means: whoever takes it over cannot mean a later one in the same slot.

    PositionChanged when an earlier holder of the row meant another trade.
    """
    if execution.trade_id and trade_id != execution.trade_id:
        raise errors.PositionChanged(details={"tradeId": trade_id})
    if trade_id and not execution.trade_id:
        own = PerpsExecution.objects.filter(pk=execution.pk, lease_token=execution.lease_token)
        own.filter(state=ExecutionState.RECEIVED).update(trade_id=trade_id)


def renew_lease(*, execution: PerpsExecution) -> None:
    """Give slow outside systems their time: a lease of which less than half is left begins anew.

    Refused with IdempotencyInProgress when another process has the row.
    """
    now = timezone.now()
    if execution.leased_until - now > LEASE / 2:
        return
    execution.leased_until = now + LEASE
    own = PerpsExecution.objects.filter(
        pk=execution.pk, lease_token=execution.lease_token, state=ExecutionState.RECEIVED
    )
    if not own.update(leased_until=execution.leased_until):
        raise _in_progress()


def lock_for_signing(*, execution: PerpsExecution) -> PerpsExecution:
    """Lock the row inside the caller's transaction and make sure that this process may still sign it.

    Refused with IdempotencyInProgress when the lease went to another process or the row has moved on.
    """
    row = PerpsExecution.objects.select_for_update().get(pk=execution.pk)
    if row.lease_token != execution.lease_token or row.state != ExecutionState.RECEIVED:
        raise _in_progress()
    return row


@in_one_unit
def reject_execution(*, execution: PerpsExecution, code: str, reason: str) -> PerpsExecution:
    """End an unsigned row that this process still holds, which frees its key; otherwise the row is left alone."""
    row = PerpsExecution.objects.select_for_update().get(pk=execution.pk)
    if row.state != ExecutionState.RECEIVED or row.lease_token != execution.lease_token:
        return row
    return write_move(row=row, to=ExecutionState.REJECTED, reason=reason or code, error_code=code)


@in_one_unit
def abandon_execution(*, execution_id: UUID) -> PerpsExecution:
    """End a row that a dead process left unsigned after its lease; nothing of it was ever sent."""
    row = PerpsExecution.objects.select_for_update().get(pk=execution_id)
    if row.state != ExecutionState.RECEIVED or row.leased_until > timezone.now():
        return row
    return write_move(
        row=row,
        to=ExecutionState.REJECTED,
        reason="abandoned before its signature",
        error_code=errors.OstiumInternalError.code,
    )


@in_one_unit
def _insert(intent: Intent) -> PerpsExecution:
    row = PerpsExecution.objects.create(
        operation=intent.operation,
        network=intent.network,
        trader_address=intent.trader,
        idempotency_key=intent.key,
        fingerprint=intent.fingerprint,
        request=dict(intent.request),
        request_id=intent.request_id,
        signature=intent.signature,
        leased_until=timezone.now() + LEASE,
    )
    ExecutionEvent.objects.create(execution=row, to_state=row.state, reason="claimed")
    return row


def _find_twin(intent: Intent) -> PerpsExecution | None:
    rows = PerpsExecution.objects.filter(
        operation=intent.operation, network=intent.network, trader_address=intent.trader
    ).exclude(state=ExecutionState.REJECTED)
    signed = rows.filter(signature=intent.signature).first() if intent.signature else None
    return signed or rows.filter(idempotency_key=intent.key).first()


def _answer_twin(intent: Intent, twin: PerpsExecution) -> Claim:
    if twin.fingerprint != intent.fingerprint:
        raise errors.IdempotencyKeyReused(details={"executionId": str(twin.pk), "reason": "other_parameters"})
    if timezone.now() - twin.created_at > KEY_LIFETIME:
        raise errors.IdempotencyKeyReused(details={"executionId": str(twin.pk), "reason": "key_too_old"})
    if twin.state == ExecutionState.RECEIVED:
        return Claim(execution=_take_over(twin), replayed=False)
    return Claim(execution=twin, replayed=True)


@in_one_unit
def _take_over(twin: PerpsExecution) -> PerpsExecution:
    row = PerpsExecution.objects.select_for_update().get(pk=twin.pk)
    if row.state != ExecutionState.RECEIVED or row.leased_until > timezone.now():
        raise _in_progress()
    row.lease_token, row.leased_until = uuid4(), timezone.now() + LEASE
    row.save(update_fields=["lease_token", "leased_until"])
    ExecutionEvent.objects.create(
        execution=row, from_state=row.state, to_state=row.state, reason="taken over after its lease"
    )
    return row


def _in_progress() -> errors.IdempotencyInProgress:
    return errors.IdempotencyInProgress(headers={"Retry-After": "1"})

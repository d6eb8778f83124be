"""The moves of a delegation and its Safe transactions, each with its event and its grant in one transaction.

Lock order everywhere: the Safe transaction, the delegations of the Safe by id, then the grant.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from delegations.models import Delegation, SafeTransaction
from delegations.services.events import record_event
from delegations.services.suspending import suspended_row, take_over_suspension
from ostium_service.types import Address, Network
from safeguards.services import grant_trading, suspend_grant, withdraw_grant

Status = Delegation.Status
State = SafeTransaction.State
Kind = SafeTransaction.Kind


@dataclass(frozen=True, slots=True)
class Reading:
    """The venue's delegate of a Safe as of a block, and the transaction that is thought to have set it."""

    delegate: Address | None
    block: int
    tx_hash: str = ""


def describe_reading(reading: Reading) -> dict[str, object]:
    """The evidence that an event keeps of it."""
    return {"delegate": reading.delegate, "block": reading.block, "txHash": reading.tx_hash}


def finish_executed(*, safe_transaction_id: UUID, reading: Reading, actor: str) -> None:
    """The transaction ran on chain: end it, and let the delegation become what `reading` shows.

    An approval makes the row ACTIVE only if the chain names its delegate, and ends every other ACTIVE row of the Safe,
    since the venue keeps one delegate; a revocation makes it REVOKED only if the chain no longer names it. Repeating it
    changes nothing.
    """
    with transaction.atomic():
        row = _lock_unfinished(safe_transaction_id, {State.SUBMITTED, State.PREPARED, State.STALE})
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        _end_transaction(row, State.EXECUTED, "")
        if row.kind == Kind.ALLOWANCE:
            _record(delegation, row, "allowance_set", actor, describe_reading(reading) | {"allowance": row.allowance})
        elif row.kind == Kind.REVOKE:
            delegation.revoke_tx_hash = reading.tx_hash or delegation.revoke_tx_hash
            _finish_revocation(delegation, row, reading, actor)
        else:
            delegation.approval_tx_hash = reading.tx_hash or delegation.approval_tx_hash
            _finish_approval(delegation, row, reading, actor)


def finish_failed(*, safe_transaction_id: UUID, state: State, reason: str, actor: str) -> None:
    """The transaction did not run and never will as it stands: FAILED or STALE, with a stable `reason`.

    A delegation that waited for it fails with it, unless only its nonce was taken and preparing again helps; a live one
    stays what it is. The signatures are void. Repeating it changes nothing.
    """
    with transaction.atomic():
        row = _lock_unfinished(safe_transaction_id, {State.SUBMITTED, State.PREPARED})
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        _end_transaction(row, state, reason)
        row.confirmations.all().delete()
        delegation.last_error = reason
        if state == State.FAILED and delegation.status == Status.PENDING and row.kind == Kind.APPROVE:
            delegation.status = Status.FAILED
        delegation.save()
        evidence: dict[str, object] = {"reason": reason}
        if row.taken_by:
            evidence["takenBy"] = row.taken_by
        _record(delegation, row, f"{row.kind}_{state}", actor, evidence)


def note_taker(*, safe_transaction_id: UUID, tx_hash: str) -> None:
    """Keep which transaction spent the nonce, before the row ends."""
    rows = SafeTransaction.objects.filter(pk=safe_transaction_id, state__in=[State.SUBMITTED, State.PREPARED])
    rows.update(taken_by=tx_hash)


def reopen_unsent(*, safe_transaction_id: UUID, actor: str) -> None:
    """The relay never sent it: the Safe has not moved, and the owners' signatures may be used again."""
    with transaction.atomic():
        row = _lock_unfinished(safe_transaction_id, {State.SUBMITTED})
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        _record(delegation, row, f"{row.kind}_unsent", actor, {"outbound": str(row.outbound_id)})
        row.outbound, row.submitted_by = None, ""
        _end_transaction(row, State.PREPARED, "execution_expired")


def reopen_vanished(*, safe_transaction_id: UUID, actor: str) -> None:
    """The chain forgot the block that ran it: it is on its way again, and what it made ACTIVE may not trade till then.

    A revocation leaves its row REVOKED, which is the safe side; a later receipt decides anew.
    """
    with transaction.atomic():
        row = _lock_unfinished(safe_transaction_id, {State.EXECUTED, State.FAILED})
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        if delegation.status == Status.ACTIVE and delegation.approval_id == row.pk:
            delegation.status = Status.PENDING
            delegation.save()
            withdraw_grant(network=Network(delegation.network), trader=delegation.safe)
        _end_transaction(row, State.SUBMITTED, "block_vanished")
        _record(delegation, row, f"{row.kind}_block_vanished", actor, {"outbound": str(row.outbound_id)})


def _finish_approval(delegation: Delegation, row: SafeTransaction, reading: Reading, actor: str) -> None:
    others = _active_rows(delegation).exclude(pk=delegation.pk)
    if reading.delegate != delegation.delegate:
        _fail(delegation, row, reading, "superseded", actor)
        return
    if others.exclude(user_id=delegation.user_id).exists():
        _fail(delegation, row, reading, "safe_claimed", actor)
        return
    for other in others:
        _revoke(other, reading, "superseded")
        _record(other, row, "superseded", actor, describe_reading(reading))
    _end_newer_wish(delegation, row, reading, actor)
    grant = grant_trading(network=Network(delegation.network), trader=delegation.safe, delegate=delegation.delegate)
    delegation.status = Status.ACTIVE
    delegation.suspended = grant.suspended
    suspended = suspended_row(network=delegation.network, safe_address=delegation.safe_address)
    if suspended is not None:
        take_over_suspension(delegation=delegation, source=suspended)
        suspend_grant(network=Network(delegation.network), trader=delegation.safe)
    delegation.approval = row
    _note(delegation, reading)
    delegation.last_error = ""
    delegation.save()
    _record(delegation, row, "activated", actor, describe_reading(reading))


def _end_newer_wish(delegation: Delegation, row: SafeTransaction, reading: Reading, actor: str) -> None:
    """An approval may run after its row had ended and the user wished anew: the wish is fulfilled by the older row."""
    for twin in _waiting_twins(delegation).exclude(pk=delegation.pk):
        twin.status, twin.last_error = Status.FAILED, "superseded"
        twin.save()
        _record(twin, row, "superseded", actor, describe_reading(reading))


def _finish_revocation(delegation: Delegation, row: SafeTransaction, reading: Reading, actor: str) -> None:
    if reading.delegate == delegation.delegate:
        delegation.last_error = "still_set_on_chain"
        delegation.save()
        _record(delegation, row, "revoke_without_effect", actor, describe_reading(reading))
        return
    for other in _active_rows(delegation).exclude(pk=delegation.pk):
        _revoke(other, reading, "removed_on_chain")
        _record(other, row, "revoked_on_chain", actor, describe_reading(reading))
    _revoke(delegation, reading, "" if reading.delegate is None else "replaced_on_chain")
    _record(delegation, row, "revoked", actor, describe_reading(reading))


def _fail(delegation: Delegation, row: SafeTransaction, reading: Reading, reason: str, actor: str) -> None:
    """The approval ran and yet the row may not trade. An ACTIVE row is left to the watcher, which reads again."""
    if delegation.status == Status.PENDING:
        delegation.status = Status.FAILED
    delegation.last_error = reason
    delegation.save()
    _record(delegation, row, "approve_without_effect", actor, describe_reading(reading) | {"reason": reason})


def _revoke(delegation: Delegation, reading: Reading, reason: str) -> None:
    """End a row, and its grant unless that is another row's by now."""
    was_active = delegation.status == Status.ACTIVE
    delegation.status = Status.REVOKED
    delegation.last_error = reason
    _note(delegation, reading)
    delegation.save()
    if was_active:
        withdraw_grant(network=Network(delegation.network), trader=delegation.safe)


def _note(delegation: Delegation, reading: Reading) -> None:
    delegation.chain_block, delegation.doubted_block = reading.block, None
    delegation.chain_delegate = reading.delegate or ""
    delegation.checked_at = timezone.now()


def _lock_unfinished(safe_transaction_id: UUID, states: Collection[State]) -> SafeTransaction | None:
    """The locked row, unless it has left `states`; a STALE one may still turn out to have run."""
    row = SafeTransaction.objects.select_for_update().get(pk=safe_transaction_id)
    return row if row.state in states else None


def _lock_delegation(delegation: Delegation) -> Delegation:
    """The row itself, locked with its Safe's ACTIVE row and a twin that waits, so that two ends cannot cross."""
    own = Delegation.objects.filter(pk=delegation.pk)
    rows = (_active_rows(delegation) | _waiting_twins(delegation) | own).order_by("id")
    return next(row for row in rows.select_for_update() if row.pk == delegation.pk)


def _waiting_twins(delegation: Delegation) -> QuerySet[Delegation]:
    """The PENDING row of the same wish, of which a constraint allows one."""
    return Delegation.objects.filter(
        user_id=delegation.user_id,
        network=delegation.network,
        safe_address=delegation.safe_address,
        delegate_address=delegation.delegate_address,
        status=Status.PENDING,
    )


def _active_rows(delegation: Delegation) -> QuerySet[Delegation]:
    """The Safe's ACTIVE row, of which a constraint allows one."""
    return Delegation.objects.filter(
        network=delegation.network, safe_address=delegation.safe_address, status=Status.ACTIVE
    )


def _end_transaction(row: SafeTransaction, state: State, reason: str) -> None:
    row.state, row.last_error = state, reason
    row.save(update_fields=["state", "last_error", "outbound", "submitted_by", "updated_at"])


def _record(
    delegation: Delegation, row: SafeTransaction | None, what: str, actor: str, evidence: dict[str, object]
) -> None:
    record_event(delegation=delegation, what=what, actor=actor, evidence=evidence, safe_transaction=row)

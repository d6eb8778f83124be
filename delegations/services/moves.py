"""The moves of a delegation and its Safe transactions, each with its event and its grant in one transaction.

Lock order everywhere: the Safe transaction, the delegations of the Safe by id, then the grant.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from delegations.models import Delegation, SafeTransaction
from delegations.services.events import record_event
from ostium_service.types import Address, Network
from safeguards.services import grant_trading, withdraw_grant

Status = Delegation.Status
State = SafeTransaction.State
Kind = SafeTransaction.Kind


@dataclass(frozen=True, slots=True)
class Reading:
    """The venue's delegate of a Safe as of a block, and the transaction that is thought to have set it."""

    delegate: Address | None
    block: int
    tx_hash: str = ""


def finish_executed(*, safe_transaction_id: UUID, reading: Reading, actor: str) -> None:
    """The transaction ran on chain: end it, and let the delegation become what `reading` shows.

    An approval makes the row ACTIVE only if the chain names its delegate, and ends every other ACTIVE row of the Safe,
    since the venue keeps one delegate; a revocation makes it REVOKED only if the chain no longer names it. Repeating it
    changes nothing.
    """
    with transaction.atomic():
        row = _lock_submitted(safe_transaction_id)
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        _end_transaction(row, State.EXECUTED, "")
        if row.kind == Kind.REVOKE:
            delegation.revoke_tx_hash = reading.tx_hash or delegation.revoke_tx_hash
            _finish_revocation(delegation, row, reading, actor)
        else:
            delegation.approval_tx_hash = reading.tx_hash or delegation.approval_tx_hash
            _finish_approval(delegation, row, reading, actor)


def finish_failed(*, safe_transaction_id: UUID, state: State, reason: str, actor: str) -> None:
    """The transaction did not run and never will as it stands: FAILED or STALE, with a stable `reason`.

    A delegation that waited for it fails with it, unless only its nonce was taken and preparing again helps; a live one
    stays what it is. Repeating it changes nothing.
    """
    with transaction.atomic():
        row = _lock_submitted(safe_transaction_id)
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        _end_transaction(row, state, reason)
        delegation.last_error = reason
        if state == State.FAILED and delegation.status == Status.PENDING and row.kind == Kind.APPROVE:
            delegation.status = Status.FAILED
        delegation.save()
        _record(delegation, row, f"{row.kind}_{state}", actor, {"reason": reason})


def reopen_unsent(*, safe_transaction_id: UUID, actor: str) -> None:
    """The relay never sent it: the Safe has not moved, and the owners' signatures may be used again."""
    with transaction.atomic():
        row = _lock_submitted(safe_transaction_id)
        if row is None:
            return
        delegation = _lock_delegation(row.delegation)
        _record(delegation, row, f"{row.kind}_unsent", actor, {"outbound": str(row.outbound_id)})
        row.outbound, row.submitted_by = None, ""
        _end_transaction(row, State.PREPARED, "execution_expired")


def end_active(*, delegation_id: UUID, reading: Reading, actor: str) -> None:
    """Mark an ACTIVE row REVOKED because the chain names another delegate or none.

    Only a read of a later block than the one that made it ACTIVE counts: nodes behind a load balancer lag.
    """
    with transaction.atomic():
        delegation = Delegation.objects.select_for_update().get(pk=delegation_id)
        outdated = delegation.chain_block is not None and reading.block <= delegation.chain_block
        if delegation.status != Status.ACTIVE or reading.delegate == delegation.delegate or outdated:
            return
        _revoke(delegation, reading, "removed_on_chain" if reading.delegate is None else "replaced_on_chain")
        _record(delegation, None, "revoked_on_chain", actor, _evidence(reading))


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
        _record(other, row, "superseded", actor, _evidence(reading))
    grant = grant_trading(network=Network(delegation.network), trader=delegation.safe, delegate=delegation.delegate)
    delegation.status = Status.ACTIVE
    delegation.suspended = grant.suspended
    delegation.approval = row
    delegation.chain_block = reading.block
    delegation.last_error = ""
    delegation.save()
    _record(delegation, row, "activated", actor, _evidence(reading))


def _finish_revocation(delegation: Delegation, row: SafeTransaction, reading: Reading, actor: str) -> None:
    if reading.delegate == delegation.delegate:
        delegation.last_error = "still_set_on_chain"
        delegation.save()
        _record(delegation, row, "revoke_without_effect", actor, _evidence(reading))
        return
    for other in _active_rows(delegation).exclude(pk=delegation.pk):
        _revoke(other, reading, "removed_on_chain")
        _record(other, row, "revoked_on_chain", actor, _evidence(reading))
    _revoke(delegation, reading, "" if reading.delegate is None else "replaced_on_chain")
    _record(delegation, row, "revoked", actor, _evidence(reading))


def _fail(delegation: Delegation, row: SafeTransaction, reading: Reading, reason: str, actor: str) -> None:
    """The approval ran and yet the row may not trade. An ACTIVE row is left to the watcher, which reads again."""
    if delegation.status == Status.PENDING:
        delegation.status = Status.FAILED
    delegation.last_error = reason
    delegation.save()
    _record(delegation, row, "approve_without_effect", actor, _evidence(reading) | {"reason": reason})


def _revoke(delegation: Delegation, reading: Reading, reason: str) -> None:
    """End a row, and its grant unless that is another row's by now."""
    was_active = delegation.status == Status.ACTIVE
    delegation.status = Status.REVOKED
    delegation.last_error = reason
    delegation.chain_block = reading.block
    delegation.save()
    if was_active:
        withdraw_grant(network=Network(delegation.network), trader=delegation.safe)


def _lock_submitted(safe_transaction_id: UUID) -> SafeTransaction | None:
    row = SafeTransaction.objects.select_for_update().get(pk=safe_transaction_id)
    return row if row.state == State.SUBMITTED else None


def _lock_delegation(delegation: Delegation) -> Delegation:
    """The row itself, locked together with its Safe's ACTIVE row so that two ends cannot cross."""
    rows = (_active_rows(delegation) | Delegation.objects.filter(pk=delegation.pk)).order_by("id")
    return next(row for row in rows.select_for_update() if row.pk == delegation.pk)


def _active_rows(delegation: Delegation) -> QuerySet[Delegation]:
    """The Safe's ACTIVE row, of which a constraint allows one."""
    return Delegation.objects.filter(
        network=delegation.network, safe_address=delegation.safe_address, status=Status.ACTIVE
    )


def _end_transaction(row: SafeTransaction, state: State, reason: str) -> None:
    row.state, row.last_error = state, reason
    row.save(update_fields=["state", "last_error", "outbound", "submitted_by", "updated_at"])


def _evidence(reading: Reading) -> dict[str, object]:
    return {"delegate": reading.delegate, "block": reading.block, "txHash": reading.tx_hash}


def _record(
    delegation: Delegation, row: SafeTransaction | None, what: str, actor: str, evidence: dict[str, object]
) -> None:
    record_event(delegation=delegation, what=what, actor=actor, evidence=evidence, safe_transaction=row)

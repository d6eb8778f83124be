"""Prepared transactions that nobody executed in time."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from delegations.models import SafeTransaction
from delegations.services.events import record_event

State = SafeTransaction.State

BATCH = 200
"""Rows ended in one run of the sweep; the rest follow with the next."""


def expire_prepared(*, actor: str) -> int:
    """End what expired without having been sent; how many there were."""
    due = SafeTransaction.objects.filter(state=State.PREPARED, expires_at__lte=timezone.now())
    found = list(due.order_by("expires_at").values_list("pk", flat=True)[:BATCH])
    for safe_transaction_id in found:
        end_expired(safe_transaction_id=safe_transaction_id, actor=actor)
    return len(found)


def end_expired(*, safe_transaction_id: UUID, actor: str) -> None:
    """Void the signatures of a transaction that is past its time; one that was sent or has ended is left alone."""
    with transaction.atomic():
        rows = SafeTransaction.objects.select_for_update(of=("self",)).select_related("delegation")
        row = rows.get(pk=safe_transaction_id)
        if row.state != State.PREPARED:
            return
        collected = row.confirmations.count()
        row.confirmations.all().delete()
        row.state, row.last_error = State.STALE, "expired"
        row.save(update_fields=["state", "last_error", "updated_at"])
        record_event(
            delegation=row.delegation,
            what=f"{row.kind}_expired",
            actor=actor,
            evidence={"signaturesVoid": collected},
            safe_transaction=row,
        )

"""The moves a transaction may make, enforced in one place."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction as database
from django.utils import timezone

from relay.models import OutboundTransaction, TransactionEvent

State = OutboundTransaction.State

MOVES: Mapping[str, frozenset[str]] = {
    State.SIGNED: frozenset(
        {State.SENT, State.UNKNOWN, State.MINED, State.REVERTED, State.EXPIRED, State.REPLACED},
    ),
    State.UNKNOWN: frozenset({State.SENT, State.MINED, State.REVERTED, State.EXPIRED, State.REPLACED}),
    State.SENT: frozenset({State.MINED, State.REVERTED, State.EXPIRED, State.REPLACED}),
    State.MINED: frozenset(),
    State.REVERTED: frozenset(),
    State.EXPIRED: frozenset(),
    State.REPLACED: frozenset(),
}


def move(
    *, transaction: OutboundTransaction, to: str, reason: str, evidence: Mapping[str, Any] | None = None, **fields: Any
) -> OutboundTransaction:
    """Move the row to `to` and write the event, under the row's lock.

    Several processes follow the same row, so a move that another one has made already, or that the row's present
    state does not allow, changes nothing: the stored row is returned as it is.
    """
    with database.atomic():
        row = OutboundTransaction.objects.select_for_update().select_related("signer").get(pk=transaction.pk)
        if to not in MOVES[row.state]:
            return row
        TransactionEvent.objects.create(
            transaction=row, from_state=row.state, to_state=to, reason=reason, evidence=dict(evidence or {})
        )
        row.state = to
        if row.is_final:
            fields["final_at"] = timezone.now()
        for name, value in fields.items():
            setattr(row, name, value)
        row.save(update_fields=["state", *fields])
        return row

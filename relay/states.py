"""The moves a transaction may make, enforced in one place."""

from collections.abc import Mapping
from typing import Any

from ostium_service.database import in_one_unit
from relay.clock import database_now
from relay.models import OutboundTransaction, TransactionEvent

State = OutboundTransaction.State

OUTCOMES = frozenset({State.MINED, State.REVERTED, State.EXPIRED, State.CANCELLED, State.REPLACED})

MOVES: Mapping[str, frozenset[str]] = {
    State.SIGNED: OUTCOMES | {State.SENT, State.UNKNOWN},
    State.UNKNOWN: OUTCOMES | {State.SENT},
    State.SENT: OUTCOMES,
    # Back to SENT or UNKNOWN only when the block that decided it has vanished, or a receipt has shown after all; either
    # has to be counted.
    State.MINED: frozenset({State.FINAL, State.SENT}),
    State.REVERTED: frozenset({State.SENT}),
    State.EXPIRED: frozenset({State.UNKNOWN}),
    State.CANCELLED: frozenset({State.UNKNOWN}),
    State.FINAL: frozenset(),
    State.REPLACED: frozenset({State.SENT}),
}
"""The database's trigger (migration 0005) refuses everything else too; a test compares the two."""


@in_one_unit
def move(
    *, transaction: OutboundTransaction, to: str, reason: str, evidence: Mapping[str, Any] | None = None, **fields: Any
) -> OutboundTransaction:
    """Move the row to `to` and write the event, under the row's lock.

    Several processes follow the same row, so a move that another one has made already, or that the row's present
    state does not allow, changes nothing: the stored row is returned as it is. A decided row goes back only with a
    higher `vanished`, so that a late "broadcast" does not undo what the chain has said meanwhile.
    """
    row = OutboundTransaction.objects.select_for_update(of=("self",)).select_related("signer").get(pk=transaction.pk)
    is_back = row.is_decided and to in OutboundTransaction.UNDECIDED
    if to not in MOVES[row.state] or (is_back and fields.get("vanished", 0) <= row.vanished):
        return row
    TransactionEvent.objects.create(
        transaction=row, from_state=row.state, to_state=to, reason=reason, evidence=dict(evidence or {})
    )
    row.state = to
    if to in OUTCOMES:
        fields["decided_at"] = database_now()
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=["state", *fields])
    return row

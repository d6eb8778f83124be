"""What a reading of the chain does to an ACTIVE row: the first that contradicts it stops trading, a later one ends it.

One answer may be a lagging node's, and an end is for ever. Lock order as in `moves`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from delegations.models import Delegation
from delegations.selectors import DOUBT
from delegations.services.events import record_events
from delegations.services.moves import Reading, describe_reading
from ostium_service.types import Network
from safeguards.services import grant_trading, withdraw_grants

Status = Delegation.Status
QUIET = timedelta(seconds=2)


def weigh_readings(*, readings: Mapping[UUID, Reading], actor: str) -> list[Delegation]:
    """Judge ACTIVE rows by one reading each, in a few statements; the rows that are in doubt afterwards.

    The first reading that names another delegate or none withdraws the grant; a second one, of a later block, makes the
    row REVOKED. One of a later block that names the row's delegate gives the grant back, a suspension aside. A reading
    that is no later than the one that decided last changes nothing: nodes behind a load balancer lag.
    """
    with transaction.atomic():
        active = Delegation.objects.filter(pk__in=list(readings), status=Status.ACTIVE)
        in_doubt, verdicts = [], defaultdict[str, list[Delegation]](list)
        for row in active.order_by("id").select_for_update():
            verdict = _judge(row, readings[row.pk])
            verdicts[verdict].append(row)
            if verdict == "doubt" or (not verdict and row.doubted_block is not None):
                in_doubt.append(row)
        _doubt_all(verdicts["doubt"], readings, actor)
        _revoke_all(verdicts["end"], readings, actor)
        _restore_all(verdicts["restore"], readings, actor)
    return in_doubt


def _judge(row: Delegation, reading: Reading) -> str:
    """`doubt`, `end`, `restore`, or nothing."""
    if row.chain_block is not None and reading.block <= row.chain_block:
        return ""
    is_doubted = row.doubted_block is not None
    if row.doubted_block is not None and not _is_later(row, reading, row.doubted_block):
        return ""
    if reading.delegate == row.delegate:
        return "restore" if is_doubted else ""
    return "end" if is_doubted else "doubt"


def _is_later(row: Delegation, reading: Reading, doubted: int) -> bool:
    """A later block, or the same one a while later: a quiet chain makes none."""
    waited = row.checked_at is not None and timezone.now() - row.checked_at >= QUIET
    return reading.block > doubted or (reading.block == doubted and waited)


def _doubt_all(rows: Sequence[Delegation], readings: Mapping[UUID, Reading], actor: str) -> None:
    for reading, part in _by_reading(rows, readings).items():
        _update(part, reading, doubted_block=reading.block, last_error=DOUBT)
        for row in part:
            row.doubted_block = reading.block
    _withdraw(rows)
    _record("contradicted_on_chain", rows, readings, actor)


def _revoke_all(rows: Sequence[Delegation], readings: Mapping[UUID, Reading], actor: str) -> None:
    for reading, part in _by_reading(rows, readings).items():
        reason = "removed_on_chain" if reading.delegate is None else "replaced_on_chain"
        end = {"status": Status.REVOKED, "last_error": reason, "chain_block": reading.block, "doubted_block": None}
        _update(part, reading, **end)
    _withdraw(rows)
    _record("revoked_on_chain", rows, readings, actor)


def _restore_all(rows: Sequence[Delegation], readings: Mapping[UUID, Reading], actor: str) -> None:
    # What went wrong with a Safe transaction meanwhile stays said.
    last_error = Case(When(last_error=DOUBT, then=Value("")), default=F("last_error"))
    for reading, part in _by_reading(rows, readings).items():
        _update(part, reading, chain_block=reading.block, doubted_block=None, last_error=last_error)
    for row in rows:
        grant_trading(network=Network(row.network), trader=row.safe, delegate=row.delegate)
    _record("confirmed_on_chain", rows, readings, actor)


def _by_reading(rows: Sequence[Delegation], readings: Mapping[UUID, Reading]) -> dict[Reading, list[Delegation]]:
    found = defaultdict[Reading, list[Delegation]](list)
    for row in rows:
        found[readings[row.pk]].append(row)
    return found


def _update(rows: Sequence[Delegation], reading: Reading, **columns: object) -> None:
    now = timezone.now()
    Delegation.objects.filter(pk__in=[row.pk for row in rows]).update(
        chain_delegate=reading.delegate or "", checked_at=now, updated_at=now, **columns
    )


def _withdraw(rows: Sequence[Delegation]) -> None:
    for network in Network:
        safes = [row.safe for row in rows if row.network == network]
        if safes:
            withdraw_grants(network=network, traders=safes)


def _record(what: str, rows: Sequence[Delegation], readings: Mapping[UUID, Reading], actor: str) -> None:
    if rows:
        record_events(what=what, actor=actor, evidence={row: describe_reading(readings[row.pk]) for row in rows})

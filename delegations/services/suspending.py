"""Stopping the use of a key at once, without a signature, and letting it go on by a second person's word.

A suspension is of the Safe, not of one row: the grant that the signing gate reads holds it, and every row of the Safe
shows it, so that neither a new approval nor another delegate escapes it. Lock order as in `moves`.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from delegations.models import Delegation
from delegations.services.events import record_events
from ostium_service.types import Address, Network
from safeguards.services import resume_grant, suspend_grants

SUSPENSION = ["suspended", "suspended_by", "suspended_at", "suspend_reason", "updated_at"]


class SecondPersonRequired(Exception):
    """Who suspended a delegation may not be the one who resumes it."""


def suspend_delegation(*, delegation_id: UUID, actor: str, reason: str) -> Delegation:
    """Refuse every further signature for the delegation's Safe, in every process, from the commit on.

    Suspending what is suspended changes nothing: the first person and reason stay. `actor` is the person, in one
    spelling everywhere. ValueError without an actor or a reason.
    """
    suspend_delegations(rows=Delegation.objects.filter(pk=delegation_id), actor=actor, reason=reason)
    return Delegation.objects.select_related("approval").get(pk=delegation_id)


def suspend_delegations(*, rows: QuerySet[Delegation], actor: str, reason: str) -> int:
    """The same for all of `rows` and the other rows of their Safes, in one transaction and a handful of statements.

    The answer is how many rows became suspended; each gets an event. ValueError without an actor or a reason.
    """
    _require_words(actor, reason)
    wanted = rows.order_by().filter(network=OuterRef("network"), safe_address=OuterRef("safe_address"))
    with transaction.atomic():
        same_safes = Delegation.objects.filter(Exists(wanted.values("pk")), suspended=False)
        found = list(same_safes.order_by("id").select_for_update(of=("self",)))
        now = timezone.now()
        Delegation.objects.filter(pk__in=[row.pk for row in found]).update(
            suspended=True, suspended_by=actor, suspended_at=now, suspend_reason=reason, updated_at=now
        )
        for network in Network:
            safes = [row.safe for row in found if row.network == network]
            if safes:
                suspend_grants(network=network, traders=safes)
        record_events(what="suspended", actor=actor, evidence={row: {"reason": reason} for row in found})
        return len(found)


def resume_delegation(*, delegation_id: UUID, actor: str, reason: str) -> Delegation:
    """Lift the suspension of the delegation's Safe; a delegation that has ended meanwhile stays ended.

    SecondPersonRequired when `actor` suspended any row of the Safe. Resuming what is not suspended changes nothing.
    ValueError without an actor or a reason.
    """
    _require_words(actor, reason)
    with transaction.atomic():
        wanted = Delegation.objects.get(pk=delegation_id)
        rows = Delegation.objects.filter(network=wanted.network, safe_address=wanted.safe_address, suspended=True)
        found = list(rows.order_by("id").select_for_update())
        if any(_is_same_person(row.suspended_by, actor) for row in found):
            raise SecondPersonRequired
        evidence: dict[str, object] = {"reason": reason, "suspendedBy": sorted({row.suspended_by for row in found})}
        rows.update(suspended=False, suspended_by="", suspended_at=None, suspend_reason="", updated_at=timezone.now())
        resume_grant(network=Network(wanted.network), trader=Address(wanted.safe_address))
        record_events(what="resumed", actor=actor, evidence=dict.fromkeys(found, evidence))
    return Delegation.objects.select_related("approval").get(pk=delegation_id)


def suspended_row(*, network: str, safe_address: str) -> Delegation | None:
    """A suspended row of the Safe, whose suspension a row that joins it takes over."""
    return Delegation.objects.filter(network=network, safe_address=safe_address, suspended=True).first()


def take_over_suspension(*, delegation: Delegation, source: Delegation) -> None:
    """Give `delegation` the suspension of another row of its Safe; the caller saves it."""
    for name in SUSPENSION[:-1]:
        setattr(delegation, name, getattr(source, name))


def _require_words(actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise ValueError("a suspension names its actor and its reason")


def _is_same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()

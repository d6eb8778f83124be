"""The finer word beside a delegation's status, as one condition a stage, so that lists, filters and counts agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Now

from delegations.models import Confirmation, Delegation, SafeTransaction

Status = Delegation.Status

SUPERSEDED: Final = ("superseded", "replaced_on_chain")
"""Why a row ended because another delegate took the Safe's one place."""

STAGES: Final = (
    *("drafted", "awaiting_signatures", "submitted", "active", "superseded", "revoking", "revoked", "expired"),
    "failed",
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The finer word beside a status, and how many signatures its approval has collected."""

    name: str
    collected: int


def annotate_stage(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    """Add `stage`, and `signatures`: how many the approval has collected.

    Costs two lookups a row: for a page of rows, not for a table. `filter_stage` and `count_stages` are for tables.
    """
    collected = (
        Confirmation.objects.filter(safe_transaction=OuterRef("approval_id"))
        .order_by()
        .values("safe_transaction")
        .annotate(number=Count("id"))
        .values("number")
    )
    return rows.annotate(signatures=Coalesce(Subquery(collected), 0), stage=_name_stage())


def filter_stage(rows: QuerySet[Delegation], stage: str) -> QuerySet[Delegation]:
    """The rows that `annotate_stage` calls `stage`, by conditions that indexes answer; none for an unknown word."""
    condition = _conditions().get(stage)
    return rows.none() if condition is None else rows.filter(condition)


def count_stages() -> list[tuple[str, int]]:
    """How many delegations are in each stage, the most first; a stage nobody is in is left out.

    Three statements, of which only the one about PENDING rows looks at more than the rows themselves.
    """
    rows = Delegation.objects.order_by()
    groups = rows.values("status").annotate(n=Count("id"), superseded=Count("id", filter=Q(last_error__in=SUPERSEDED)))
    totals = {group["status"]: (group["n"], group["superseded"]) for group in groups}
    active, revoked, failed = (totals.get(status, (0, 0)) for status in (Status.ACTIVE, Status.REVOKED, Status.FAILED))
    revoking = filter_stage(rows, "revoking").count()
    pending = rows.filter(status=Status.PENDING).annotate(stage=_name_stage()).values_list("stage")
    counts = dict(pending.annotate(n=Count("id"))) | {
        "active": active[0] - revoking,
        "revoking": revoking,
        "superseded": revoked[1],
        "revoked": revoked[0] - revoked[1],
        "failed": failed[0],
    }
    return sorted(((stage, n) for stage, n in counts.items() if n), key=lambda item: (-item[1], item[0]))


def read_stage(delegation: Delegation) -> Stage:
    """The stage of one row, as `annotate_stage` finds it."""
    rows: QuerySet[Any] = annotate_stage(Delegation.objects.filter(pk=delegation.pk))
    name, collected = rows.values_list("stage", "signatures").get()
    return Stage(name, collected)


def _name_stage() -> Case:
    cases = [When(condition, then=Value(stage)) for stage, condition in _conditions().items()]
    return Case(*cases, default=Value("drafted"), output_field=CharField())


def _conditions() -> Mapping[str, Q]:
    """Every row fits exactly one of them, so each may be used without the others."""
    states = SafeTransaction.State
    revoking = Exists(
        SafeTransaction.objects.filter(
            delegation=OuterRef("pk"), kind=SafeTransaction.Kind.REVOKE, state=states.SUBMITTED
        )
    )
    signed = Exists(Confirmation.objects.filter(safe_transaction=OuterRef("approval_id")))
    is_submitted = Q(approval__state=states.SUBMITTED)
    is_over = Q(approval__state=states.STALE) | Q(approval__expires_at__lte=Now())
    is_waiting = Q(status=Status.PENDING) & ~is_submitted & ~is_over
    return {
        # The status first: where the condition names the stage of a row, the subquery then runs for few.
        "active": Q(status=Status.ACTIVE) & Q(~revoking),
        "revoking": Q(status=Status.ACTIVE) & Q(revoking),
        "superseded": Q(status=Status.REVOKED, last_error__in=SUPERSEDED),
        "revoked": Q(status=Status.REVOKED) & ~Q(last_error__in=SUPERSEDED),
        "failed": Q(status=Status.FAILED),
        "submitted": Q(status=Status.PENDING) & is_submitted,
        "expired": Q(status=Status.PENDING) & ~is_submitted & is_over,
        "awaiting_signatures": is_waiting & Q(signed),
        "drafted": is_waiting & Q(~signed),
    }

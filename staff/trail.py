"""What `manage.py doctor` asks of the audit trail: whether every tracked row is as its newest change says.

Triggers write the trail, and it refuses UPDATE and DELETE; whoever owns the tables can switch both off. What was done
meanwhile to a row, or to the end of its trail, shows here. A change removed from the middle of a trail does not.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Exists, Model, OuterRef, Subquery

from delegations.models import Delegation, SafeTransaction
from ostium_service.doctor import Finding, Verdict
from positions.models import PerpsExecution
from relay.models import Signer
from safeguards.models import Grant

TRACKED: tuple[tuple[type[Model], str], ...] = (
    (Delegation, "DelegationChange"),
    (SafeTransaction, "SafeTransactionChange"),
    (Signer, "SignerChange"),
    (Grant, "GrantChange"),
    (PerpsExecution, "ExecutionChange"),
)
NAMED = 20
"""At most so many rows of a kind are named."""


def examine_trail() -> Iterator[Finding]:
    """One finding: the rows that differ from their newest change, have none, or are gone without one."""
    found = {model._meta.label: _find_untold(model, apps.get_model("staff", name)) for model, name in TRACKED}  # noqa: SLF001
    untold = {label: keys for label, keys in found.items() if keys}
    yield Finding(
        "audit_trail", Verdict.FAILED if untold else Verdict.OK, "changed_past_the_trail" if untold else "", untold
    )


def _find_untold(model: type[Model], trail: type[Model]) -> list[str]:
    live, changes = model._default_manager, trail._default_manager  # noqa: SLF001
    names = [field.name for field in trail._meta.concrete_fields if not field.name.startswith("pgh_")]  # noqa: SLF001
    newest = changes.filter(pgh_obj_id=OuterRef("pk")).order_by("-pgh_id").values("pgh_id")[:1]
    same = changes.filter(pgh_id=OuterRef("newest"), **{name: OuterRef(name) for name in names})
    changed = live.annotate(newest=Subquery(newest)).filter(~Exists(same.exclude(pgh_label="delete")))
    later = changes.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__gt=OuterRef("pgh_id"))
    last = changes.filter(~Exists(later)).exclude(pgh_label="delete")
    gone = last.exclude(pgh_obj_id__in=live.order_by().values("pk")).values_list("pgh_obj_id", flat=True)
    keys = [*changed.order_by("pk").values_list("pk", flat=True)[:NAMED], *gone.order_by("pgh_id")[:NAMED]]
    return [str(key) for key in keys][:NAMED]

"""The audit trail: every change of a tracked row, however it was made, with the person where one was at a page."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from unfold.decorators import display

from ostium_service.admin_base import ReadOnlyAdmin

TRAILS = (
    *("DelegationChange", "SafeTransactionChange", "GrantChange", "SignerChange", "ExecutionChange"),
    *("PersonChange", "GroupChange", "MembershipChange", "PersonPermissionChange", "GroupPermissionChange"),
)


class ChangeAdmin(ReadOnlyAdmin):
    """One trail; the database refuses to change or delete its rows."""

    list_select_related = ("pgh_context",)
    list_filter = ("pgh_label", "pgh_created_at")
    ordering = ("-pgh_id",)

    @display(description="When", ordering="pgh_created_at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When the database saw it."""
        return row.pgh_created_at

    @display(description="What")  # type: ignore[untyped-decorator]
    def show_kind(self, row: Any) -> str:
        """Insert, update or delete; the columns are as they were afterwards."""
        return str(row.pgh_label)

    @display(description="Who")  # type: ignore[untyped-decorator]
    def show_person(self, row: Any) -> str:
        """The person at a staff page, else the service itself or somebody at the database."""
        context = row.pgh_context.metadata if row.pgh_context else {}
        return str(context.get("person") or "service or SQL")


def register() -> None:
    """A list for each trail, with its own columns."""
    for name in TRAILS:
        model: type[Model] = apps.get_model("staff", name)
        columns = [field.name for field in model._meta.concrete_fields]  # noqa: SLF001
        own = [column for column in columns if not column.startswith("pgh_") and column != "safe_tx_data"][:7]
        made = type(f"{name}Admin", (ChangeAdmin,), {"list_display": ("show_time", "show_kind", "show_person", *own)})
        admin.site.register(model, made)

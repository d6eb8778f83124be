"""The audit trail: every change of a tracked row, however it was made, with the person where one was at a page."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from ostium_service.admin_base import ReadOnlyAdmin
from ostium_service.admin_cells import badge, moment, shorten
from staff.pages import show_change

TRAILS = (
    *("DelegationChange", "SafeTransactionChange", "GrantChange", "SignerChange", "ExecutionChange"),
    *("PersonChange", "GroupChange", "MembershipChange", "PersonPermissionChange", "GroupPermissionChange"),
)
SEARCHED = ("safe_address", "user_id", "trader", "trader_address", "address", "safe_tx_hash", "tx_hash", "username")
NAMING = (*SEARCHED, "name", "idempotency_key")
SHOWN_DIFFERENCES = 4


class ChangeAdmin(ReadOnlyAdmin):
    """One trail; the database refuses to change or delete its rows."""

    list_display = ("show_time", "show_kind", "show_person", "show_row", "show_difference")
    list_select_related = ("pgh_context",)
    list_filter = ("pgh_label", "pgh_created_at")
    ordering = ("-pgh_id",)

    def decorate(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Each with the number of the change before it of the same row."""
        if not _has_row(self.model):
            return rows
        manager = self.model._default_manager  # noqa: SLF001
        earlier = manager.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__lt=OuterRef("pgh_id"))
        annotated: QuerySet[Any] = rows.annotate(before_id=Subquery(earlier.order_by("-pgh_id").values("pgh_id")[:1]))
        return annotated

    def finish_page(self, rows: list[Any]) -> None:
        """Give each row of the page the state before it, in one statement."""
        wanted = [row.before_id for row in rows if getattr(row, "before_id", None)]
        before = self.model._default_manager.in_bulk(wanted) if wanted else {}  # noqa: SLF001
        for row in rows:
            row.before = before.get(getattr(row, "before_id", None))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """The person, or what names the row, letter by letter."""
        if not search_term:
            return queryset, False
        names = {field.name for field in self.model._meta.concrete_fields}  # noqa: SLF001
        found = Q(pgh_context__metadata__person=search_term)
        for name in (name for name in SEARCHED if name in names):
            found |= Q(**{name: search_term})
        return queryset.filter(found), False

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """What changed, in words."""
        self.refuse_changes(request)
        rows = self.decorate(self.get_queryset(request)).select_related("pgh_context")
        row = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        if row is not None:
            self.finish_page([row])
        return show_change(request, row, differences=_compare(row) if row else [])

    @display(description="When (UTC)", ordering="pgh_created_at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When the database saw it."""
        return moment(row.pgh_created_at)

    @display(description="What")  # type: ignore[untyped-decorator]
    def show_kind(self, row: Any) -> Any:
        """Insert, update or delete."""
        return badge(str(row.pgh_label))

    @display(description="Who")  # type: ignore[untyped-decorator]
    def show_person(self, row: Any) -> str:
        """The person at a staff page or a command, else the service itself or somebody at the database."""
        context = row.pgh_context.metadata if row.pgh_context else {}
        return str(context.get("person") or "service or SQL")

    @display(description="Row")  # type: ignore[untyped-decorator]
    def show_row(self, row: Any) -> Any:
        """What names the row."""
        name = next((str(getattr(row, name)) for name in NAMING if getattr(row, name, None)), "")
        return shorten(name or f"{_row_id(row)}", head=14)

    @display(description="Changed")  # type: ignore[untyped-decorator]
    def show_difference(self, row: Any) -> Any:
        """What is different from the state before."""
        if row.pgh_label == "insert":
            return "first state"
        found = _compare(row)
        shown = format_html_join(
            "", "<div>{}: {} → <b>{}</b></div>", [_short(*item) for item in found[:SHOWN_DIFFERENCES]]
        )
        rest = len(found) - SHOWN_DIFFERENCES
        return format_html('{}<div class="st-quiet">and {} more</div>', shown, rest) if rest > 0 else shown or "-"


def _compare(row: Any) -> list[tuple[str, str, str]]:
    """(column, before, after) of every column that differs from the row's state before; empty values stay out."""
    before = getattr(row, "before", None)
    names = [field.attname for field in row._meta.concrete_fields if not field.name.startswith("pgh_")]  # noqa: SLF001
    pairs = [(name, getattr(before, name, None), getattr(row, name)) for name in names if name != "id"]
    return [(name.replace("_", " "), _word(old), _word(new)) for name, old, new in pairs if (old or new) and old != new]


def _word(value: Any) -> str:
    if value in (None, ""):
        return "nothing"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _short(name: str, old: str, new: str) -> tuple[str, Any, Any]:
    return name, shorten(old), shorten(new)


def _row_id(row: Any) -> Any:
    return getattr(row, "pgh_obj_id", None) or getattr(row, "id", "")


def _has_row(model: type[Model]) -> bool:
    return any(field.name == "pgh_obj" for field in model._meta.concrete_fields)  # noqa: SLF001


def register() -> None:
    """A list for each trail."""
    for name in TRAILS:
        model: type[Model] = apps.get_model("staff", name)
        fields = {field.name for field in model._meta.concrete_fields}  # noqa: SLF001
        searched = tuple(f"={field}" for field in SEARCHED if field in fields) or ("=pgh_context__metadata__person",)
        words = {"search_fields": searched, "search_help_text": "Person, Safe, user, address or hash, whole"}
        admin.site.register(model, type(f"{name}Admin", (ChangeAdmin,), words))

"""The lists staff works with. The pages behind them are in `pages.py`, people in `people.py`."""

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import display

from delegations.models import Delegation
from delegations.selectors import annotate_stage
from ostium_service.admin_base import ReadOnlyAdmin
from positions.models import PerpsExecution
from staff import changes, pages, people, retiring
from staff.export import stream_rows
from staff.filters import DriftFilter, StageFilter, UnfinishedFilter
from staff.searching import find_delegations
from staff.templatetags.staff_words import ago, shorten

# Second factors are made and replaced by a command, which shows a secret once; no page shows one.
for model in (TOTPDevice, AccessAttempt, AccessFailureLog, AccessLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

people.register()
changes.register()
retiring.register()

STAGE_COLOURS = {
    "active": "success",
    "awaiting_signatures": "info",
    "submitted": "info",
    "revoking": "warning",
    "superseded": "danger",
    "failed": "danger",
    "expired": "warning",
}
STATE_COLOURS = {
    "SETTLED": "success",
    "REJECTED": "warning",
    "REVERTED": "danger",
    "CANCELLED": "danger",
    "EXPIRED": "danger",
    "RECEIVED": "info",
    "SIGNED": "info",
    "SENT": "info",
    "MINED": "info",
}


class ExportingAdmin(ReadOnlyAdmin):
    """A list that can be had as CSV, as it is filtered now."""

    change_list_template = "staff/change_list.html"
    export_columns: tuple[str, ...] = ()

    def get_urls(self) -> list[URLPattern]:
        """The export beside the list."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        own = [path("export.csv", self.admin_site.admin_view(self.export), name=name)]
        return [*own, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The rows of the list under the same search and filters."""
        if not request.user.has_perm("staff.export_rows") or not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request)
        return stream_rows(rows=rows, columns=self.export_columns, name=str(self.opts.model_name))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with the way to its export for those who may."""
        may_export = request.user.has_perm("staff.export_rows")
        return super().changelist_view(request, {"may_export": may_export, **(extra_context or {})})


@admin.register(Delegation)
class DelegationAdmin(ExportingAdmin):
    """Who may trade for whom."""

    list_display = (
        *("show_safe", "show_stage", "show_suspended", "user_id", "show_delegate", "network"),
        *("last_error", "show_checked", "created_at"),
    )
    list_filter = ("network", StageFilter, DriftFilter, "suspended")
    search_fields = ("user_id",)
    search_help_text = "User, Safe, delegate, transaction hash, safeTxHash or id"
    ordering = ("-created_at",)
    export_columns = (
        *("id", "network", "safe_address", "delegate_address", "user_id", "status", "stage", "suspended"),
        *("suspend_reason", "last_error", "approval_tx_hash", "revoke_tx_hash", "created_at", "updated_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows with their stage."""
        return annotate_stage(super().get_queryset(request))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Exact matches by index instead of a scan over every column."""
        return find_delegations(queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        """The actions of one delegation, each with its confirmation page."""
        view = self.admin_site.admin_view(pages.confirm_action)
        return [path("<uuid:delegation_id>/<slug:name>/do/", view, name="delegation_action"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Our own page instead of a form."""
        _refuse_changes(request)
        return pages.show_delegation(request, object_id)

    @display(description="Safe", ordering="safe_address")  # type: ignore[untyped-decorator]
    def show_safe(self, row: Any) -> str:
        """The whole address stands in the tooltip and on the page."""
        return shorten(row.safe_address)

    @display(description="Delegate", ordering="delegate_address")  # type: ignore[untyped-decorator]
    def show_delegate(self, row: Any) -> str:
        """In the same short form."""
        return shorten(row.delegate_address)

    @display(description="Chain read", ordering="checked_at")  # type: ignore[untyped-decorator]
    def show_checked(self, row: Any) -> str:
        """How long ago."""
        return ago(row.checked_at)

    @display(description="Stage", label=STAGE_COLOURS)  # type: ignore[untyped-decorator]
    def show_stage(self, row: Any) -> tuple[str, str]:
        """The finer word beside the status."""
        return row.stage, row.stage.replace("_", " ")

    @display(description="Suspended", label={"suspended": "danger"})  # type: ignore[untyped-decorator]
    def show_suspended(self, row: Any) -> str:
        """Shown where it is so."""
        return "suspended" if row.suspended else ""


@admin.register(PerpsExecution)
class PerpsExecutionAdmin(ExportingAdmin):
    """One trading write each."""

    list_display = (
        "created_at",
        "operation",
        "show_state",
        "show_trader",
        "network",
        "error_code",
        "reason",
        "order_id",
    )
    list_filter = (UnfinishedFilter, "state", "operation", "network")
    search_fields = ("=trader_address", "=tx_hash", "=order_id", "=trade_id", "=idempotency_key", "=request_id", "=id")
    search_help_text = "Trader, hash, order, trade, idempotency key, request id or id"
    ordering = ("-created_at",)
    export_columns = (
        *("id", "created_at", "operation", "network", "trader_address", "state", "error_code", "reason"),
        *("tx_hash", "order_id", "trade_id", "idempotency_key", "request_id", "ended_at"),
    )

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The trade's story instead of a form."""
        _refuse_changes(request)
        return pages.show_trade(request, object_id)

    @display(description="Trader", ordering="trader_address")  # type: ignore[untyped-decorator]
    def show_trader(self, row: Any) -> str:
        """In the short form."""
        return shorten(row.trader_address)

    @display(description="State", label=STATE_COLOURS)  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> str:
        """Where it stands."""
        return str(row.state)


def _refuse_changes(request: HttpRequest) -> None:
    if request.method not in {"GET", "HEAD"}:
        raise PermissionDenied

"""The lists staff works with. The pages behind them are in `pages.py`, people in `people.py`."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html
from unfold.decorators import display

from delegations.models import Delegation
from delegations.selectors import is_contradicted
from delegations.stages import annotate_stage
from ostium_service.admin_base import ReadOnlyAdmin
from ostium_service.admin_cells import ago, badge, lasted, moment, shorten
from positions.models import PerpsExecution
from staff import changes, pages, people, signers, transactions
from staff.export import stream_rows
from staff.filters import DriftFilter, StageFilter, UnfinishedFilter
from staff.searching import find_delegations
from staff.trade_story import name_trade

people.register()
changes.register()
signers.register()
transactions.register()


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
        rows = self.decorate(self.get_changelist_instance(request).get_queryset(request))
        return stream_rows(rows=rows, columns=self.export_columns, name=str(self.opts.model_name))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with the way to its export for those who may."""
        may_export = request.user.has_perm("staff.export_rows")
        return super().changelist_view(request, {"may_export": may_export, **(extra_context or {})})


@admin.register(Delegation)
class DelegationAdmin(ExportingAdmin):
    """Who may trade for whom."""

    list_display = ("show_safe", "show_stage", "show_user", "show_delegate", "network", "show_chain", "show_created")
    list_filter = ("network", StageFilter, DriftFilter, "suspended")
    search_fields = ("user_id",)
    search_help_text = "User, Safe, delegate, transaction hash, safeTxHash or id"
    ordering = ("-created_at",)
    export_columns = (
        *("id", "network", "safe_address", "delegate_address", "user_id", "status", "stage", "suspended"),
        *("suspend_reason", "last_error", "approval_tx_hash", "revoke_tx_hash", "created_at", "updated_at"),
    )

    def decorate(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with their stage."""
        return annotate_stage(rows)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Exact matches by index instead of a scan over every column."""
        return find_delegations(queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        """The actions of one delegation, each with its confirmation page."""
        view = self.admin_site.admin_view(pages.confirm_action)
        return [path("<uuid:delegation_id>/<slug:name>/do/", view, name="delegation_action"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Our own page instead of a form."""
        self.refuse_changes(request)
        return pages.show_delegation(request, object_id)

    @display(description="Safe", ordering="safe_address")  # type: ignore[untyped-decorator]
    def show_safe(self, row: Any) -> Any:
        """The whole address stands in the tooltip and on the page."""
        return shorten(row.safe_address)

    @display(description="Stage")  # type: ignore[untyped-decorator]
    def show_stage(self, row: Any) -> Any:
        """The finer word beside the status, and the suspension beside it."""
        return format_html("{} {}", badge(row.stage), badge("suspended")) if row.suspended else badge(row.stage)

    @display(description="User", ordering="user_id")  # type: ignore[untyped-decorator]
    def show_user(self, row: Any) -> Any:
        """Callers choose these ids, some are long."""
        return format_html('<span class="st-moment">{}</span>', shorten(row.user_id, head=14, tail=4))

    @display(description="Delegate", ordering="delegate_address")  # type: ignore[untyped-decorator]
    def show_delegate(self, row: Any) -> Any:
        """In the same short form."""
        return shorten(row.delegate_address)

    @display(description="Chain", ordering="checked_at")  # type: ignore[untyped-decorator]
    def show_chain(self, row: Any) -> Any:
        """How long ago it was read, and whether it contradicted the row."""
        if is_contradicted(row):
            return format_html('{} <span class="st-quiet">{}</span>', badge("contradicted"), ago(row.checked_at))
        return f"read {ago(row.checked_at)}" if row.checked_at else "never read"

    @display(description="Created (UTC)", ordering="created_at")  # type: ignore[untyped-decorator]
    def show_created(self, row: Any) -> Any:
        """When the user wished for it."""
        return moment(row.created_at, to="minute")


@admin.register(PerpsExecution)
class PerpsExecutionAdmin(ExportingAdmin):
    """One trading write each."""

    list_display = ("show_time", "show_operation", "show_state", "show_reason", "show_trader", "network", "show_took")
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
        self.refuse_changes(request)
        return pages.show_trade(request, object_id)

    @display(description="Asked (UTC)", ordering="created_at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When the request was accepted."""
        return moment(row.created_at)

    @display(description="What", ordering="operation")  # type: ignore[untyped-decorator]
    def show_operation(self, row: Any) -> str:
        """The operation, and the market where the request names one."""
        return name_trade(row)

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> Any:
        """Where it stands."""
        return badge(row.state)

    @display(description="Why", ordering="error_code")  # type: ignore[untyped-decorator]
    def show_reason(self, row: Any) -> str:
        """The catalogue's code, or the oracle's reason."""
        return str(row.error_code or row.reason)

    @display(description="Trader", ordering="trader_address")  # type: ignore[untyped-decorator]
    def show_trader(self, row: Any) -> Any:
        """In the short form."""
        return shorten(row.trader_address)

    @display(description="Took")  # type: ignore[untyped-decorator]
    def show_took(self, row: Any) -> str:
        """From the request to its end."""
        return lasted(row.created_at, row.ended_at)

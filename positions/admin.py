"""The ledger's events, to look at. The executions themselves have a page of their own in `staff`."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from ostium_service.admin_base import ReadOnlyAdmin
from ostium_service.admin_cells import badge, moment, shorten
from positions.models import ExecutionEvent


@admin.register(ExecutionEvent)
class ExecutionEventAdmin(ReadOnlyAdmin):
    """The append-only story of every execution."""

    list_display = ("show_time", "show_state", "reason", "show_operation", "show_trader")
    list_filter = ("to_state",)
    search_fields = ("=execution__id", "=execution__trader_address")
    search_help_text = "Execution id or trader"
    list_select_related = ("execution",)
    ordering = ("-id",)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The trade's page, which tells the whole story with its evidence."""
        self.refuse_changes(request)
        row = ExecutionEvent.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        if row is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:positions_perpsexecution_change", args=[row.execution_id]))

    @display(description="When (UTC)", ordering="at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When it happened."""
        return moment(row.at)

    @display(description="State", ordering="to_state")  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> Any:
        """The state it came into."""
        return badge(row.to_state)

    @display(description="Operation")  # type: ignore[untyped-decorator]
    def show_operation(self, row: Any) -> str:
        """What had been asked for."""
        return str(row.execution.get_operation_display())

    @display(description="Trader")  # type: ignore[untyped-decorator]
    def show_trader(self, row: Any) -> Any:
        """Whose trade."""
        return shorten(row.execution.trader_address)

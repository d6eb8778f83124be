"""Executions, to look at."""

from django.contrib import admin

from ostium_service.admin_base import ReadOnlyAdmin
from positions.models import ExecutionEvent, PerpsExecution


class ExecutionEventInline(admin.TabularInline[ExecutionEvent, PerpsExecution]):
    """The story, oldest first."""

    model = ExecutionEvent
    fields = ("at", "from_state", "to_state", "reason", "evidence")
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(PerpsExecution)
class PerpsExecutionAdmin(ReadOnlyAdmin):
    """One trading write each."""

    list_display = (
        "created_at",
        "operation",
        "network",
        "trader_address",
        "state",
        "error_code",
        "reason",
        "order_id",
        "tx_hash",
    )
    list_filter = ("state", "operation", "network", "error_code")
    search_fields = ("id", "trader_address", "tx_hash", "order_id", "trade_id", "idempotency_key", "request_id")
    date_hierarchy = "created_at"
    exclude = ("lease_token",)
    inlines = (ExecutionEventInline,)

"""The ledger's events, to look at. The executions themselves have a page of their own in `staff`."""

from django.contrib import admin

from ostium_service.admin_base import ReadOnlyAdmin
from positions.models import ExecutionEvent


@admin.register(ExecutionEvent)
class ExecutionEventAdmin(ReadOnlyAdmin):
    """The append-only story of every execution."""

    list_display = ("at", "execution_id", "from_state", "to_state", "reason")
    list_filter = ("to_state",)
    search_fields = ("=execution__id", "=execution__trader_address")
    ordering = ("-id",)

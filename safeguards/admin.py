"""Grants, to look at."""

from typing import Any

from django.contrib import admin
from unfold.decorators import display

from ostium_service.admin_base import ReadOnlyAdmin
from ostium_service.admin_cells import badge, moment, shorten
from safeguards.models import Grant


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """Which delegate may act for which trader, as the gate reads it."""

    list_display = ("show_trader", "show_state", "show_suspended", "show_delegate", "network", "show_time")
    list_filter = ("network", "state", "suspended")
    search_fields = ("=trader", "=delegate")
    search_help_text = "Trader (the Safe) or delegate"

    @display(description="Trader (the Safe)", ordering="trader")  # type: ignore[untyped-decorator]
    def show_trader(self, row: Any) -> Any:
        """In the short form."""
        return shorten(row.trader)

    @display(description="Delegate", ordering="delegate")  # type: ignore[untyped-decorator]
    def show_delegate(self, row: Any) -> Any:
        """In the short form."""
        return shorten(row.delegate)

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> Any:
        """Whether the gate lets the delegate sign."""
        return badge(row.state)

    @display(description="Suspended", ordering="suspended")  # type: ignore[untyped-decorator]
    def show_suspended(self, row: Any) -> Any:
        """Shown where it is so."""
        return badge("suspended") if row.suspended else ""

    @display(description="Changed (UTC)", ordering="updated_at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When it was written last."""
        return moment(row.updated_at)

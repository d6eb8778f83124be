"""What every admin page here shares: people look, services change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline as UnfoldTabularInline


class ReadOnlyAdmin(UnfoldModelAdmin, admin.ModelAdmin[Any]):  # type: ignore[misc]
    """Nothing can be added, edited or deleted by hand; what changes money goes through a service function."""

    show_full_result_count = False
    list_per_page = 50
    actions = None
    list_filter_submit = False
    list_filter_sheet = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class ReadOnlyInline(UnfoldTabularInline, admin.TabularInline[Any, Any]):  # type: ignore[misc]
    """Rows of another table below a page, to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

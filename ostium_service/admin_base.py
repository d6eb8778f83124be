"""What every admin page here shares: people look, services change."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin as UnfoldModelAdmin

from ostium_service.admin_lists import KeyFirstChangeList


class ReadOnlyAdmin(UnfoldModelAdmin, admin.ModelAdmin[Any]):  # type: ignore[misc]
    """Nothing can be added, edited or deleted by hand; what changes money goes through a service function."""

    show_full_result_count = False
    list_per_page = 50
    actions = None
    list_filter_submit = False
    list_filter_sheet = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeyFirstChangeList]:
        """Pages by key."""
        return KeyFirstChangeList

    def refuse_changes(self, request: HttpRequest) -> None:
        """PermissionDenied for anything but looking, and for who may not look."""
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied

    def decorate(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Add what a list shows beyond the columns; called for one page's rows, and for an export."""
        return rows

    def finish_page(self, rows: list[Any]) -> None:
        """Add to one page's rows what takes them all together."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

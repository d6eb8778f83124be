"""Grants, to look at."""

from django.contrib import admin

from ostium_service.admin_base import ReadOnlyAdmin
from safeguards.models import Grant


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """Which delegate may act for which trader, as the gate reads it."""

    list_display = ("trader", "network", "delegate", "state", "suspended", "updated_at")
    list_filter = ("network", "state", "suspended")
    search_fields = ("trader", "delegate")

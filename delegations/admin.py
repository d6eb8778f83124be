"""Safe transactions and events, to look at. Delegations themselves have a page of their own in `staff`."""

from django.contrib import admin

from delegations.models import DelegationEvent, SafeTransaction
from ostium_service.admin_base import ReadOnlyAdmin


@admin.register(SafeTransaction)
class SafeTransactionAdmin(ReadOnlyAdmin):
    """Safe transactions from their preparation to their end."""

    list_display = (
        "safe_tx_hash",
        "network",
        "delegation",
        "kind",
        "nonce",
        "state",
        "submitted_by",
        "last_error",
        "updated_at",
    )
    list_filter = ("network", "kind", "state", "submitted_by")
    search_fields = ("safe_tx_hash", "delegation__safe_address", "delegation__user_id")
    list_select_related = ("delegation",)
    ordering = ("-updated_at",)


@admin.register(DelegationEvent)
class DelegationEventAdmin(ReadOnlyAdmin):
    """The append-only story."""

    list_display = ("at", "what", "delegation", "actor")
    list_filter = ("what", "delegation__network")
    search_fields = ("delegation__safe_address", "delegation__user_id", "actor")
    list_select_related = ("delegation",)
    ordering = ("-id",)

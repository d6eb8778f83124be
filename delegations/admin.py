"""Delegations, to look at; what changes them goes through a service."""

from django.contrib import admin

from delegations.models import Delegation, DelegationEvent, SafeTransaction
from ostium_service.admin_base import ReadOnlyAdmin


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin):
    """Who may trade for whom, and what was last decided about it."""

    list_display = (
        "safe_address",
        "network",
        "user_id",
        "delegate_address",
        "status",
        "suspended",
        "last_error",
        "updated_at",
    )
    list_filter = ("network", "status", "suspended")
    search_fields = (
        "user_id",
        "safe_address",
        "delegate_address",
        "approval_tx_hash",
        "revoke_tx_hash",
        "safe_transactions__safe_tx_hash",
    )
    list_select_related = ("approval",)
    ordering = ("-updated_at",)


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

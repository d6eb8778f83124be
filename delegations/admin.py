"""Safe transactions and events, to look at. Delegations and single transactions have pages of their own in `staff`."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from delegations.models import DelegationEvent, SafeTransaction
from ostium_service.admin_base import ReadOnlyAdmin
from ostium_service.admin_cells import badge, moment, shorten


@admin.register(SafeTransaction)
class SafeTransactionAdmin(ReadOnlyAdmin):
    """Safe transactions from their preparation to their end."""

    list_display = ("show_time", "show_kind", "show_state", "show_safe", "show_hash", "network", "show_reason")
    list_filter = ("network", "kind", "state", "submitted_by")
    search_fields = ("=safe_tx_hash", "=delegation__safe_address", "=delegation__user_id")
    search_help_text = "safeTxHash, Safe or user"
    list_select_related = ("delegation",)
    ordering = ("-updated_at",)

    @display(description="Changed (UTC)", ordering="updated_at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When its state changed last."""
        return moment(row.updated_at)

    @display(description="What", ordering="kind")  # type: ignore[untyped-decorator]
    def show_kind(self, row: Any) -> str:
        """The kind under the Safe's nonce."""
        return f"{row.kind}, nonce {row.nonce}"

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> Any:
        """Where it stands."""
        return badge(row.state)

    @display(description="Safe", ordering="delegation__safe_address")  # type: ignore[untyped-decorator]
    def show_safe(self, row: Any) -> Any:
        """Whose transaction it is."""
        return shorten(row.delegation.safe_address)

    @display(description="safeTxHash", ordering="safe_tx_hash")  # type: ignore[untyped-decorator]
    def show_hash(self, row: Any) -> Any:
        """What owners sign."""
        return shorten(row.safe_tx_hash)

    @display(description="Why")  # type: ignore[untyped-decorator]
    def show_reason(self, row: Any) -> str:
        """Why it failed, in words."""
        return str(row.last_error).replace("_", " ")


@admin.register(DelegationEvent)
class DelegationEventAdmin(ReadOnlyAdmin):
    """The append-only story."""

    list_display = ("show_time", "show_what", "show_safe", "show_actor", "show_reason")
    list_filter = ("what", "delegation__network")
    search_fields = ("=delegation__safe_address", "=delegation__user_id", "actor")
    search_help_text = "Safe, user or who did it"
    list_select_related = ("delegation",)
    ordering = ("-id",)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The delegation's page, which tells the whole story with its evidence."""
        self.refuse_changes(request)
        row = DelegationEvent.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        if row is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:delegations_delegation_change", args=[row.delegation_id]))

    @display(description="When (UTC)", ordering="at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When it happened."""
        return moment(row.at)

    @display(description="What", ordering="what")  # type: ignore[untyped-decorator]
    def show_what(self, row: Any) -> str:
        """In words."""
        return str(row.what).replace("_", " ")

    @display(description="Safe", ordering="delegation__safe_address")  # type: ignore[untyped-decorator]
    def show_safe(self, row: Any) -> Any:
        """Whose delegation."""
        return shorten(row.delegation.safe_address)

    @display(description="Who", ordering="actor")  # type: ignore[untyped-decorator]
    def show_actor(self, row: Any) -> Any:
        """A person, a user's request, the worker or a command."""
        return shorten(row.actor, head=24, tail=6)

    @display(description="Why")  # type: ignore[untyped-decorator]
    def show_reason(self, row: Any) -> Any:
        """The reason, where the event has one."""
        return shorten(str(row.evidence.get("reason") or ""), head=48, tail=1)

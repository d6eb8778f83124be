"""Signers and their transactions as lists; their pages are in `staff`."""

from typing import Any

from django.contrib import admin
from unfold.decorators import display

from ostium_service.admin_base import ReadOnlyAdmin
from ostium_service.admin_cells import badge, lasted, moment, shorten
from relay.models import OutboundTransaction, Signer


@admin.register(Signer)
class SignerAdmin(ReadOnlyAdmin):
    """Addresses we sign with; the keys are in Vault."""

    list_display: tuple[str, ...] = ("show_address", "show_state", "purpose", "network", "next_nonce", "halted_reason")
    list_filter = ("network", "purpose", "state")
    search_fields = ("=address",)
    search_help_text = "Address"

    @display(description="Address", ordering="address")  # type: ignore[untyped-decorator]
    def show_address(self, row: Any) -> Any:
        """In the short form."""
        return shorten(row.address)

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> Any:
        """Whether it signs."""
        return badge(row.state)


@admin.register(OutboundTransaction)
class OutboundTransactionAdmin(ReadOnlyAdmin):
    """One nonce each."""

    list_display = ("show_time", "show_kind", "show_state", "show_signer", "nonce", "show_hash", "show_took")
    list_filter = ("state", "kind", "signer__network")
    list_select_related = ("signer",)
    search_fields = ("=id", "=mined_hash", "=attempts__tx_hash", "=signer__address")
    search_help_text = "Transaction hash, signer or id"
    # The raw bytes and the call stay out: whoever has the bytes can send them.
    exclude = ("data",)
    ordering = ("-created_at",)

    @display(description="Stored (UTC)", ordering="created_at")  # type: ignore[untyped-decorator]
    def show_time(self, row: Any) -> Any:
        """When it was signed and stored."""
        return moment(row.created_at)

    @display(description="What", ordering="kind")  # type: ignore[untyped-decorator]
    def show_kind(self, row: Any) -> str:
        """In words."""
        return str(row.kind).replace("_", " ").capitalize()

    @display(description="State", ordering="state")  # type: ignore[untyped-decorator]
    def show_state(self, row: Any) -> Any:
        """Where it stands."""
        return badge(row.state)

    @display(description="Signer")  # type: ignore[untyped-decorator]
    def show_signer(self, row: Any) -> Any:
        """Whose nonce."""
        return shorten(row.signer.address)

    @display(description="Mined as")  # type: ignore[untyped-decorator]
    def show_hash(self, row: Any) -> Any:
        """The hash on chain."""
        return shorten(row.mined_hash) if row.mined_hash else "-"

    @display(description="Took")  # type: ignore[untyped-decorator]
    def show_took(self, row: Any) -> str:
        """From the signature to the chain's answer."""
        return lasted(row.created_at, row.decided_at)

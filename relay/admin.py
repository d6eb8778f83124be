"""Signers and their transactions, to look at."""

from django.contrib import admin

from ostium_service.admin_base import ReadOnlyAdmin, ReadOnlyInline
from relay.models import OutboundTransaction, Signer, SignerEvent, TransactionAttempt, TransactionEvent


class SignerEventInline(ReadOnlyInline):
    """Who stopped, resumed or retired it."""

    model = SignerEvent
    fields = ("at", "what", "actor", "reason", "evidence")
    readonly_fields = fields


@admin.register(Signer)
class SignerAdmin(ReadOnlyAdmin):
    """Addresses we sign with; the keys are in Vault."""

    list_display = ("address", "network", "purpose", "state", "next_nonce", "halted_reason")
    list_filter = ("network", "purpose", "state")
    search_fields = ("address",)
    inlines = (SignerEventInline,)


class AttemptInline(ReadOnlyInline):
    """Hashes that may be on chain. The raw bytes stay out: whoever has them can send them."""

    model = TransactionAttempt
    fields = ("purpose", "tx_hash", "max_fee_per_gas", "created_at")
    readonly_fields = fields


class EventInline(ReadOnlyInline):
    """The story, oldest first."""

    model = TransactionEvent
    fields = ("at", "from_state", "to_state", "reason", "evidence")
    readonly_fields = fields


@admin.register(OutboundTransaction)
class OutboundTransactionAdmin(ReadOnlyAdmin):
    """One nonce each."""

    list_display = ("id", "kind", "signer", "nonce", "state", "created_at", "decided_at", "mined_hash")
    list_filter = ("state", "kind", "signer__network")
    list_select_related = ("signer",)
    search_fields = ("id", "mined_hash", "attempts__tx_hash")
    exclude = ("data",)
    ordering = ("-created_at",)
    inlines = (AttemptInline, EventInline)

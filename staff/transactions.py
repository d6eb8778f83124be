"""The pages of one Safe transaction and of one transaction of ours."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse

from delegations.admin import SafeTransactionAdmin
from delegations.models import SafeTransaction
from ostium_service.money import ETHER_DECIMALS, USDC_DECIMALS
from relay.admin import OutboundTransactionAdmin
from relay.models import OutboundTransaction
from staff.explorers import link_address, link_block, link_safe, link_transaction
from staff.facts import describe
from staff.pages import with_context
from staff.trade_story import tell_transaction


class StaffSafeTransactionAdmin(SafeTransactionAdmin):
    """The list with a page of its own behind it."""

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Our own page instead of a form."""
        self.refuse_changes(request)
        return show_safe_transaction(request, object_id)


class StaffOutboundTransactionAdmin(OutboundTransactionAdmin):
    """The list with a page of its own behind it."""

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Our own page instead of a form."""
        self.refuse_changes(request)
        return show_outbound(request, object_id)


def show_safe_transaction(request: HttpRequest, row_id: str) -> HttpResponse:
    """What the owners sign, who has signed, and what became of it."""
    rows = SafeTransaction.objects.select_related("delegation", "outbound__signer")
    row = rows.filter(pk=_parse(row_id)).first()
    if row is None:
        raise Http404
    signed = {item.owner: item for item in row.confirmations.all()}
    sent = row.outbound
    data = row.safe_tx_data
    return with_context(
        request,
        "staff/safe_transaction.html",
        row,
        title=f"{row.kind} nonce {row.nonce}",
        owners=[(owner, link_address(row.network, owner), signed.get(owner)) for owner in row.owners],
        collected=len(signed),
        allowance=None if row.allowance is None else Decimal(row.allowance).scaleb(-USDC_DECIMALS),
        call_data=data.get("data", ""),
        fields=describe({name: value for name, value in data.items() if name != "data"}, network=row.network),
        safe_link=link_safe(row.network, row.delegation.safe_address),
        tx_link=link_transaction(row.network, sent.tx_hash) if sent is not None else "",
        taken_link=link_transaction(row.network, row.taken_by),
        events=[(event, describe(event.evidence, network=row.network)) for event in row.events.order_by("-id")],
    )


def show_outbound(request: HttpRequest, row_id: str) -> HttpResponse:
    """One nonce: which bytes may be out, what the chain said, and what it cost."""
    rows = OutboundTransaction.objects.select_related("signer").prefetch_related("events", "attempts")
    row = rows.filter(pk=_parse(row_id)).first()
    if row is None:
        raise Http404
    network = row.network
    fee = None
    if row.gas_used is not None and row.effective_gas_price is not None:
        fee = Decimal(row.gas_used * row.effective_gas_price).scaleb(-ETHER_DECIMALS)
    return with_context(
        request,
        "staff/outbound.html",
        row,
        title=f"{row.kind.replace('_', ' ')} nonce {row.nonce}",
        network=network.value,
        execution=getattr(row, "execution", None),
        safe_transaction=SafeTransaction.objects.filter(outbound=row).first(),
        attempts=[(item, link_transaction(network, item.tx_hash)) for item in row.attempts.all()],
        target_link=link_address(network, row.to),
        block_link=link_block(network, row.block_number),
        tx_link=link_transaction(network, row.mined_hash),
        fee=fee,
        moments=sorted(tell_transaction(row.created_at, row), key=lambda moment: moment.at),
    )


def register() -> None:
    """In the place of the lists of the apps below."""
    for model, page in (
        (SafeTransaction, StaffSafeTransactionAdmin),
        (OutboundTransaction, StaffOutboundTransactionAdmin),
    ):
        admin.site.unregister(model)
        admin.site.register(model, page)


def _parse(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None

"""Signers: what each has for gas, what depends on it, and the first of the two steps of its retirement."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from delegations.models import Delegation
from ostium_service.money import ETHER_DECIMALS
from ostium_service.types import Address, Network
from relay import services
from relay.admin import SignerAdmin
from relay.models import OutboundTransaction, Signer
from staff.actions import name_actor
from staff.explorers import link_address
from staff.figures import gas_figure, low_gas
from staff.forms import ReasonForm
from staff.models import GasReading
from staff.pages import with_context

PERMISSION = "staff.retire_delegate"
SHOWN_TRANSACTIONS = 20
SHOWN_EVENTS = 50


class StaffSignerAdmin(SignerAdmin):
    """The relay's list with the gas, a page, and the action."""

    list_display = ("show_address", "show_state", "purpose", "network", "show_gas", "next_nonce", "halted_reason")

    def get_urls(self) -> list[URLPattern]:
        """The action's confirmation page."""
        view = self.admin_site.admin_view(confirm_retirement)
        return [path("<int:signer_id>/retire/do/", view, name="signer_retire"), *super().get_urls()]

    def decorate(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """With the gas that was read last."""
        gas = GasReading.objects.filter(signer=OuterRef("pk"))
        annotated: QuerySet[Any] = rows.annotate(wei=Subquery(gas.values("wei")[:1]))
        return annotated

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Our own page instead of a form."""
        self.refuse_changes(request)
        return show_signer(request, object_id)

    @display(description="Gas, ETH")  # type: ignore[untyped-decorator]
    def show_gas(self, row: Any) -> str:
        """As the worker read it last."""
        if row.wei is None:
            return "not read yet"
        ether = Decimal(row.wei).scaleb(-ETHER_DECIMALS)
        return f"{ether:.5f}{' low' if ether < low_gas() else ''}"


def show_signer(request: HttpRequest, signer_id: str) -> HttpResponse:
    """What the signer is for, what it has, what depends on it, and what happened to it."""
    row = Signer.objects.filter(pk=signer_id).first() if signer_id.isdigit() else None
    if row is None:
        raise Http404
    mine = Delegation.objects.filter(network=row.network, delegate_address=row.address)
    undecided = row.transactions.filter(state__in=OutboundTransaction.UNDECIDED)
    return with_context(
        request,
        "staff/signer.html",
        row,
        title=row.address,
        explorer=link_address(row.network, row.address),
        gas=gas_figure(row, GasReading.objects.filter(signer=row).first()),
        active=mine.filter(status=Delegation.Status.ACTIVE).count(),
        pending=mine.filter(status=Delegation.Status.PENDING).count(),
        undecided=undecided.count(),
        transactions=row.transactions.order_by("-nonce")[:SHOWN_TRANSACTIONS],
        events=row.events.order_by("-id")[:SHOWN_EVENTS],
        may_retire=row.state == Signer.State.ACTIVE and request.user.has_perm(PERMISSION),
    )


def confirm_retirement(request: HttpRequest, signer_id: int) -> HttpResponse:
    """Ask for the reason, then begin the retirement."""
    row = Signer.objects.filter(pk=signer_id).first()
    if row is None:
        raise Http404
    if not request.user.has_perm(PERMISSION) or not request.user.has_perm("relay.view_signer"):
        raise PermissionDenied
    page = reverse("admin:relay_signer_change", args=[row.pk])
    form = ReasonForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        active = Delegation.objects.filter(
            network=row.network, delegate_address=row.address, status=Delegation.Status.ACTIVE
        )
        return with_context(
            request, "staff/retire.html", row, title=row.address, form=form, page=page, active=active.count()
        )
    services.begin_retirement(
        network=Network(row.network),
        address=Address(row.address),
        actor=name_actor(request.user.get_username()),
        reason=form.cleaned_data["reason"],
    )
    messages.success(request, "Retiring. It closes what is open and is given to no Safe any more.")
    return HttpResponseRedirect(page)


def register() -> None:
    """In the place of the relay's own page."""
    admin.site.unregister(Signer)
    admin.site.register(Signer, StaffSignerAdmin)

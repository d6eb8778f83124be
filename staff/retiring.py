"""Retiring a delegate from its page: the first of the two steps, after which it only closes what is open."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from ostium_service.types import Address, Network
from relay import services
from relay.admin import SignerAdmin
from relay.models import Signer
from staff.actions import name_actor
from staff.forms import ReasonForm

PERMISSION = "staff.retire_delegate"


class StaffSignerAdmin(SignerAdmin):
    """The relay's page of a signer, with the action."""

    change_form_outer_before_template = "staff/signer_actions.html"

    def get_urls(self) -> list[URLPattern]:
        """The action's confirmation page."""
        view = self.admin_site.admin_view(confirm_retirement)
        return [path("<int:signer_id>/retire/do/", view, name="signer_retire"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Whether the action is shown goes with the page."""
        row = Signer.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        may_retire = row is not None and row.state == Signer.State.ACTIVE and request.user.has_perm(PERMISSION)
        context = {"may_retire": may_retire, "signer_row": row, **(extra_context or {})}
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer


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
        context = admin.site.each_context(request) | {
            "title": "Retire delegate",
            "row": row,
            "form": form,
            "page": page,
        }
        context |= {"opts": Signer._meta}  # noqa: SLF001
        return TemplateResponse(request, "staff/retire.html", context)
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

"""The admin site: nobody is let in on a password alone."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.sites import UnfoldAdminSite

from staff.figures import read_figures
from staff.forms import StaffLoginForm


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Home is what happens and what waits for a person, not a list of tables."""

    login_form = StaffLoginForm
    index_template = "staff/home.html"
    index_title = "Home"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff whose session has passed the second factor."""
        is_verified = getattr(request.user, "is_verified", None)
        return bool(super().has_permission(request) and is_verified and is_verified())

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The home page, with the figures for those who may see delegations."""
        allowed = request.user.has_perm("delegations.view_delegation")
        figures = {"figures": read_figures()} if allowed else {}
        response: TemplateResponse = super().index(request, {**figures, **(extra_context or {})})
        return response

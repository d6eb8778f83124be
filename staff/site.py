"""The admin site: nobody is let in on a password alone."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.sites import UnfoldAdminSite

from staff.figures import read_figures
from staff.forms import StaffLoginForm

HIDDEN = frozenset(
    {
        # Second factors are made and replaced by a command, which shows a secret once.
        *("otp_totp.TOTPDevice", "axes.AccessAttempt", "axes.AccessFailureLog", "axes.AccessLog"),
        # The queue's rows are many, and hold nothing that the trails and stories do not tell.
        "procrastinate.ProcrastinateJob",
    }
)


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    """Home is what happens and what waits for a person, not a list of tables."""

    login_form = StaffLoginForm
    index_template = "staff/home.html"
    index_title = "Home"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """As Django does, without the models that no page may show, whichever app comes first."""
        models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        shown = [model for model in models if model._meta.label not in HIDDEN]  # noqa: SLF001
        if shown:
            super().register(shown, admin_class, **options)

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

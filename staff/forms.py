"""What people type: their login, and why they act."""

from typing import Any

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

SHORTEST_REASON = 8
LONGEST_REASON = 500


class StaffLoginForm(OTPAuthenticationFormMixin, AuthenticationForm):  # type: ignore[misc]
    """Password and second factor on one page."""

    otp_error_messages = dict(
        OTPAuthenticationFormMixin.otp_error_messages, device_required="This account has no second factor yet."
    )
    otp_token = forms.CharField(
        label="Code of your authenticator",
        max_length=10,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        """The password first (it counts for the lock-out), then the code, each code once."""
        cleaned: dict[str, Any] = super().clean()
        self.clean_otp(self.get_user())
        return cleaned

    def _chosen_device(self, user: AbstractBaseUser) -> TOTPDevice | None:
        """The one device that enrolment leaves a person."""
        return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).order_by("id").first()

    def _update_form(self, user: AbstractBaseUser) -> None:
        """Nothing: the library would write the password into the page again after a wrong code."""


class ReasonForm(forms.Form):
    """Why a person does what they do; it stands in the event for ever."""

    reason = forms.CharField(
        label="Reason",
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        help_text="Goes into the delegation's history with your name.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

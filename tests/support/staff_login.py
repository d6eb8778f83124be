"""Somebody of the staff with a verified second factor, as a test client."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff.enrolment import enrol

PASSWORD = "a long enough pass phrase 7"


def log_in_staff(
    username: str, *, groups: Sequence[str] = (), is_superuser: bool = False, is_verified: bool = True
) -> Client:
    """Enrol and log in; `is_verified=False` leaves the second factor out."""
    enrol(username=username, password=PASSWORD, groups=groups, is_superuser=is_superuser)
    person = User.objects.get(username=username)
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    if is_verified:
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=person).persistent_id
        session.save()
    return client


def code_now(username: str) -> str:
    """What the person's authenticator shows; it works once."""
    return f"{TOTP(TOTPDevice.objects.get(user__username=username).bin_key).token():06d}"


def act(client: Client, page: str, reason: str) -> Any:
    """Open the confirmation page, as a person does, and confirm what it shows."""
    shown = client.get(page)
    assert shown.status_code == HTTPStatus.OK, shown.status_code
    return client.post(page, {"reason": reason, "seen": shown.context["form"].initial["seen"]})

"""Who somebody is: a name alone is what anybody may write, so a second person is known by a second factor."""

from datetime import datetime

from django.contrib.auth.models import User
from django_otp.plugins.otp_totp.models import TOTPDevice

from delegations.models import Delegation


class NotConfirmed(Exception):
    """The person is not who may do this; the text is for whoever asked."""


def confirm_person(*, username: str, code: str, permission: str) -> User:
    """The active member of the staff whose authenticator gave `code` and who has `permission`.

    NotConfirmed otherwise. A code works once, and wrong ones slow the next attempts down, as at the login.
    """
    person = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    device = _device_of(person)
    if person is None or device is None:
        raise NotConfirmed("no active staff account of this name has a second factor")
    if not person.has_perm(permission):
        raise NotConfirmed("this person may not do that: it needs the Approver group")
    if not device.verify_is_allowed()[0] or not device.verify_token(code):
        raise NotConfirmed("the code is wrong, was used already, or comes too soon after a wrong one")
    return person


def require_known_before_suspension(*, username: str, delegation: Delegation) -> None:
    """NotConfirmed for an account, or a second factor, that is younger than a suspension of the delegation's Safe.

    Otherwise whoever suspended could make a second person up, or take a colleague's account over.
    """
    rows = Delegation.objects.filter(network=delegation.network, safe_address=delegation.safe_address, suspended=True)
    suspended_at = rows.order_by("suspended_at").values_list("suspended_at", flat=True).first()
    person = User.objects.filter(username=username).first()
    if suspended_at is None or person is None:
        return
    device = _device_of(person)
    if person.date_joined >= suspended_at or (device is not None and _is_younger(device.created_at, suspended_at)):
        raise NotConfirmed("this account or its second factor is younger than the suspension; ask somebody else")


def _device_of(person: User | None) -> TOTPDevice | None:
    """The one device that enrolment leaves a person."""
    return TOTPDevice.objects.filter(user=person, confirmed=True).order_by("id").first() if person else None


def _is_younger(made_at: datetime | None, moment: datetime) -> bool:
    return made_at is not None and made_at >= moment

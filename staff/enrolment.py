"""Accounts of staff with their second factor."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, User
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

DEVICE_NAME = "authenticator"


def enrol(*, username: str, password: str, groups: Sequence[str], is_superuser: bool = False) -> str:
    """Make the account, or change one, and give it a new second factor in the place of every earlier one.

    An empty password leaves that of an account that exists. The answer is the otpauth URI, which holds the secret: it
    goes into the person's authenticator and nowhere else. Group.DoesNotExist for an unknown group;
    nothing is kept then.
    """
    with transaction.atomic():
        person, _ = User.objects.get_or_create(username=username)
        person.is_staff = person.is_active = True
        person.is_superuser = person.is_superuser or is_superuser
        if password:
            person.set_password(password)
        person.save()
        person.groups.add(*[Group.objects.get(name=name) for name in groups])
        TOTPDevice.objects.filter(user=person).delete()
        device = TOTPDevice.objects.create(user=person, name=DEVICE_NAME, confirmed=True)
        return str(device.config_url)

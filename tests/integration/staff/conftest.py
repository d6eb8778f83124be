"""People with a verified second factor, as the test client sees them."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from tests.support.staff_login import log_in_staff
from tests.support.staff_rows import StaffRows, make_rows

QUICK_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"
"""The real one takes a third of a second for each person; tests/browser logs in with it."""

LogIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def _plain_http(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.PASSWORD_HASHERS = [QUICK_HASHER]
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def rows(db: None) -> StaffRows:
    """One delegation that has traded."""
    return make_rows()


@pytest.fixture
def log_in(db: None) -> LogIn:
    """A client of somebody in the groups."""

    def make(username: str, *groups: str, is_verified: bool = True) -> Client:
        return log_in_staff(username, groups=groups, is_verified=is_verified)

    return make

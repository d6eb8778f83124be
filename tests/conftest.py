"""The tiers and what each may touch, and where Django's test database lives.

A test file belongs to the tier of its folder: unit (no sockets, no database), integration (real PostgreSQL, OpenBao and
chain), contract, faults, browser. The services of the upper tiers are fixtures of `tests.fixtures`.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from django.conf import settings
from django.test import TransactionTestCase

from tests.emptying import empty_tables

pytest_plugins = ["tests.fixtures", "tests.service_fixtures"]

TIERS = ("unit", "integration", "contract", "faults", "browser")
TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """One marker a tier, so that `-m` can choose by it; settings that hold for every test."""
    for tier in TIERS:
        config.addinivalue_line("markers", f"{tier}: set by the folder tests/{tier}")
    # Else every test client looks for all static files first.
    settings.WHITENOISE_AUTOREFRESH = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its tier; refuse a test outside the tiers, and a unit test that wants a database."""
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        if tier not in TIERS:
            raise pytest.UsageError(f"{item.nodeid} is in no tier: move it into one of {', '.join(TIERS)}")
        if tier == "unit" and item.get_closest_marker("django_db"):
            raise pytest.UsageError(f"{item.nodeid} wants a database: that is an integration test")
        item.add_marker(tier)


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(autouse=True)
def _no_ids_of_an_earlier_test() -> None:
    """Ids bound for the log lines of one test would show in the next one's."""
    structlog.contextvars.clear_contextvars()


class SocketInUnitTest(Exception):
    """A unit test reached for the network."""


@pytest.fixture(autouse=True)
def _no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.node.get_closest_marker("unit"):

        def refuse(*_arguments: object, **_named: object) -> NoReturn:
            raise SocketInUnitTest("unit tests open no connection and resolve no name")

        for name in ("connect", "connect_ex", "bind", "sendto"):
            monkeypatch.setattr(socket.socket, name, refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        monkeypatch.setattr(socket, "create_connection", refuse)
    yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres_url: str) -> None:
    """Point Django at the tests' own PostgreSQL before pytest-django makes its test database.

    The settings are loaded before any fixture runs, but no connection is open yet: connections share this dictionary.
    """
    from django.conf import settings
    from environ import FileAwareEnv

    settings.DATABASES["default"].update(FileAwareEnv.db_url_config(postgres_url))

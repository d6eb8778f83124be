"""The staff pages served by a real web process, and people who may use them. Skipped where there is no Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from staff.enrolment import enrol
from tests.support.browser import Person, code_of, find_browser, open_browser
from tests.support.services import Services
from tests.support.staff_rows import StaffRows, make_rows

PASSWORD = "a long enough pass phrase 7"


def pytest_report_header() -> str:
    """Say whether this tier can run."""
    found = find_browser()
    return f"browser: {found[0]}" if found else "browser: no chromium with chromedriver, tests/browser is skipped"


@pytest.fixture(scope="session", autouse=True)
def _chromium() -> None:
    if find_browser() is None:
        pytest.skip("no chromium with chromedriver: apt-get install chromium chromium-driver")


@pytest.fixture
def pages(services: Services) -> Services:
    """A web process."""
    services.start_web()
    return services


@pytest.fixture
def rows(services: Services) -> StaffRows:
    """Something to look at."""
    return make_rows()


@pytest.fixture
def person(pages: Services, tmp_path: Path) -> Iterator[Person]:
    """A browser nobody has logged in at."""
    with open_browser(tmp_path / "profile") as browser:
        yield Person(browser, pages.url)


def log_in_as(person: Person, *, username: str, group: str, superuser: bool = False) -> None:
    """Enrol somebody and log them in with their second factor."""
    log_in_with(person, username=username, uri=enrol_person(username, group=group, superuser=superuser))


def enrol_person(username: str, *, group: str, superuser: bool = False) -> str:
    """The URI for the person's authenticator."""
    return enrol(username=username, password=PASSWORD, groups=[group], is_superuser=superuser)


def log_in_with(person: Person, *, username: str, uri: str) -> None:
    """Somebody who is enrolled already."""
    person.browser.delete_all_cookies()
    person.log_in(username=username, password=PASSWORD, code=code_of(uri, used=set()))

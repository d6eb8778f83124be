"""People at the staff pages: the second factor, every page, suspend and resume by two."""

import os
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from selenium.webdriver.common.by import By

from delegations.models import Delegation
from staff.enrolment import enrol
from tests.browser.conftest import PASSWORD, enrol_person, log_in_as, log_in_with
from tests.support.browser import Person
from tests.support.staff_rows import StaffRows

pytestmark = pytest.mark.timeout(300)

LISTS = (
    *("delegations/delegation", "delegations/safetransaction", "delegations/delegationevent", "safeguards/grant"),
    *("positions/perpsexecution", "positions/executionevent", "relay/outboundtransaction", "relay/signer"),
    *("auth/user", "auth/group", "staff/delegationchange", "staff/personchange", "staff/membershipchange"),
)
WIDTHS = (1280, 390)
DelegationChange = apps.get_model("staff", "DelegationChange")


def test_a_password_alone_lets_nobody_in(person: Person) -> None:
    enrol(username="vera", password=PASSWORD, groups=["Viewer"])
    person.log_in(username="vera", password=PASSWORD, code="000000")
    assert "Invalid token" in person.text()
    person.open("/admin/")
    assert person.browser.find_elements(By.NAME, "otp_token")


def test_every_page_opens_without_an_error_or_another_host(person: Person, rows: StaffRows) -> None:
    log_in_as(person, username="root", group="Operator", superuser=True)
    pages = {
        "home": "/admin/",
        "delegation": f"/admin/delegations/delegation/{rows.delegation.pk}/change/",
        "suspend": f"/admin/delegations/delegation/{rows.delegation.pk}/suspend/do/",
        "retire": f"/admin/relay/signer/{rows.signer.pk}/retire/do/",
        "person": f"/admin/auth/user/{User.objects.get(username='root').pk}/change/",
        "group": f"/admin/auth/group/{Group.objects.get(name='Viewer').pk}/change/",
        "change": f"/admin/staff/delegationchange/{DelegationChange.objects.latest('pk').pk}/change/",
        "trade": f"/admin/positions/perpsexecution/{rows.execution.pk}/change/",
        "transaction": f"/admin/relay/outboundtransaction/{rows.execution.transaction_id}/change/",
        "signer": f"/admin/relay/signer/{rows.signer.pk}/change/",
        "safe_transaction": f"/admin/delegations/safetransaction/{rows.delegation.approval_id}/change/",
        "password": "/admin/password_change/",
    } | {name.replace("/", "_"): f"/admin/{name}/" for name in LISTS}
    for name, path in pages.items():
        _open_at_both_widths(person, path)
        _shoot(person, name)
    assert person.problems == []
    assert person.hosts == {person.url.removeprefix("http://")}


def test_one_suspends_and_only_another_resumes(person: Person, rows: StaffRows) -> None:
    page = f"/admin/delegations/delegation/{rows.delegation.pk}/change/"
    bert = enrol_person("bert", group="Approver")
    log_in_as(person, username="anna", group="Approver")
    person.open(page)
    person.act("suspend", "The owner called us.")
    assert "Suspended. From now on no process signs for this Safe." in person.text()
    assert Delegation.objects.get(pk=rows.delegation.pk).suspended_by == "staff anna"

    person.act("resume", "I have changed my mind.")
    assert "a second person has to resume it" in person.text()
    assert Delegation.objects.get(pk=rows.delegation.pk).suspended

    log_in_with(person, username="bert", uri=bert)
    person.open(page)
    person.act("resume", "Spoke to the owner as well.")
    assert "Resumed." in person.text()
    assert not Delegation.objects.get(pk=rows.delegation.pk).suspended
    assert person.problems == []


def _open_at_both_widths(person: Person, path: str) -> None:
    """Nothing of the page stands outside the window, on a desk or on a telephone."""
    for width in WIDTHS:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        person.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        # For each width: tabs that do not fit are folded while a page loads.
        person.open(path)
        assert "Server Error" not in person.text() and "Traceback" not in person.text(), path
        wide = person.browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide in a window of {width}"
    person.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _shoot(person: Person, name: str) -> None:
    """Pictures for a person to look at, when STAFF_SHOTS names a folder."""
    folder = os.environ.get("STAFF_SHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        person.browser.execute_script(f"localStorage.setItem('adminTheme', JSON.stringify('{theme}'))")
        for width in WIDTHS:
            person.browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
            )
            person.browser.refresh()
            person.look()
            height = person.browser.execute_script("return document.documentElement.scrollHeight")
            person.browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": min(height, 2600), "deviceScaleFactor": 1, "mobile": False},
            )
            person.browser.save_screenshot(str(Path(folder) / f"{name}_{theme}_{width}.png"))
    person.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

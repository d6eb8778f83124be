"""Who gets in, and what each group may do."""

from datetime import timedelta
from http import HTTPStatus
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delegations.models import Delegation
from relay.models import SignerEvent
from staff.enrolment import enrol
from tests.integration.staff.conftest import LogIn
from tests.support.staff_login import PASSWORD, code_now, log_in_staff
from tests.support.staff_rows import StaffRows

REASON = {"reason": "The owner called us."}


def url_of(rows: StaffRows, action: str) -> str:
    return reverse("admin:delegation_action", args=[rows.delegation.pk, action])


def test_a_session_without_the_second_factor_is_sent_to_the_login(log_in: LogIn) -> None:
    answer = log_in("vera", "Viewer", is_verified=False).get("/admin/")
    assert (answer.status_code, answer["Location"]) == (HTTPStatus.FOUND, "/admin/login/?next=/admin/")


def test_a4_five_wrong_passwords_lock_the_account_even_for_the_right_one(log_in: LogIn) -> None:
    enrol(username="vera", password=PASSWORD, groups=["Viewer"])
    for _ in range(5):
        Client().post("/admin/login/", {"username": "vera", "password": "wrong", "otp_token": "000000"})
    answer = Client().post("/admin/login/", {"username": "vera", "password": PASSWORD, "otp_token": "000000"})
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_a_wrong_code_does_not_put_the_password_into_the_page(log_in: LogIn) -> None:
    enrol(username="vera", password=PASSWORD, groups=["Viewer"])
    answer = Client().post("/admin/login/", {"username": "vera", "password": PASSWORD, "otp_token": "000000"})
    assert "Invalid token" in answer.content.decode()
    assert PASSWORD not in answer.content.decode()


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        ("Viewer", set()),
        ("Operator", {"suspend", "check", "revoke"}),
        ("Approver", {"suspend", "check", "resume"}),
    ],
)
def test_each_group_may_do_what_it_is_for(log_in: LogIn, rows: StaffRows, group: str, allowed: set[str]) -> None:
    client = log_in("somebody", group)
    found = {
        name for name in ("suspend", "resume", "check", "revoke") if client.get(url_of(rows, name)).status_code == 200
    }
    assert found == allowed


def test_a_reason_is_required(log_in: LogIn, rows: StaffRows) -> None:
    answer = log_in("otto", "Operator").post(url_of(rows, "suspend"), {"reason": " "})
    assert answer.status_code == HTTPStatus.OK
    assert not Delegation.objects.get(pk=rows.delegation.pk).suspended


def test_suspending_is_told_with_person_and_reason(log_in: LogIn, rows: StaffRows) -> None:
    log_in("otto", "Operator").post(url_of(rows, "suspend"), REASON)
    event = rows.delegation.events.latest("id")
    assert (event.what, event.actor, event.evidence["reason"]) == ("suspended", "staff otto", REASON["reason"])


def test_an_approver_retires_a_delegate_and_an_operator_cannot(log_in: LogIn, rows: StaffRows) -> None:
    page = reverse("admin:signer_retire", args=[rows.signer.pk])
    assert log_in("otto", "Operator").post(page, REASON).status_code == HTTPStatus.FORBIDDEN
    log_in("anna", "Approver").post(page, REASON)
    rows.signer.refresh_from_db()
    assert rows.signer.state == "retiring"
    event = SignerEvent.objects.filter(signer=rows.signer).latest("id")
    assert (event.actor, event.reason) == ("staff anna", REASON["reason"])


@pytest.mark.parametrize("action", ["add", "delete"])
def test_no_delegation_is_made_or_deleted_by_hand(log_in: LogIn, rows: StaffRows, action: str) -> None:
    client = log_in("otto", "Operator", "Approver")
    path = "add/" if action == "add" else f"{rows.delegation.pk}/delete/"
    answer = client.post(f"/admin/delegations/delegation/{path}", {"post": "yes"})
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_a_post_to_the_delegation_page_changes_nothing(log_in: LogIn, rows: StaffRows) -> None:
    before = Delegation.objects.values().get(pk=rows.delegation.pk)
    page = reverse("admin:delegations_delegation_change", args=[rows.delegation.pk])
    log_in("otto", "Operator").post(page, {"status": "REVOKED", "suspended": "on"})
    assert Delegation.objects.values().get(pk=rows.delegation.pk) == before


def test_pages_carry_the_policy_and_the_api_does_not(log_in: LogIn) -> None:
    policy = log_in("vera", "Viewer").get("/admin/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "http" not in policy
    assert "Content-Security-Policy" not in Client().get("/health")


def test_the_groups_come_with_the_migration(db: None) -> None:
    # Tests that commit empty every table afterwards, the groups too: what the migration runs is run again.
    import_module("staff.migrations.0002_groups").make_groups(apps, None)
    names = set(Group.objects.values_list("name", flat=True))
    assert names >= {"Viewer", "Operator", "Approver"}
    assert Group.objects.get(name="Viewer").permissions.filter(codename="view_delegation").exists()


def test_the_pages_are_these_and_no_library_adds_one(db: None) -> None:
    """A page of second factors would let a superuser make a second person up."""
    assert {model._meta.label for model in admin.site._registry} == {
        *("delegations.Delegation", "delegations.SafeTransaction", "delegations.DelegationEvent", "safeguards.Grant"),
        *("positions.PerpsExecution", "positions.ExecutionEvent", "relay.Signer", "relay.OutboundTransaction"),
        *("auth.User", "auth.Group", "staff.DelegationChange", "staff.SafeTransactionChange", "staff.GrantChange"),
        *("staff.SignerChange", "staff.ExecutionChange", "staff.PersonChange", "staff.GroupChange"),
        *("staff.MembershipChange", "staff.PersonPermissionChange", "staff.GroupPermissionChange"),
    }


def test_an_account_keeps_its_name(log_in: LogIn) -> None:
    """Else who suspended could take another name and resume."""
    ada = User.objects.get(pk=log_in_staff("ada", is_superuser=True).session["_auth_user_id"])
    client = log_in_staff("ada", is_superuser=True)
    page = reverse("admin:auth_user_change", args=[ada.pk])
    answer = client.post(page, {"username": "eve", "is_active": "on", "is_staff": "on", "is_superuser": "on"})
    assert answer.status_code == HTTPStatus.FOUND
    assert User.objects.get(pk=ada.pk).username == "ada"


def test_a4_a_session_ends_with_the_password_the_account_and_half_an_hour_of_rest(log_in: LogIn) -> None:
    for end in ("password", "account"):
        client = log_in(f"vera-{end}", "Viewer")
        assert client.get("/admin/").status_code == HTTPStatus.OK
        person = User.objects.get(username=f"vera-{end}")
        if end == "password":
            person.set_password("another long enough phrase 8")
        person.is_active = end != "account"
        person.save()
        assert client.get("/admin/").status_code == HTTPStatus.FOUND, end
    client = log_in("vera", "Viewer")
    assert client.get("/admin/").cookies["sessionid"]["max-age"] == "", "it ends with the browser"
    rest = Session.objects.get(pk=client.session.session_key).expire_date - timezone.now()
    assert timedelta(minutes=29) < rest <= timedelta(minutes=30)
    Session.objects.filter(pk=client.session.session_key).update(expire_date=timezone.now())
    assert client.get("/admin/").status_code == HTTPStatus.FOUND


def test_a4_a_code_works_once(log_in: LogIn) -> None:
    enrol(username="vera", password=PASSWORD, groups=["Viewer"])
    form = {"username": "vera", "password": PASSWORD, "otp_token": code_now("vera"), "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == HTTPStatus.FOUND
    assert Client().post("/admin/login/", form).status_code == HTTPStatus.OK

"""A1: who suspended does not resume, and a resume decides about the very suspension that the person saw."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from delegations.models import Delegation
from staff.enrolment import enrol
from tests.integration.staff.conftest import LogIn
from tests.support.staff_login import act
from tests.support.staff_rows import StaffRows

WHY = "The owner called us."


@pytest.fixture
def suspended(log_in: LogIn, rows: StaffRows) -> Delegation:
    """Suspended by anna, when bert and carl were there already."""
    for name in ("bert", "carl"):
        log_in(name, "Approver")
    act(log_in("anna", "Approver"), page_of(rows.delegation, "suspend"), WHY)
    return Delegation.objects.get(pk=rows.delegation.pk)


def page_of(row: Delegation, action: str) -> str:
    return reverse("admin:delegation_action", args=[row.pk, action])


def is_suspended(row: Delegation) -> bool:
    return Delegation.objects.get(pk=row.pk).suspended


def test_a1_who_suspended_cannot_resume_and_another_can(log_in: LogIn, suspended: Delegation) -> None:
    act(log_in("anna", "Approver"), page_of(suspended, "resume"), WHY)
    assert is_suspended(suspended)
    Delegation.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now() + timedelta(hours=1))
    act(log_in("bert", "Approver"), page_of(suspended, "resume"), WHY)
    assert not is_suspended(suspended)


def test_a1_a_suspension_that_changed_after_it_was_looked_at_is_not_resumed(
    log_in: LogIn, suspended: Delegation
) -> None:
    Delegation.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now() + timedelta(hours=1))
    page, bert = page_of(suspended, "resume"), log_in("bert", "Approver")
    seen = bert.get(page).context["form"].initial["seen"]
    Delegation.objects.filter(pk=suspended.pk).update(suspended_by="staff carl", suspend_reason="The key leaked.")
    answer = bert.post(page, {"reason": WHY, "seen": seen}, follow=True)
    assert "has changed since you opened the page" in answer.content.decode()
    assert is_suspended(suspended)
    bert.post(page, {"reason": WHY})
    assert is_suspended(suspended), "nothing seen, nothing decided"


def test_a1_two_who_resume_at_once_resume_it_once(log_in: LogIn, suspended: Delegation) -> None:
    Delegation.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now() + timedelta(hours=1))
    page, bert, carl = page_of(suspended, "resume"), log_in("bert", "Approver"), log_in("carl", "Approver")
    seen = [client.get(page).context["form"].initial["seen"] for client in (bert, carl)]
    for client, what in zip((bert, carl), seen, strict=True):
        client.post(page, {"reason": WHY, "seen": what})
    assert [event.actor for event in suspended.events.filter(what="resumed")] == ["staff bert"]


def test_a1_who_lost_the_right_resumes_nothing(log_in: LogIn, suspended: Delegation) -> None:
    page, bert = page_of(suspended, "resume"), log_in("bert", "Approver")
    seen = bert.get(page).context["form"].initial["seen"]
    User.objects.get(username="bert").groups.remove(Group.objects.get(name="Approver"))
    assert bert.post(page, {"reason": WHY, "seen": seen}).status_code == 403
    assert is_suspended(suspended)


def test_an_account_or_a_second_factor_made_after_the_suspension_resumes_nothing(
    log_in: LogIn, suspended: Delegation
) -> None:
    page = page_of(suspended, "resume")
    act(log_in("dora", "Approver"), page, WHY)
    assert is_suspended(suspended), "an account made up after the suspension"
    enrol(username="carl", password="", groups=[])
    act(log_in("carl", "Approver"), page, WHY)
    assert is_suspended(suspended), "a second factor taken over after the suspension"

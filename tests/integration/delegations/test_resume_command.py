"""`resume_delegation`: who lifts a suspension is somebody else, and proves it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delegations import services
from delegations.models import Delegation
from staff.enrolment import enrol
from tests.integration.delegations.conftest import Desk, story
from tests.integration.delegations.test_commands import BOB, attempt, run
from tests.support.staff_login import code_now


@pytest.fixture
def suspended(desk: Desk) -> Delegation:
    """A delegation that bob has suspended by command."""
    row = desk.activate(desk.new_safe())
    run("suspend_delegations", "--user", "ann", *BOB)
    return row


def resume(row: Delegation, actor: str, code: str) -> int:
    """The exit code of the command."""
    words = ("--yes", "--actor", actor, "--reason", "false alarm", "--code", code)
    return attempt("resume_delegation", "--id", str(row.pk), *words)[0]


def test_a_second_person_resumes_with_a_code_of_their_own(suspended: Delegation) -> None:
    assert resume(suspended, "amy", code_now("amy")) == 0
    suspended.refresh_from_db()
    assert (suspended.suspended, story(suspended)[-2:]) == (False, ["suspended", "resumed"])
    assert suspended.events.latest("id").actor == "staff amy"


def test_who_suspended_may_not_resume_even_with_their_code(suspended: Delegation) -> None:
    assert resume(suspended, "bob", code_now("bob")) == 1
    suspended.refresh_from_db()
    assert suspended.suspended


def test_another_persons_name_without_their_code_resumes_nothing(suspended: Delegation) -> None:
    assert resume(suspended, "amy", code_now("bob")) == 1
    suspended.refresh_from_db()
    assert suspended.suspended


def test_a_code_works_once(suspended: Delegation) -> None:
    code = code_now("amy")
    assert resume(suspended, "amy", code) == 0
    services.suspend_delegation(delegation_id=suspended.pk, actor="staff bob", reason="again")
    assert resume(suspended, "amy", code) == 1


def test_a_person_made_up_after_the_suspension_resumes_nothing(suspended: Delegation) -> None:
    enrol(username="carl", password="", groups=["Approver"])
    assert resume(suspended, "carl", code_now("carl")) == 1
    enrol(username="amy", password="", groups=[])
    assert resume(suspended, "amy", code_now("amy")) == 1, "a second factor newer than the suspension was taken"
    suspended.refresh_from_db()
    assert suspended.suspended
    Delegation.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now() + timedelta(hours=1))
    assert resume(suspended, "carl", code_now("carl")) == 0


def test_only_who_may_approve_resumes(suspended: Delegation) -> None:
    enrol(username="otto", password="", groups=["Operator"])
    Delegation.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now() + timedelta(hours=1))
    assert resume(suspended, "otto", code_now("otto")) == 1


def test_usage(desk: Desk) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    amy = ("--yes", "--actor", "amy", "--reason", "false alarm")
    assert attempt("resume_delegation", "--id", nobody, *amy) == (2, {})
    assert attempt("resume_delegation", "--id", nobody, *amy, "--code", "1") == (1, {})

"""The trail sees what went past the services, names the person at a page, and cannot be changed."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from delegations.models import Delegation
from staff.models import TrackedDelegation
from tests.integration.staff.conftest import LogIn
from tests.support.staff_rows import StaffRows

Change = apps.get_model("staff", "DelegationChange")


def test_bulk_updates_and_sql_are_seen(rows: StaffRows) -> None:
    Delegation.objects.filter(pk=rows.delegation.pk).update(last_error="by_hand")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ostium_delegations SET suspended = true WHERE id = %s", [rows.delegation.pk])
    seen = Change.objects.filter(pgh_obj_id=rows.delegation.pk).order_by("pgh_id")
    assert list(seen.values_list("pgh_label", "last_error", "suspended")) == [
        ("insert", "", False),
        ("update", "by_hand", False),
        ("update", "by_hand", True),
    ]


def test_chain_readings_leave_no_noise(rows: StaffRows) -> None:
    before = Change.objects.count()
    TrackedDelegation.objects.filter(pk=rows.delegation.pk).update(chain_block=9999)
    assert Change.objects.count() == before


@pytest.mark.parametrize(
    "statement", ["UPDATE staff_delegationchange SET suspended = true", "DELETE FROM staff_delegationchange"]
)
def test_the_trail_cannot_be_changed(rows: StaffRows, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_change_from_a_page_names_the_person(log_in: LogIn, rows: StaffRows) -> None:
    page = reverse("admin:delegation_action", args=[rows.delegation.pk, "suspend"])
    log_in("otto", "Operator").post(page, {"reason": "The owner called us."})
    change = Change.objects.select_related("pgh_context").latest("pgh_id")
    assert change.pgh_context.metadata == {"person": "otto", "page": page}


def test_people_and_memberships_are_seen(log_in: LogIn) -> None:
    log_in("otto", "Operator")
    person = User.objects.get(username="otto")
    person.groups.add(Group.objects.get(name="Approver"))
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    people = apps.get_model("staff", "PersonChange").objects.filter(id=person.pk)
    assert people.latest("pgh_id").is_superuser
    joined = apps.get_model("staff", "MembershipChange").objects.filter(user_id=person.pk, pgh_label="insert")
    assert set(joined.values_list("group__name", flat=True)) == {"Operator", "Approver"}

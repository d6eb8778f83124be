"""The trail sees what went past the services, names the person at a page, and cannot be changed."""

from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from delegations.models import Delegation
from ostium_service.doctor import Verdict
from safeguards.models import Grant
from staff.models import TrackedDelegation
from staff.trail import examine_trail
from tests.integration.staff.conftest import LogIn
from tests.support.staff_rows import StaffRows

Change = apps.get_model("staff", "DelegationChange")


def test_a2_bulk_updates_and_sql_are_seen(rows: StaffRows) -> None:
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
def test_a3_the_trail_cannot_be_changed(rows: StaffRows, statement: str) -> None:
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


def test_a2_the_trail_says_what_changed_from_what_to_what_and_by_whom(log_in: LogIn, rows: StaffRows) -> None:
    client = log_in("otto", "Operator")
    client.post(reverse("admin:delegation_action", args=[rows.delegation.pk, "suspend"]), {"reason": "They called us."})
    shown = client.get("/admin/staff/delegationchange/", {"q": rows.delegation.safe_address})
    newest = shown.context["cl"].result_list[0]
    page = client.get(f"/admin/staff/delegationchange/{newest.pk}/change/")
    assert page.context["differences"] == [
        ("suspended", "no", "yes"),
        ("suspended by", "nothing", "staff otto"),
        ("suspend reason", "nothing", "They called us."),
    ]
    assert dict(page.context["context"])["person"] == "otto"
    assert "suspended: no → <b>yes</b>" in shown.content.decode()
    by_person = client.get("/admin/staff/delegationchange/", {"q": "otto"}).context["cl"].result_list
    assert [row.pk for row in by_person] == [newest.pk]
    assert not client.get("/admin/staff/delegationchange/", {"q": "nobody"}).context["cl"].result_list


@pytest.mark.parametrize("trail", ["delegation", "safetransaction", "grant", "signer", "execution"])
def test_every_trail_is_shown_and_changed_by_nobody(log_in: LogIn, rows: StaffRows, trail: str) -> None:
    client, place = log_in("vera", "Viewer"), f"/admin/staff/{trail}change/"
    first = client.get(place).context["cl"].result_list[0]
    assert client.get(f"{place}{first.pk}/change/").status_code == 200
    assert client.post(f"{place}{first.pk}/change/", {}).status_code == 403
    assert client.get(f"{place}999999999/change/").status_code == 404


def past_the_triggers(statement: str, key: UUID) -> None:
    """As somebody who owns the tables could."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, [key])
        cursor.execute("SET session_replication_role = origin")


@pytest.mark.parametrize(
    ("statement", "label"),
    [
        ("UPDATE ostium_delegations SET suspended = true WHERE id = %s", "delegations.Delegation"),
        ("DELETE FROM staff_delegationchange WHERE pgh_obj_id = %s", "delegations.Delegation"),
        ("UPDATE perps_executions SET state = 'MINED' WHERE id = %s", "positions.PerpsExecution"),
        ("DELETE FROM perps_executions WHERE id = %s", "positions.PerpsExecution"),
    ],
)
def test_a3_doctor_names_a_row_that_was_changed_past_the_trail(rows: StaffRows, statement: str, label: str) -> None:
    (well,) = examine_trail()
    assert (well.verdict, well.facts) == (Verdict.OK, {})
    row = rows.delegation if label == "delegations.Delegation" else rows.execution
    past_the_triggers(statement, row.pk)
    (found,) = examine_trail()
    assert (found.verdict, found.why, found.facts) == (
        Verdict.FAILED,
        "changed_past_the_trail",
        {label: [str(row.pk)]},
    )
    if "DELETE FROM perps" in statement:
        past_the_triggers("DELETE FROM perps_execution_events WHERE execution_id = %s", row.pk)


def test_a3_an_honest_delete_is_told_and_no_finding(rows: StaffRows) -> None:
    Grant.objects.all().delete()
    assert [finding.verdict for finding in examine_trail()] == [Verdict.OK]

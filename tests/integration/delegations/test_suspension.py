"""Suspending and resuming: at once, of the whole Safe, and never by one person alone."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from delegations import services
from delegations.models import Delegation, DelegationEvent
from delegations.selectors import tradable_delegation
from ostium_service.http import errors
from ostium_service.types import Network
from safeguards.models import Grant
from tests.integration.delegations.conftest import Desk, story

ANNA, BEN = "staff anna", "staff ben"


def test_a_suspension_bites_at_once_and_is_lifted_by_a_second_person(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    suspended = services.suspend_delegation(delegation_id=row.pk, actor=ANNA, reason="odd trades")

    assert (suspended.status, suspended.suspended, suspended.suspended_by) == ("ACTIVE", True, ANNA)
    assert Grant.objects.get(trader=safe.address).suspended
    with pytest.raises(errors.DelegationSuspended):
        tradable_delegation(network=Network.TESTNET, trader=safe.address)
    for same in (ANNA, " Staff Anna "):
        with pytest.raises(services.SecondPersonRequired):
            services.resume_delegation(delegation_id=row.pk, actor=same, reason="fine again")
    resumed = services.resume_delegation(delegation_id=row.pk, actor=BEN, reason="talked to them")

    assert (resumed.suspended, resumed.suspended_by, Grant.objects.get(trader=safe.address).suspended) == (
        False,
        "",
        False,
    )
    assert story(row)[-2:] == ["suspended", "resumed"]
    assert row.events.last().evidence == {"reason": "talked to them", "suspendedBy": [ANNA]}  # type: ignore[union-attr]


def test_suspending_again_keeps_the_first_person_and_writes_nothing(desk: Desk) -> None:
    row = desk.activate(desk.new_safe())
    services.suspend_delegation(delegation_id=row.pk, actor=ANNA, reason="first")
    before = DelegationEvent.objects.count()
    again = services.suspend_delegation(delegation_id=row.pk, actor=BEN, reason="second")

    assert (again.suspended_by, again.suspend_reason, DelegationEvent.objects.count()) == (ANNA, "first", before)


def test_neither_another_delegate_nor_another_wish_escapes_a_suspension(desk: Desk) -> None:
    safe = desk.new_safe()
    first = desk.activate(safe)
    services.suspend_delegation(delegation_id=first.pk, actor=ANNA, reason="held")
    second = desk.activate(safe, delegate=desk.new_delegate())

    assert (second.suspended, second.suspended_by) == (True, ANNA)
    assert Grant.objects.get(trader=safe.address).suspended
    with pytest.raises(services.SecondPersonRequired):
        services.resume_delegation(delegation_id=second.pk, actor=ANNA, reason="new key")


def test_a_wish_suspended_before_it_is_active_becomes_active_suspended(desk: Desk) -> None:
    safe = desk.new_safe()
    wish = desk.prepare(safe).safe_transaction.delegation
    services.suspend_delegation(delegation_id=wish.pk, actor=ANNA, reason="look first")
    row = desk.activate(safe)

    assert (row.pk, row.suspended) == (wish.pk, True)
    assert Grant.objects.get(trader=safe.address).suspended


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), (ANNA, " ")])
def test_who_and_why_are_required(desk: Desk, actor: str, reason: str) -> None:
    row = desk.prepare(desk.new_safe()).safe_transaction.delegation

    with pytest.raises(ValueError, match="names its actor and its reason"):
        services.suspend_delegation(delegation_id=row.pk, actor=actor, reason=reason)
    assert not Delegation.objects.get(pk=row.pk).suspended


def test_a_thousand_are_suspended_in_a_handful_of_queries(desk: Desk) -> None:
    rows = [
        Delegation(
            user_id="many",
            network="testnet",
            safe_address=f"0x{number:040x}",
            delegate_address=desk.delegate,
            trading_contract=desk.delegate,
            status="ACTIVE",
        )
        for number in range(70_000, 71_000)
    ]
    Delegation.objects.bulk_create(rows)
    Grant.objects.bulk_create(
        [
            Grant(network="testnet", trader=row.safe_address, delegate=row.delegate_address, state="active")
            for row in rows
        ]
    )
    with CaptureQueriesContext(
        connection,
    ) as queries:
        wanted = Delegation.objects.filter(delegate_address=desk.delegate)
        assert services.suspend_delegations(rows=wanted, actor=ANNA, reason="key at risk") == 1000

    assert len(queries) <= 8
    assert Delegation.objects.filter(suspended=True).count() == Grant.objects.filter(suspended=True).count() == 1000
    assert DelegationEvent.objects.filter(what="suspended", actor=ANNA).count() == 1000


def test_staff_ask_for_a_revocation_and_owners_sign_it(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    prepared = services.request_revocation(delegation_id=row.pk, actor=ANNA, reason="customer left")

    assert (prepared.safe_transaction.kind, story(row)[-2:]) == ("revoke", ["revoke_prepared", "revocation_requested"])
    with pytest.raises(ValueError, match="reason"):
        services.request_revocation(delegation_id=row.pk, actor=ANNA, reason="")


def test_a_check_reads_the_chain_and_tells_so(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    state = services.check_on_chain(delegation_id=row.pk, actor=ANNA)
    row.refresh_from_db()

    assert (state.delegate, state.matches, state.allowance) == (desk.delegate, True, 1_000_000_000)
    assert (row.chain_delegate, row.chain_allowance) == (str(desk.delegate), Decimal(1_000_000_000))
    assert row.checked_at is not None
    assert story(row)[-1] == "checked_on_chain"

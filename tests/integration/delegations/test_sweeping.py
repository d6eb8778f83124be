"""The sweep over submitted transactions: bounded, ever less often, the longest unseen first, many in a request."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from delegations import services
from delegations.models import SafeTransaction
from delegations.services import PreparedTransaction, following
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call, StateRead
from ostium_service.types import Network
from tests.integration.delegations.conftest import Desk, fresh, sign_all
from tests.support.safes import OwnedSafe


def hand_back(desk: Desk, safe: OwnedSafe) -> tuple[PreparedTransaction, bytes]:
    prepared = desk.prepare(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
    assert outcome.call_data is not None
    return prepared, outcome.call_data


def sweep() -> int:
    return services.sweep_submissions(actor="worker")


@pytest.mark.parametrize(
    ("age", "unseen", "is_due"),
    [
        (timedelta(minutes=9), timedelta(seconds=0), True),
        (timedelta(minutes=11), timedelta(seconds=50), False),
        (timedelta(minutes=11), timedelta(seconds=70), True),
        (timedelta(minutes=61), timedelta(minutes=9), False),
        (timedelta(minutes=61), timedelta(minutes=11), True),
        (timedelta(hours=25), timedelta(hours=1), False),
    ],
)
def test_a_handed_back_transaction_is_looked_for_ever_less_often(
    desk: Desk, age: timedelta, unseen: timedelta, is_due: bool
) -> None:
    safe = desk.new_safe()
    prepared, call_data = hand_back(desk, safe)
    now = timezone.now()
    SafeTransaction.objects.update(updated_at=now - age, looked_at=now - unseen)
    assert safe.send(call_data).succeeded

    assert sweep() == int(is_due)
    assert fresh(prepared).state == ("executed" if is_due else "submitted")


def test_one_run_is_bounded_and_the_longest_unseen_come_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [hand_back(desk, desk.new_safe())[0].safe_transaction.pk for _ in range(3)]
    monkeypatch.setattr(following, "BATCH", 2)

    def seen() -> list[bool]:
        found = dict(SafeTransaction.objects.values_list("pk", "looked_at"))
        return [found[pk] is not None for pk in rows]

    assert (sweep(), seen()) == (2, [True, True, False])
    before = dict(SafeTransaction.objects.values_list("pk", "looked_at"))
    assert (sweep(), seen()) == (2, [True, True, True])
    after = dict(SafeTransaction.objects.values_list("pk", "looked_at"))
    assert [after[pk] == before[pk] for pk in rows] == [False, True, False]


def test_safes_that_have_not_moved_are_read_in_one_request(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [hand_back(desk, desk.new_safe())[0] for _ in range(2)]
    safe = desk.new_safe()
    sent, call_data = hand_back(desk, safe)
    arbitrum, sizes = composition.arbitrum(Network.TESTNET), []
    read_state = arbitrum.read_state

    def count_calls(calls: Sequence[Call]) -> StateRead:
        sizes.append(len(calls))
        return read_state(calls)

    monkeypatch.setattr(arbitrum, "read_state", count_calls)
    assert (sweep(), sizes) == (3, [3])
    assert safe.send(call_data).succeeded
    assert sweep() == 3
    assert [fresh(row).state for row in (*waiting, sent)] == ["submitted", "submitted", "executed"]

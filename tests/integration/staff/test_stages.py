"""Lists, filters and counts of stages say the same of every row, whatever its approval went through."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from delegations.models import Confirmation, Delegation, SafeTransaction
from delegations.stages import STAGES, annotate_stage, count_stages, filter_stage
from tests.integration.staff.conftest import LogIn

LIST = "/admin/delegations/delegation/"
State, Status = SafeTransaction.State, Delegation.Status
ERRORS = ("", "superseded", "replaced_on_chain", "removed_on_chain")


def make_transaction(row: Delegation, *, kind: str, state: str, expires_in: int | None, signed: bool) -> None:
    made = SafeTransaction.objects.create(
        delegation=row,
        network=row.network,
        kind=kind,
        safe_tx_hash=f"0x{row.pk.hex:>064}",
        safe_tx_data={},
        nonce=0,
        safe_version="1.4.1",
        owners=[],
        threshold=1,
        state=state,
        expires_at=None if expires_in is None else timezone.now() + timedelta(minutes=expires_in),
    )
    if signed:
        Confirmation.objects.create(safe_transaction=made, owner="0x" + "11" * 20, kind="eip712", signature=b"")
    if kind == SafeTransaction.Kind.APPROVE:
        Delegation.objects.filter(pk=row.pk).update(approval=made)


@pytest.fixture
def every_kind(db: None) -> int:
    """A row for every status, error, and state, expiry and signature of its approval or revocation; how many."""
    number = 0
    shapes = [None, *product(State.values, (None, 5, -5), (False, True))]
    for status, error, shape, revoking in product(Status.values, ERRORS, shapes, (False, True)):
        row = Delegation.objects.create(
            user_id=f"user-{number}",
            network="testnet",
            safe_address=f"0x{number:040x}",
            delegate_address="0x" + "22" * 20,
            trading_contract="0x" + "33" * 20,
            status=status,
            last_error=error,
        )
        number += 1
        if shape is not None:
            state, expires_in, signed = shape
            make_transaction(row, kind="approve", state=state, expires_in=expires_in, signed=signed)
        if revoking and shape is None:
            make_transaction(row, kind="revoke", state=State.SUBMITTED, expires_in=None, signed=False)
    return number


def test_a_filter_finds_what_the_list_calls_so_and_the_counts_add_up(every_kind: int) -> None:
    named: dict[str, set[object]] = {stage: set() for stage in STAGES}
    rows: QuerySet[Any] = annotate_stage(Delegation.objects.order_by())
    for row in rows:
        named[row.stage].add(row.pk)
    assert all(named.values()), "a stage that no row is in proves nothing"
    for stage, keys in named.items():
        assert set(filter_stage(Delegation.objects.all(), stage).values_list("pk", flat=True)) == keys, stage
    assert dict(count_stages()) == {stage: len(keys) for stage, keys in named.items()}
    assert sum(number for _, number in count_stages()) == every_kind


def test_an_unknown_stage_finds_nothing(every_kind: int) -> None:
    assert not filter_stage(Delegation.objects.all(), "no_such_stage").exists()


def test_every_row_stands_on_exactly_one_page_of_the_list(log_in: LogIn, every_kind: int) -> None:
    client, seen = log_in("vera", "Viewer"), []
    for page in range(1, every_kind // 50 + 2):
        shown = client.get(LIST, {"p": page}).context["cl"]
        seen += [row.pk for row in shown.result_list]
    newest_first = Delegation.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)
    assert seen == list(newest_first)

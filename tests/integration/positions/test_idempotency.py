"""One key, one effect: twins, replays, corrections, take-overs and late writers."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from ostium_service.http import errors
from ostium_service.types import Network
from positions.models import ExecutionState, PerpsExecution
from positions.services import ledger
from positions.services.ledger import Intent, claim_execution
from relay.models import OutboundTransaction
from tests.integration.positions.conftest import Desk


def age(row: PerpsExecution, **changes: Any) -> None:
    """Move a row's times into the past."""
    PerpsExecution.objects.filter(pk=row.pk).update(**changes)


def make_intent(desk: Desk, **changes: Any) -> Intent:
    fields: dict[str, Any] = {
        "operation": "open",
        "network": Network.TESTNET,
        "trader": desk.trader,
        "key": "k",
        "request": {"market": "BTC"},
        "request_id": "test",
        **changes,
    }
    return Intent(**fields)


def test_repeated_request_gets_the_first_answer_and_no_second_trade(desk: Desk) -> None:
    first = desk.open(key="once")
    sent = desk.sent()
    again = desk.open(key="once")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data
    assert (desk.sent(), desk.open_trades(), PerpsExecution.objects.count()) == (sent, 1, 1)


def test_numbers_written_differently_are_the_same_request(desk: Desk) -> None:
    desk.open(key="same", collateral=Decimal("100"))
    assert desk.open(key="same", collateral=Decimal("100.000")).replayed


def test_i2_other_parameters_under_a_used_key(desk: Desk) -> None:
    first = desk.open(key="used")
    with pytest.raises(errors.IdempotencyKeyReused) as caught:
        desk.open(key="used", collateral=Decimal(101))
    assert caught.value.details == {"executionId": first.data["executionId"], "reason": "other_parameters"}
    assert desk.open_trades() == 1


def test_i2_another_operation_and_another_trader_have_their_own_keys(desk: Desk) -> None:
    desk.open(key="shared")
    assert not desk.close(key="shared").replayed
    mine = claim_execution(intent=make_intent(desk, key="scope"))
    other = claim_execution(intent=make_intent(desk, key="scope", trader="0x" + "ab" * 20))
    assert mine.execution.pk != other.execution.pk


def test_i6_key_older_than_a_day_names_its_execution_for_good(desk: Desk) -> None:
    first = desk.open(key="fixed in a configuration")
    row = PerpsExecution.objects.get()
    age(row, created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert desk.open(key=row.idempotency_key).replayed
    age(row, created_at=timezone.now() - timedelta(days=1000))
    with pytest.raises(errors.IdempotencyKeyReused) as caught:
        desk.open(key=row.idempotency_key)
    assert caught.value.details == {"executionId": first.data["executionId"], "reason": "key_too_old"}


def test_i4_a_refused_request_may_be_corrected_under_its_key(desk: Desk) -> None:
    with pytest.raises(errors.LeverageTooHigh):
        desk.open(key="typo", leverage=Decimal(1000))
    assert desk.open(key="typo").data["status"] == "settled"
    assert Counter(PerpsExecution.objects.values_list("state", flat=True)) == {"REJECTED": 1, "SETTLED": 1}


def test_replay_of_a_failure_is_the_failure_marked(desk: Desk) -> None:
    desk.sandbox.control.cancel_next(reason=3)
    for headers in ({}, {"Idempotency-Replayed": "true"}):
        with pytest.raises(errors.OrderCancelled) as caught:
            desk.open(key="cancelled")
        assert dict(caught.value.headers) == headers
    assert PerpsExecution.objects.count() == 1


def test_twin_of_a_running_request_is_told_to_wait(desk: Desk) -> None:
    claim_execution(intent=make_intent(desk))
    with pytest.raises(errors.IdempotencyInProgress) as caught:
        claim_execution(intent=make_intent(desk))
    assert caught.value.headers == {"Retry-After": "1"}


def test_i7_row_of_a_dead_process_is_taken_over_after_its_lease(desk: Desk) -> None:
    dead = claim_execution(intent=make_intent(desk)).execution
    age(dead, leased_until=timezone.now() - timedelta(seconds=1))
    taken = claim_execution(intent=make_intent(desk))
    assert (taken.execution.pk, taken.replayed) == (dead.pk, False)
    assert taken.execution.lease_token != dead.lease_token
    with pytest.raises(errors.IdempotencyInProgress):
        claim_execution(intent=make_intent(desk))


def test_b4_late_writer_cannot_sign_after_a_take_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first process stalls past its lease; the retry trades; the first is refused at its signature."""
    original = ledger.lock_for_signing
    target = "positions.services.pipeline.lock_for_signing"
    retried: list[Any] = []

    def stall(*, execution: PerpsExecution) -> PerpsExecution:
        monkeypatch.setattr(target, original)
        with ThreadPoolExecutor(1) as pool:
            retried.append(pool.submit(retry, execution).result())
        return original(execution=execution)

    def retry(execution: PerpsExecution) -> Any:
        try:
            age(execution, leased_until=timezone.now() - timedelta(seconds=1))
            return desk.open(key="slow")
        finally:
            connection.close()

    monkeypatch.setattr(target, stall)
    late = desk.open(key="slow")
    assert late.data["executionId"] == retried[0].data["executionId"]
    assert (OutboundTransaction.objects.count(), desk.open_trades()) == (1, 1)


def test_b3_sweep_ends_what_nobody_takes_over_and_frees_the_key(desk: Desk) -> None:
    from positions.services.working import sweep_executions

    dead = claim_execution(intent=make_intent(desk)).execution
    past = timezone.now() - timedelta(minutes=1)
    age(dead, checked_at=past)
    sweep_executions()
    dead.refresh_from_db()
    assert dead.state == ExecutionState.RECEIVED, "its lease still runs"
    age(dead, checked_at=past, leased_until=past)
    sweep_executions()
    dead.refresh_from_db()
    assert (dead.state, dead.reason) == (ExecutionState.REJECTED, "abandoned before its signature")
    assert not claim_execution(intent=make_intent(desk)).replayed


def test_i1_fifty_identical_requests_at_once_make_one_trade(desk: Desk) -> None:
    def ask(_: int) -> str:
        try:
            return str(desk.open(key="fifty").data["status"])
        except errors.IdempotencyInProgress:
            return "in progress"
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        outcomes = Counter(pool.map(ask, range(50)))
    assert set(outcomes) <= {"settled", "submitted", "mined", "in progress"}
    assert outcomes["settled"] >= 1
    assert (PerpsExecution.objects.count(), desk.open_trades(), desk.sent()) == (1, 1, 1)


def test_reject_leaves_a_row_that_moved_on(desk: Desk) -> None:
    """A refusal that comes late must not overwrite a signed row, whose transaction may be out."""
    desk.open(key=str(uuid4()))
    row = PerpsExecution.objects.get()
    kept = ledger.reject_execution(execution=row, code="PRICE_STALE", reason="")
    assert (kept.state, kept.error_code) == (ExecutionState.SETTLED, "")


def test_events_cannot_be_changed(desk: Desk) -> None:
    from django.db import DatabaseError, transaction

    claim_execution(intent=make_intent(desk))
    for act in ("UPDATE perps_execution_events SET reason = ''", "DELETE FROM perps_execution_events"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(act)

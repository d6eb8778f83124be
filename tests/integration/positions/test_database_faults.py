"""The database failing under a write: undone units run again whole; a stored signature is never told as an error."""

import time
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

from positions.models import ExecutionState, PerpsExecution
from positions.services import ledger, pipeline
from positions.services.working import follow_execution
from tests.integration.positions.conftest import Desk
from tests.support.services import wait_for

LONGEST_LOCK_WAIT_SECONDS = 8.0


def fail_once(cause: Exception) -> Any:
    """A stand-in for `write_move` that fails the first time as the server does when it undoes a transaction."""
    real = ledger.write_move
    failed: list[bool] = []

    def write(**named: Any) -> PerpsExecution:
        if not failed:
            failed.append(True)
            raise OperationalError(str(cause)) from cause
        return real(**named)

    return write


@pytest.mark.parametrize("cause", [SerializationFailure("40001"), DeadlockDetected("40P01")])
def test_b1_an_undone_signature_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch, cause: Exception) -> None:
    monkeypatch.setattr(pipeline, "write_move", fail_once(cause))
    answer = desk.open()
    assert answer.data["status"] == "settled"
    assert (desk.sent(), desk.open_trades()) == (1, 1)


@pytest.mark.parametrize("cause", [SerializationFailure("40001"), DeadlockDetected("40P01")])
def test_b1_an_undone_move_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch, cause: Exception) -> None:
    monkeypatch.setattr(ledger, "write_move", fail_once(cause))
    answer = desk.open()
    assert answer.data["status"] == "settled"
    [row] = PerpsExecution.objects.all()
    states = list(row.events.order_by("id").values_list("to_state", flat=True))
    assert states == ["RECEIVED", "SIGNED", "SENT", "MINED", "SETTLED"]


@pytest.mark.parametrize("step", ["_broadcast", "wait_for_outcome"])
def test_b2_a_database_that_dies_after_the_signature(desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The connection is cut for real, by the server, before the step's first query."""
    real = getattr(pipeline, step)

    def cut(*args: Any, **named: Any) -> Any:
        kill_own_connection()
        return real(*args, **named)

    monkeypatch.setattr(pipeline, step, cut)
    answer = desk.open(key="k").data
    assert answer["status"] == "submitted"
    assert len(answer["txHash"]) == 66
    monkeypatch.undo()
    row_id = UUID(answer["executionId"])
    wait_for(
        lambda: follow_execution(execution_id=row_id).state == ExecutionState.SETTLED, seconds=30, purpose="the trade"
    )
    assert desk.open(key="k").data["status"] == "settled"
    assert desk.open_trades() == 1


def kill_own_connection() -> None:
    """Let the server end the connection that this thread holds; what uses it next fails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()


def test_b7_a_migration_that_meets_a_busy_table_gives_up_instead_of_stopping_trading(desk: Desk) -> None:
    """Everything queues behind a waiting ALTER TABLE, so it may not wait longer than the connection's lock_timeout."""
    desk.open()
    writer = connection.copy()
    writer.set_autocommit(False)
    try:
        with writer.cursor() as cursor:
            cursor.execute("UPDATE perps_executions SET checked_at = now()")
        started = time.monotonic()
        with (
            pytest.raises(OperationalError, match="lock timeout"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("ALTER TABLE perps_executions ADD COLUMN made_up integer")
        assert time.monotonic() - started < LONGEST_LOCK_WAIT_SECONDS
    finally:
        writer.rollback()
        writer.close()
    assert desk.close().data["status"] == "settled"

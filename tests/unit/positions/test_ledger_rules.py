"""Moves, fingerprints and cancel reasons: the parts of the ledger that need no database."""

import importlib
import re

import pytest

from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.cancel_reasons import CANCEL_REASONS, name_cancel_reason
from positions.models import FINAL_STATES, ExecutionState, Operation, PerpsExecution
from positions.services.answers import FAILURES, STATUSES, describe_outcome
from positions.services.ledger import MOVES, PUT_BACKS, Intent
from positions.services.refusals import FAILED_CODES

TRADER = Address("0x" + "11" * 20)


def moves_of_the_trigger() -> set[tuple[str, str]]:
    migration = importlib.import_module("positions.migrations.0007_moves")
    return set(re.findall(r"\('([A-Z]+)', '([A-Z]+)'\)", migration.FORWARD))


def test_the_trigger_knows_the_same_moves() -> None:
    """A move added on one side only: add it to services/ledger.py and to a new migration of the trigger."""
    known = [(before, str(after)) for moves in (MOVES, PUT_BACKS) for before, ends in moves.items() for after in ends]
    assert sorted(known) == sorted(moves_of_the_trigger())


def test_every_state_has_its_moves_and_an_end_is_left_only_by_a_vanished_block() -> None:
    """SENT and MINED are where a row is followed again from; a row that was never signed has nothing to follow."""
    assert set(MOVES) == set(ExecutionState)
    assert not any(MOVES[state] for state in FINAL_STATES)
    assert {after for moves in PUT_BACKS.values() for after in moves} == {ExecutionState.SENT, ExecutionState.MINED}
    assert set(PUT_BACKS) == {ExecutionState.MINED, *FINAL_STATES} - {ExecutionState.REJECTED}


def test_no_move_skips_or_undoes_the_signature() -> None:
    assert MOVES[ExecutionState.RECEIVED] == {ExecutionState.SIGNED, ExecutionState.REJECTED}
    assert not any(ExecutionState.RECEIVED in moves for moves in MOVES.values())
    assert [state for state, moves in MOVES.items() if ExecutionState.SIGNED in moves] == [ExecutionState.RECEIVED]


def test_only_unsigned_rows_are_rejected_and_only_unmined_ones_expire() -> None:
    assert [s for s, moves in MOVES.items() if ExecutionState.REJECTED in moves] == [ExecutionState.RECEIVED]
    assert {s for s, moves in MOVES.items() if ExecutionState.EXPIRED in moves} == {
        ExecutionState.SIGNED,
        ExecutionState.SENT,
    }


def test_every_state_a_caller_may_meet_is_a_status_or_a_failure() -> None:
    unanswered = {ExecutionState.RECEIVED, ExecutionState.REJECTED}
    assert set(STATUSES) | set(FAILURES) == set(ExecutionState) - unanswered


def test_every_operation_has_its_failure_code() -> None:
    assert set(FAILED_CODES) == set(Operation)


def make_intent(**request: object) -> Intent:
    return Intent(operation="open", network=Network.TESTNET, trader=TRADER, key="k", request=request, request_id="r")


def test_fingerprint_is_of_the_parameters_whatever_their_order() -> None:
    assert make_intent(a="1", b=None).fingerprint == make_intent(b=None, a="1").fingerprint
    different = [make_intent(a="1"), make_intent(a="2"), make_intent(a=1), make_intent(a=None), make_intent(b="1")]
    assert len({intent.fingerprint for intent in different}) == len(different)


def test_cancel_reasons_keep_the_venue_numbers() -> None:
    assert [name_cancel_reason(number) for number in (3, 9, 15)] == ["SLIPPAGE", "NO_TRADE", "WRONG_TRADE"]
    assert len(CANCEL_REASONS) == 16


@pytest.mark.parametrize("number", [16, 255])
def test_t1_future_cancel_reason_stays_a_number(number: int) -> None:
    assert name_cancel_reason(number) == f"REASON_{number}"


@pytest.mark.parametrize(
    ("state", "failure"),
    [
        ("CANCELLED", errors.OrderCancelled),
        ("REVERTED", errors.TxReverted),
        ("EXPIRED", errors.ExecutionExpired),
    ],
)
def test_failed_execution_is_an_error_with_its_reason(state: str, failure: type[errors.ServiceError]) -> None:
    row = PerpsExecution(state=state, tx_hash="0xab", reason="WHY", network="testnet")
    with pytest.raises(failure) as caught:
        describe_outcome(execution=row, replayed=True)
    assert caught.value.details == {"executionId": str(row.pk), "txHash": "0xab", "reason": "WHY"}
    assert caught.value.headers == {"Idempotency-Replayed": "true"}
    assert not caught.value.retryable

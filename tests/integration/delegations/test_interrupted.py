"""Executions that are repeated, interrupted, or end otherwise than they began."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from delegations import services, tasks
from delegations.models import SafeTransaction
from delegations.services import executing, following, settling
from ostium_service.gateways.ostium_contracts import encode_set_delegate
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay import services as relay
from relay.clock import database_now
from relay.models import OutboundTransaction
from sandbox import addresses
from tests.integration.delegations.conftest import Desk, fresh, grant_of, sent_hash, sign_all, story

PATIENCE = 15.0


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_twins_at_once_send_one_transaction(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    signatures = sign_all(safe, prepared)

    def attempt(_: int) -> str:
        try:
            return desk.execute(prepared, signatures).safe_transaction.delegation.status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(attempt, range(5))) == ["ACTIVE"] * 5
    assert OutboundTransaction.objects.count() == 1


def test_a_process_that_dies_between_storing_and_sending_leaves_it_to_the_worker(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)

    def die(*, transaction_id: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(relay, "broadcast", die)
        with pytest.raises(SystemExit):
            desk.execute(prepared, sign_all(safe, prepared))
    row = fresh(prepared)
    jobs = ProcrastinateJob.objects.filter(task_name="delegations.follow_safe_transaction")
    assert (row.state, row.delegation.status, safe.nonce()) == ("submitted", "PENDING", 0)
    assert jobs.filter(args={"safe_transaction_id": str(row.pk)}, status="todo").count() == 1

    wait_until(lambda: services.follow_safe_transaction(safe_transaction_id=row.pk, actor="worker"))
    assert (fresh(prepared).delegation.status, safe.nonce(), OutboundTransaction.objects.count()) == ("ACTIVE", 1, 1)


def test_an_answer_in_time_says_what_is_known_and_the_sweep_does_the_rest(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    # Sent by the one look that no patience leaves room for: a block between the two would settle it at once.
    monkeypatch.setattr(relay, "broadcast", lambda **_: None)
    outcome = desk.execute(prepared, sign_all(safe, prepared))
    assert (outcome.safe_transaction.state, outcome.safe_transaction.delegation.status) == ("submitted", "PENDING")
    assert outcome.safe_transaction.delegation.approval_tx_hash == sent_hash(prepared)

    SafeTransaction.objects.update(updated_at="2026-01-01T00:00:00Z")
    wait_until(lambda: services.sweep_submissions(actor="worker") == 0)
    assert fresh(prepared).delegation.status == "ACTIVE"


def let_the_deadline_pass(*, transaction_id: UUID) -> None:
    OutboundTransaction.objects.filter(pk=transaction_id).update(deadline=database_now())


def test_what_was_never_sent_may_be_executed_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    with monkeypatch.context() as patched:
        patched.setattr(relay, "broadcast", let_the_deadline_pass)
        with pytest.raises(errors.ExecutionExpired):
            desk.execute(prepared, sign_all(safe, prepared))
    assert (fresh(prepared).state, fresh(prepared).outbound, safe.nonce()) == ("prepared", None, 0)

    desk.execute(prepared, sign_all(safe, prepared))
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert story(fresh(prepared).delegation) == [
        "approve_prepared",
        "approve_submitted",
        "approve_unsent",
        "approve_submitted",
        "activated",
    ]


def test_a_revert_on_chain_fails_the_wish_and_a_new_one_may_follow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    send = relay.broadcast

    def send_after_the_nonce_moved(**wanted: object) -> object:
        safe.execute(to=safe.owners[0].address, data=b"")
        return send(**wanted)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(relay, "broadcast", send_after_the_nonce_moved)
        with pytest.raises(errors.SafeTxReverted) as refusal:
            desk.execute(prepared, sign_all(safe, prepared))
    row = fresh(prepared)
    assert refusal.value.details == {"reason": "tx_reverted", "txHash": sent_hash(prepared)}
    assert (row.state, row.delegation.status, row.delegation.last_error) == ("failed", "FAILED", "tx_reverted")
    with pytest.raises(errors.SafeTxReverted):
        desk.execute(prepared, sign_all(safe, prepared))

    assert desk.activate(safe).pk != row.delegation.pk


def test_s14_a_delegate_set_by_somebody_else_right_after_ours_leaves_the_wish_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    settle = following.follow_until

    def settle_after_another_app(**wanted: object) -> None:
        wait_until(lambda: safe.nonce() == 1)
        safe.execute(to=addresses.TRADING, data=encode_set_delegate(Address("0x" + "44" * 20)))
        settle(**wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(executing, "follow_until", settle_after_another_app)
    with pytest.raises(errors.DelegationNotActive) as refusal:
        desk.execute(prepared, sign_all(safe, prepared))
    row = fresh(prepared)
    assert isinstance(refusal.value.details, dict)
    assert refusal.value.details["reason"] == "superseded"
    assert (row.state, row.delegation.status, grant_of(safe)) == ("executed", "FAILED", None)


def test_a_node_that_lags_behind_the_receipt_decides_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    with monkeypatch.context() as patched:
        patched.setattr(settling, "read_delegates", lambda **_: ({safe.address: None}, 1))
        outcome = desk.execute(prepared, sign_all(safe, prepared))
    row = outcome.safe_transaction
    assert row.outbound is not None
    assert (row.outbound.state, row.state, row.delegation.status) == ("MINED", "submitted", "PENDING")

    assert services.follow_safe_transaction(safe_transaction_id=row.pk, actor="worker")
    assert fresh(prepared).delegation.status == "ACTIVE"


def test_the_worker_comes_back_until_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    row_id = str(prepared.safe_transaction.pk)
    jobs = ProcrastinateJob.objects.filter(
        task_name="delegations.follow_safe_transaction", args={"safe_transaction_id": row_id}
    )
    with monkeypatch.context() as patched:
        patched.setattr(following, "settle_relayed", lambda **_: None)
        desk.execute(prepared, sign_all(safe, prepared))
        tasks.follow_safe_transaction(row_id)
    assert (fresh(prepared).state, jobs.count()) == ("submitted", 2)

    wait_until(lambda: safe.nonce() == 1)
    tasks.follow_safe_transaction(row_id)
    assert (fresh(prepared).delegation.status, jobs.count()) == ("ACTIVE", 2)


def test_asking_for_the_status_brings_a_lost_transaction_to_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    with monkeypatch.context() as patched:
        patched.setattr(relay, "broadcast", lambda **_: None)
        patched.setattr(executing, "follow_until", lambda **_: None)
        desk.execute(prepared, sign_all(safe, prepared))

    def ask() -> bool:
        status = services.read_status(
            user_id="ann", network=Network.TESTNET, safe=None, delegate=None, actor="user ann"
        )
        return status.delegation is not None and status.delegation.status == "ACTIVE"

    wait_until(ask)
    assert safe.nonce() == 1


def test_the_periodic_jobs_look_after_everything(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    with monkeypatch.context() as patched:
        patched.setattr(executing, "follow_until", lambda **_: None)
        desk.execute(prepared, sign_all(safe, prepared))
    wait_until(lambda: safe.nonce() == 1)
    SafeTransaction.objects.update(updated_at="2026-01-01T00:00:00Z")
    tasks.sweep_submissions(timestamp=0)
    assert fresh(prepared).delegation.status == "ACTIVE"

    safe.execute(to=addresses.TRADING, data=encode_set_delegate(Address("0x" + "44" * 20)))
    tasks.sync_delegations(timestamp=0)
    assert fresh(prepared).delegation.status == "REVOKED"

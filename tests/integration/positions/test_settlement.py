"""After the signature: cancelled orders, silent oracles, dead processes, lost answers, and the worker."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from ostium_service import composition
from ostium_service.gateways.ostium_contracts import DEFAULT_ADDRESSES, encode_open_timeout
from ostium_service.http import errors
from ostium_service.types import Network
from positions.cancel_reasons import CANCEL_REASONS
from positions.models import ExecutionState, PerpsExecution
from positions.services import pipeline
from positions.services.following import advance_execution
from positions.services.updating import PriceUpdate, update_stop_loss
from positions.services.working import sweep_executions
from relay import services as relay
from relay.models import OutboundTransaction
from sandbox import actors
from sandbox.environment import Endpoints, make_secrets
from sandbox.openbao import VaultAccess
from sandbox.shaping import Endpoint
from tests.integration.positions.conftest import USDC, Desk, clear_queue
from tests.support import services


class Killed(BaseException):
    """Stands for kill -9: nothing in the service catches it."""


def die(**_: Any) -> None:
    raise Killed


class DeadQueue:
    """A queue whose process dies before the job is in."""

    configure_task = staticmethod(lambda *_, **__: die())


def make_stale() -> None:
    """Let every row look as if nobody had seen it for a while."""
    PerpsExecution.objects.update(checked_at=timezone.now() - timedelta(minutes=1))


@pytest.mark.parametrize("reason", range(1, 16))
def test_t1_cancelled_open_is_an_error_with_the_oracle_reason(desk: Desk, reason: int) -> None:
    """The collateral comes back less the oracle fee."""
    before = desk.usdc()
    desk.sandbox.control.cancel_next(reason=reason)
    with pytest.raises(errors.OrderCancelled) as caught:
        desk.open()
    row = PerpsExecution.objects.get()
    assert caught.value.details == {
        "executionId": str(row.pk),
        "txHash": row.tx_hash,
        "reason": CANCEL_REASONS[reason],
    }
    assert (row.state, row.result) == (ExecutionState.CANCELLED, {"cancelReason": CANCEL_REASONS[reason]})
    assert (before - desk.usdc(), desk.open_trades()) == (USDC // 10, 0)


def test_t1_cancelled_close_leaves_the_position(desk: Desk) -> None:
    desk.open()
    desk.sandbox.control.cancel_next(reason=3)
    with pytest.raises(errors.OrderCancelled):
        desk.close()
    assert desk.open_trades() == 1


def test_t2_silent_oracle_then_reclaimed_from_outside(desk: Desk, settings: Any) -> None:
    """The answer says mined; when somebody takes the collateral back, the execution ends RECLAIMED."""
    settings.OSTIUM_WRITE_WAIT_SECONDS = 1.5
    desk.sandbox.control.set_keeper(is_silent=True)
    answer = desk.open().data
    assert (answer["status"], answer["result"]) == ("mined", None)
    row = PerpsExecution.objects.get()
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=31)
    actors.send_signed(
        rpc_url=desk.sandbox.rpc_url,
        account=desk.account,
        to=DEFAULT_ADDRESSES[Network.TESTNET].trading,
        data=encode_open_timeout(order_id=int(answer["orderId"])),
    )
    PerpsExecution.objects.update(mined_at=timezone.now() - timedelta(minutes=1))
    ended = advance_execution(execution_id=row.pk)
    assert (ended.state, ended.reason) == (ExecutionState.CANCELLED, "RECLAIMED")


def test_i7_killed_between_storing_and_sending_still_makes_exactly_one_trade(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's sweep sends the stored bytes; the repeated request gets the outcome."""
    with monkeypatch.context() as patch:
        patch.setattr("relay.services.broadcast", die)
        with pytest.raises(Killed):
            desk.open(key="killed")
    row = PerpsExecution.objects.get()
    assert (row.state, desk.sent()) == (ExecutionState.SIGNED, 0)

    make_stale()
    _sweep_until(row, ExecutionState.SETTLED)
    again = desk.open(key="killed")
    assert (again.replayed, again.data["status"], again.data["txHash"]) == (True, "settled", row.tx_hash)
    assert (desk.sent(), desk.open_trades(), OutboundTransaction.objects.count()) == (1, 1, 1)


def test_b6_killed_inside_the_signing_transaction_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row, nonce, transaction and job are one commit: none of them is there."""
    with monkeypatch.context() as patch:
        patch.setattr("positions.services.pipeline.queue", DeadQueue())
        with pytest.raises(Killed):
            desk.open(key="k")
    row = PerpsExecution.objects.get()
    assert (row.state, OutboundTransaction.objects.count(), ProcrastinateJob.objects.count()) == ("RECEIVED", 0, 0)
    PerpsExecution.objects.update(leased_until=timezone.now())
    assert desk.open(key="k").data["status"] == "settled"
    assert desk.sent() == 1


def test_b2_lost_commit_answer_goes_on_with_what_was_stored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    original = pipeline._store_signature

    def store_and_lose(*args: Any) -> PerpsExecution:
        original(*args)
        raise RuntimeError("connection lost after the commit")

    monkeypatch.setattr(pipeline, "_store_signature", store_and_lose)
    assert desk.open().data["status"] == "settled"
    assert (desk.sent(), desk.open_trades()) == (1, 1)


def test_i5_node_down_after_the_signature_answers_submitted(desk: Desk, settings: Any) -> None:
    """The bytes are stored, so the trade is on its way whatever the node says to the first sending."""
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0.6
    endpoints = settings.OSTIUM_ENDPOINTS[Network.TESTNET]
    shaped = {**endpoints, "RPC_URL": desk.sandbox.shaped_rpc_url}
    settings.OSTIUM_ENDPOINTS = {**settings.OSTIUM_ENDPOINTS, Network.TESTNET: shaped}
    composition.reset()
    control = desk.sandbox.control
    control.fail(endpoint=Endpoint.RPC, status=0, method="eth_sendRawTransaction")
    answer = desk.open(key="cut").data
    assert answer["status"] == "submitted"
    control.stop_failing(endpoint=Endpoint.RPC)
    row = PerpsExecution.objects.get()
    make_stale()
    _sweep_until(row, ExecutionState.SETTLED)
    assert (desk.sent(), desk.open_trades()) == (1, 1)


def test_transaction_too_old_to_send_expires_and_nothing_happens(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("relay.services.broadcast", die)
        with pytest.raises(Killed):
            desk.open(key="old")
    OutboundTransaction.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    row = PerpsExecution.objects.get()
    make_stale()
    _sweep_until(row, ExecutionState.EXPIRED)
    with pytest.raises(errors.ExecutionExpired) as caught:
        desk.open(key="old")
    assert caught.value.details == {"executionId": str(row.pk), "txHash": row.tx_hash, "reason": "NOT_SENT_IN_TIME"}
    assert desk.open_trades() == 0


def test_reverted_on_chain_although_it_simulated(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The position is closed from outside between simulation and mining."""
    desk.open()
    update = PriceUpdate(network=Network.TESTNET, trader=desk.trader, pair_id=0, trade_index=0, price=Decimal(0))
    original = relay.broadcast

    def replace_delegate_first(**named: Any) -> Any:
        desk.appoint(actors.create_account(rpc_url=desk.sandbox.rpc_url).address)
        return original(**named)

    monkeypatch.setattr("relay.services.broadcast", replace_delegate_first)
    with pytest.raises(errors.TxReverted) as caught:
        update_stop_loss(update=update, key="late", request_id="test")
    row = PerpsExecution.objects.latest("created_at")
    assert (row.state, caught.value.details) == (
        ExecutionState.REVERTED,
        {"executionId": str(row.pk), "txHash": row.tx_hash, "reason": "REVERTED"},
    )


def test_d6_an_allowance_spent_elsewhere_after_the_check_reverts_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D6, its second half: the execution ends REVERTED, and neither worker nor caller repeats it."""
    original = relay.broadcast

    def spend_first(**named: Any) -> Any:
        desk.approve(0)
        return original(**named)

    with monkeypatch.context() as patched:
        patched.setattr("relay.services.broadcast", spend_first)
        with pytest.raises(errors.TxReverted) as caught:
            desk.open(key="late")
    desk.approve(10_000 * USDC)
    row = PerpsExecution.objects.get()
    details = {"executionId": str(row.pk), "txHash": row.tx_hash, "reason": "REVERTED"}
    assert (row.state, caught.value.details, caught.value.retryable) == (ExecutionState.REVERTED, details, False)

    make_stale()
    sweep_executions()
    with pytest.raises(errors.TxReverted) as again:
        desk.open(key="late")
    assert (again.value.details, desk.sent(), desk.open_trades()) == (details, 1, 0)
    assert PerpsExecution.objects.get().state == ExecutionState.REVERTED


@pytest.fixture
def worker_room(desk: Desk, vault_dev: VaultAccess, tmp_path: Path) -> Iterator[services.Services]:
    """Where a real worker process may be started beside the desk."""
    room = services.Services(
        endpoints=Endpoints(
            database_url=services.test_database_url(),
            rpc_url=desk.sandbox.rpc_url,
            subgraph_url=desk.sandbox.subgraph_url,
            prices_url=desk.sandbox.prices_url,
            vault_addr=vault_dev.addr,
        ),
        vault=vault_dev,
        secrets=make_secrets(),
        logs=tmp_path,
    )
    yield room
    room.stop()


@pytest.mark.parametrize("is_job_lost", [False, True], ids=["by its job", "by the sweep, its job being lost"])
def test_b3_worker_process_finishes_an_open_whose_web_process_died(
    desk: Desk, worker_room: services.Services, monkeypatch: pytest.MonkeyPatch, is_job_lost: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("relay.services.broadcast", die)
        with pytest.raises(Killed):
            desk.open()
    if is_job_lost:
        clear_queue()
    row = PerpsExecution.objects.get()
    worker_room.start_worker()
    services.wait_for(
        lambda: PerpsExecution.objects.get(pk=row.pk).is_final, seconds=40, purpose="the end of the execution"
    )
    row.refresh_from_db()
    assert (row.state, desk.open_trades(), desk.sent()) == (ExecutionState.SETTLED, 1, 1)


def _sweep_until(row: PerpsExecution, state: str) -> None:
    deadline = timezone.now() + timedelta(seconds=20)
    while row.state != state and timezone.now() < deadline:
        make_stale()
        sweep_executions()
        row.refresh_from_db()
    assert row.state == state

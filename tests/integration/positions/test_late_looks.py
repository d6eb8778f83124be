"""Rows that are looked at late, by nodes that forget old state and refuse wide questions, and commits in doubt."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from ostium_service.gateways.arbitrum import Arbitrum, BlockTag, Call, Log
from ostium_service.gateways.failures import Refused, System, Unreachable
from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.models import ExecutionState, PerpsExecution
from positions.services import following, ledger, pipeline, searching
from positions.services.finding_orders import OrderName
from positions.services.following import advance_execution
from positions.services.ledger import renew_lease
from positions.services.limit_orders import name_placed_order, read_resting_order
from positions.services.opening import OrderKind
from positions.services.resting import cancel_order
from positions.services.updating import PriceUpdate, update_stop_loss
from relay import services as relay
from sandbox import actors
from tests.integration.positions.conftest import Desk
from tests.support.services import wait_for


class Killed(BaseException):
    """Stands for kill -9: nothing in the service catches it."""


def forget_old_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that has pruned the state of every block but its newest."""
    known = Arbitrum.call

    def call(self: Arbitrum, call: Call, block: BlockTag = "latest") -> bytes:
        if block != "latest":
            raise Unreachable(System.RPC, "node_error")
        return known(self, call, block)

    monkeypatch.setattr(Arbitrum, "call", call)


def cap_log_ranges(monkeypatch: pytest.MonkeyPatch, widest: int) -> None:
    """A hosted node that refuses questions over more blocks, and a search that knows it."""
    monkeypatch.setattr(searching, "LARGEST_RANGE", widest)
    monkeypatch.setattr(searching, "OVERLAP", 1)
    monkeypatch.setattr(searching, "RANGES_A_STEP", 2)
    known = Arbitrum.logs

    def logs(
        self: Arbitrum, address: Address, topics: Any, from_block: int, to_block: int | Literal["latest"]
    ) -> list[Log]:
        last = self.block("latest").number if to_block == "latest" else to_block
        if last - from_block >= widest:
            raise Refused(System.RPC, "range")
        return known(self, address, topics, from_block, to_block)

    monkeypatch.setattr(Arbitrum, "logs", logs)


def test_i5_a_limit_order_is_named_by_its_slot_where_the_node_forgot_its_block(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_old_state(monkeypatch)
    answer = desk.open(kind=OrderKind.LIMIT, trigger_price=Decimal(80_000))
    row = PerpsExecution.objects.get()
    slot: dict[str, Any] = {"network": Network.TESTNET, "trader": desk.trader, "pair_id": 0, "index": 0}
    resting = read_resting_order(**slot)
    assert resting is not None
    assert (row.state, answer.data["orderId"]) == (ExecutionState.SETTLED, resting.order_id)
    assert row.transaction is not None
    assert row.transaction.block_number is not None
    name = OrderName(network=Network.TESTNET, trader=desk.trader, order_id=resting.order_id)
    cancel_order(name=name, key="away", request_id="r")
    assert name_placed_order(**slot, block=row.transaction.block_number) == f"{desk.trader.lower()}_0_0"


def test_t1_an_answer_is_found_late_in_pieces_that_the_node_takes(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0
    desk.open(key="k")
    row = PerpsExecution.objects.get()
    look: Callable[[], PerpsExecution] = lambda: advance_execution(execution_id=row.pk)  # noqa: E731
    wait_for(lambda: look().state == ExecutionState.MINED, seconds=30, purpose="the receipt")
    long_ago = timezone.now() - timedelta(minutes=40)
    PerpsExecution.objects.update(signed_at=long_ago, mined_at=long_ago)
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=12)
    cap_log_ranges(monkeypatch, widest=4)

    mined = PerpsExecution.objects.select_related("transaction").get()
    assert mined.transaction is not None
    assert mined.transaction.block_number is not None
    first = mined.transaction.block_number
    assert (look().state, look().state) == (ExecutionState.MINED, ExecutionState.MINED)
    searched_to = PerpsExecution.objects.get().searched_to
    assert searched_to is not None
    assert first + 7 < searched_to <= first + 14
    desk.sandbox.control.set_keeper(is_silent=False)
    wait_for(lambda: look().state == ExecutionState.SETTLED, seconds=30, purpose="the settlement")


def test_a_receipt_that_is_the_end_is_written_whole_or_not_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between MINED and SETTLED a reclaim would take its own event for a paid-back order."""
    desk.open()
    move = ledger.move_execution

    def die_before_the_end(**named: Any) -> PerpsExecution:
        if named["to"] == ExecutionState.SETTLED:
            raise Killed
        return move(**named)

    monkeypatch.setattr(following, "move_execution", die_before_the_end)
    update = PriceUpdate(network=Network.TESTNET, trader=desk.trader, pair_id=0, trade_index=0, price=Decimal(0))
    with pytest.raises(Killed):
        update_stop_loss(update=update, key="sl", request_id="r")
    row = PerpsExecution.objects.get(operation="update_sl")
    assert row.state in {ExecutionState.SIGNED, ExecutionState.SENT}
    monkeypatch.setattr(following, "move_execution", move)
    wait_for(
        lambda: advance_execution(execution_id=row.pk).state == ExecutionState.SETTLED, seconds=30, purpose="the end"
    )


@pytest.mark.parametrize(("is_back", "expected"), [(True, errors.ChainUnavailable), (False, errors.OpenPositionFailed)])
def test_b2_a_signature_in_doubt_is_not_called_harmless(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, is_back: bool, expected: type[errors.ServiceError]
) -> None:
    def lose_connection(*_: Any, **__: Any) -> PerpsExecution:
        raise OperationalError

    monkeypatch.setattr(pipeline, "_store_signature", lose_connection)
    if not is_back:
        monkeypatch.setattr(pipeline, "reject_execution", lose_connection)
    with pytest.raises(expected) as caught:
        desk.open()
    row = PerpsExecution.objects.get()
    told = {"reason": "database_unavailable"}
    assert caught.value.details == (told if is_back else {"executionId": str(row.pk), **told})
    assert caught.value.retryable is is_back
    assert (row.state, desk.sent()) == (ExecutionState.REJECTED if is_back else ExecutionState.RECEIVED, 0)


def test_i7_a_lease_is_renewed_by_its_holder_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(**_: Any) -> Any:
        raise Killed

    monkeypatch.setattr(relay, "prepare", stop)
    with pytest.raises(Killed):
        desk.open()
    row = PerpsExecution.objects.get()
    row.leased_until = timezone.now() + timedelta(seconds=1)
    renew_lease(execution=row)
    assert PerpsExecution.objects.get().leased_until > timezone.now() + timedelta(seconds=8)
    row.leased_until, row.lease_token = timezone.now(), uuid4()
    with pytest.raises(errors.IdempotencyInProgress):
        renew_lease(execution=row)

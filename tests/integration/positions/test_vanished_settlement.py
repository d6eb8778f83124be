"""P12 for the ledger: the block of the oracle's answer vanishes while the order's own block stays."""

from decimal import Decimal

import pytest
from django.db import ProgrammingError, transaction
from pytest_django import Settings

from ostium_service.http import errors
from ostium_service.types import Network
from positions import tasks
from positions.models import ExecutionState, PerpsExecution
from positions.services import confirming
from positions.services.confirming import confirm_settlements
from positions.services.working import follow_execution
from sandbox import actors
from tests.integration.positions.conftest import Desk
from tests.support.services import wait_for

SAFE_DISTANCE = 100


def place(desk: Desk, settings: Settings) -> PerpsExecution:
    """A market open that waits for the oracle, some blocks deep."""
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0
    desk.open(key="k")
    row = follow_until(PerpsExecution.objects.get(), ExecutionState.MINED)
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=5)
    return row


def let_settle(desk: Desk, row: PerpsExecution, state: str) -> PerpsExecution:
    desk.sandbox.control.set_keeper(is_silent=False)
    return follow_until(row, state)


def follow_until(row: PerpsExecution, state: str) -> PerpsExecution:
    wait_for(lambda: follow_execution(execution_id=row.pk).state == state, seconds=30, purpose=f"state {state}")
    return PerpsExecution.objects.get()


def tell(row: PerpsExecution) -> list[tuple[str, str]]:
    return list(row.events.order_by("id").values_list("to_state", "reason"))


@pytest.mark.parametrize("first", [ExecutionState.SETTLED, ExecutionState.CANCELLED])
def test_p12_a_settlement_whose_block_vanished_is_settled_again(desk: Desk, settings: Settings, first: str) -> None:
    row = place(desk, settings)
    if first == ExecutionState.CANCELLED:
        desk.sandbox.control.cancel_next(reason=3)
    ended = let_settle(desk, row, first)
    evidence = {"block": ended.settlement_block, "blockHash": ended.settlement_block_hash}
    assert ended.events.latest("id").evidence == {"txHash": ended.settlement_tx_hash, **evidence}
    desk.sandbox.control.set_keeper(is_silent=True)
    assert ended.settlement_block is not None
    actors.take_back_from(rpc_url=desk.sandbox.rpc_url, block=ended.settlement_block)

    assert confirm_settlements(network=Network.TESTNET) == 1
    back = PerpsExecution.objects.get()
    assert (back.state, back.result, back.reason, back.ended_at) == (ExecutionState.MINED, None, "", None)
    assert (back.settlement_tx_hash, back.settlement_block, back.settlement_block_hash) == ("", None, "")
    assert (back.order_id, back.transaction_id, back.tx_hash) == (row.order_id, row.transaction_id, row.tx_hash)
    told = {"result": ended.result, "reason": ended.reason, "txHash": ended.settlement_tx_hash, **evidence}
    assert back.events.latest("id").evidence == told
    assert desk.open(key="k").data["status"] == "mined"
    assert confirm_settlements(network=Network.TESTNET) == 0

    again = let_settle(desk, row, ExecutionState.SETTLED)
    assert again.settlement_block_hash not in {"", ended.settlement_block_hash}
    assert [state for state, _ in tell(again)][-3:] == [first, "MINED", "SETTLED"]
    assert tell(again)[-2] == ("MINED", "the block of its settlement has vanished")
    assert (desk.sent(), desk.open_trades()) == (1, 1)
    # Another worker that looked at the row when it stood on the vanished block comes too late.
    confirming._put_back(ended)
    assert PerpsExecution.objects.get().state == ExecutionState.SETTLED


def test_a_settlement_in_a_safe_block_is_not_looked_at_any_more(desk: Desk) -> None:
    desk.open()
    row = PerpsExecution.objects.get()
    assert confirm_settlements(network=Network.TESTNET) == 1
    row.refresh_from_db()
    assert (row.state, row.settlement_confirmed_at) == (ExecutionState.SETTLED, None)
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=SAFE_DISTANCE)
    tasks.confirm_settlements(timestamp=0)
    row.refresh_from_db()
    assert row.settlement_confirmed_at is not None
    assert confirm_settlements(network=Network.TESTNET) == 0


def test_a_node_that_does_not_answer_undoes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does one that is behind: only another block at the same height does."""
    desk.open()
    row = PerpsExecution.objects.get()
    PerpsExecution.objects.update(settlement_block=10**9)
    assert confirm_settlements(network=Network.TESTNET) == 1
    row.refresh_from_db()
    assert (row.state, row.settlement_confirmed_at) == (ExecutionState.SETTLED, None)


def test_a_late_follower_cannot_undo_an_end(desk: Desk) -> None:
    """Its row in memory is still SIGNED; the stored one has been settled by another process meanwhile."""
    from positions.services.following import reflect_transaction
    from relay.models import OutboundTransaction

    desk.open()
    row = PerpsExecution.objects.get()
    story = tell(row)
    late = OutboundTransaction.objects.select_related("signer").get()
    row.state, late.state = ExecutionState.SIGNED, OutboundTransaction.State.SENT
    assert reflect_transaction(execution=row, transaction=late).state == ExecutionState.SETTLED
    late.state = OutboundTransaction.State.MINED
    assert reflect_transaction(execution=row, transaction=late).state == ExecutionState.SETTLED
    assert tell(row) == story


def test_the_database_refuses_what_the_ledger_does_not_know(desk: Desk, settings: Settings) -> None:
    with pytest.raises(errors.LeverageTooHigh):
        desk.open(key="refused", leverage=Decimal(1000))
    desk.open(key="k")
    settled = PerpsExecution.objects.filter(state="SETTLED")
    refused: list[tuple[str, dict[str, object]]] = [
        ("does not move from SETTLED to RECEIVED", {"state": "RECEIVED"}),
        ("does not move from SETTLED to EXPIRED", {"state": "EXPIRED"}),
        ("keeps its key", {"idempotency_key": "other"}),
        ("keeps its key", {"request": {}}),
        ("keeps its transaction", {"transaction": None}),
    ]
    for message, change in refused:
        with pytest.raises(ProgrammingError, match=message), transaction.atomic():
            settled.update(**change)
    with pytest.raises(ProgrammingError, match="does not move from REJECTED to SIGNED"), transaction.atomic():
        PerpsExecution.objects.filter(state="REJECTED").update(state="SIGNED")

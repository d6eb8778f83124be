"""Reclaim, by a caller and by the worker, and the faucet over HTTP."""

from django.utils import timezone
from pytest_django import Settings

from ostium_service.types import Network
from positions.models import ExecutionState, Operation, PerpsExecution
from positions.services.following import OVERDUE_AFTER
from positions.services.working import follow_execution
from sandbox import actors
from tests.contract.trading import last_row, open_at_market, whose, write_fields
from tests.integration.positions.conftest import USDC, Desk
from tests.support.callers import SignedCaller
from tests.support.services import wait_for

CANCEL = "/v1/orders/cancel"
UPDATE = "/v1/orders/update"
RECLAIM = "/v1/positions/reclaim"
FAUCET = "/v1/faucet/request"


def leave_unanswered(desk: Desk, settings: Settings) -> None:
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 2


def test_t2_reclaim_of_an_unanswered_open(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    leave_unanswered(desk, settings)
    before = desk.usdc()
    opened = open_at_market(desk, caller)
    original = last_row(Operation.OPEN)
    for path in (CANCEL, UPDATE):
        refused = caller.post(path, whose(desk, orderId=opened["orderId"], price=1), 409, request_id=path)
        assert (refused["code"], refused["details"]["use"]) == ("ORDER_NOT_RECLAIMABLE", RECLAIM)
    early = caller.post(RECLAIM, whose(desk, orderId=opened["orderId"]), 409, request_id="early")
    assert early["code"] == "ORDER_NOT_RECLAIMABLE"
    assert early["details"]["reason"] == "oracle_may_answer"
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=31)
    retried = caller.post(RECLAIM, whose(desk, orderId=opened["orderId"], retry=True), 400, request_id="retry")
    assert retried["code"] == "VALIDATION_ERROR"
    answer = caller.post(RECLAIM, whose(desk, orderId=opened["orderId"]), request_id="reclaim")
    assert answer == {
        **write_fields(desk, last_row(Operation.RECLAIM)),
        "orderId": opened["orderId"],
        "reclaimedOrderId": opened["orderId"],
        "pairId": 0,
        "orderAction": "open",
        "retry": False,
        "collateral": "100",
        "result": {"returned": "100", "retried": False},
    }
    assert desk.usdc() == before
    ended = end_overdue(original)
    assert (ended.state, ended.reason, ended.result) == ("CANCELLED", "RECLAIMED", {"cancelReason": "RECLAIMED"})
    assert ended.settlement_tx_hash == answer["txHash"]
    assert ended.events.latest("id").evidence == {
        "txHash": answer["txHash"],
        "block": ended.settlement_block,
        "blockHash": ended.settlement_block_hash,
        "executionId": answer["executionId"],
    }


def end_overdue(row: PerpsExecution) -> PerpsExecution:
    """One look of the worker, as if the oracle had been silent for long."""
    PerpsExecution.objects.filter(pk=row.pk).update(mined_at=timezone.now() - 2 * OVERDUE_AFTER)
    return follow_execution(execution_id=row.pk)


def test_t2_an_unanswered_open_is_taken_back_by_the_worker(
    desk: Desk, caller: SignedCaller, settings: Settings
) -> None:
    leave_unanswered(desk, settings)
    before = desk.usdc()
    opened = open_at_market(desk, caller)
    original = last_row(Operation.OPEN)
    follow_execution(execution_id=original.pk)
    assert not PerpsExecution.objects.filter(operation=Operation.RECLAIM).exists()
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=31)
    end_overdue(original)
    reclaim = last_row(Operation.RECLAIM)
    for _ in range(3):
        end_overdue(original)
    assert PerpsExecution.objects.filter(operation=Operation.RECLAIM).count() == 1
    assert reclaim.idempotency_key == f" reclaim-{opened['orderId']}-0"

    def is_over() -> bool:
        states = {end_overdue(original).state, follow_execution(execution_id=reclaim.pk).state}
        return states == {ExecutionState.CANCELLED, ExecutionState.SETTLED}

    wait_for(is_over, seconds=30, purpose="the reclaim")
    assert desk.usdc() == before
    assert PerpsExecution.objects.get(pk=original.pk).reason == "RECLAIMED"


def test_t2_a_close_asked_for_again(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    opened = open_at_market(desk, caller)
    leave_unanswered(desk, settings)
    closing = caller.post("/v1/positions/close", whose(desk, pairId=0, tradeIndex=0), request_id="close")
    assert closing["status"] == "mined"
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=31)
    again = caller.post(RECLAIM, whose(desk, orderId=closing["orderId"], retry=True), request_id="again")
    assert (again["status"], again["reclaimedOrderId"]) == ("mined", closing["orderId"])
    assert int(again["orderId"]) > int(closing["orderId"])
    assert (again["tradeId"], again["tradeIndex"], again["collateral"]) == (opened["orderId"], 0, "98.9")
    desk.sandbox.control.set_keeper(is_silent=False)
    row = last_row(Operation.RECLAIM)
    wait_for(
        lambda: follow_execution(execution_id=row.pk).state == ExecutionState.SETTLED, seconds=30, purpose="the close"
    )
    assert desk.open_trades() == 0
    assert (PerpsExecution.objects.get(pk=row.pk).result or {})["usdcSentToTrader"] == "98.9"


def test_a_refused_reclaim_of_the_worker_is_not_repeated_at_once(
    desk: Desk, caller: SignedCaller, settings: Settings
) -> None:
    leave_unanswered(desk, settings)
    open_at_market(desk, caller)
    original = last_row(Operation.OPEN)
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=31)
    desk.appoint(actors.create_account(rpc_url=desk.sandbox.rpc_url).address)
    for _ in range(3):
        end_overdue(original)
    [refused] = PerpsExecution.objects.filter(operation=Operation.RECLAIM)
    assert (refused.state, refused.error_code) == ("REJECTED", "DELEGATION_NOT_ACTIVE")


def test_faucet(desk: Desk, caller: SignedCaller) -> None:
    before = desk.usdc()
    answer = caller.post(FAUCET, whose(desk), request_id="faucet")
    row, payment = last_row(Operation.FAUCET), last_row(Operation.FAUCET_PAYMENT)
    assert answer == {
        **write_fields(desk, row),
        "address": desk.trader,
        "amount": "10000",
        "result": {"amount": "10000", "paymentTxHash": payment.tx_hash, "paymentExecutionId": str(payment.pk)},
    }
    assert desk.usdc() == before + 10_000 * USDC
    assert desk.sent() == 2
    assert payment.request == {"executionId": str(row.pk), "amount": "10000"}
    assert caller.post(FAUCET, whose(desk), request_id="faucet") == answer
    error = caller.post(FAUCET, whose(desk), 503, request_id="too soon")
    assert (error["code"], error["retryable"]) == ("FAUCET_UNAVAILABLE", True)
    assert desk.sent() == 2


def test_a_faucet_payment_is_made_by_the_worker_when_the_request_died(
    desk: Desk, caller: SignedCaller, settings: Settings
) -> None:
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0
    before = desk.usdc()
    assert caller.post(FAUCET, whose(desk), request_id="faucet")["status"] == "submitted"
    row = last_row(Operation.FAUCET)
    wait_for(
        lambda: follow_execution(execution_id=row.pk).state == ExecutionState.SETTLED, seconds=30, purpose="the payment"
    )
    assert desk.usdc() == before + 10_000 * USDC
    assert PerpsExecution.objects.filter(operation=Operation.FAUCET_PAYMENT).count() == 1


def test_no_faucet_on_mainnet(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    settings.OSTIUM_NETWORKS = [Network.TESTNET, Network.MAINNET]
    error = caller.post(FAUCET, {**whose(desk), "network": "mainnet"}, 400)
    assert (error["code"], error["retryable"]) == ("FAUCET_NOT_AVAILABLE", False)
    assert not PerpsExecution.objects.exists()


def test_faucet_without_a_delegation(desk: Desk, caller: SignedCaller) -> None:
    error = caller.post(FAUCET, {"network": "testnet", "traderAddress": "0x" + "12" * 20}, 400)
    assert error["code"] == "DELEGATION_NOT_ACTIVE"

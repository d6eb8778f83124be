"""What else happens to a position or a slot while we ask for something: T3, T5, T7."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from ostium_service.gateways.ostium_contracts import OrderType, TradeRequest, encode_open_trade
from ostium_service.http import errors
from ostium_service.types import LeverageUnits, PercentUnits, PriceUnits, UsdcUnits
from positions.models import ExecutionState, PerpsExecution
from positions.services.working import follow_execution
from relay import services as relay
from sandbox import actors
from tests.integration.positions.conftest import ADDRESSES, USDC, Desk
from tests.integration.positions.test_refusals import assert_refused
from tests.support.services import wait_for

STOP_LOSS_TRIGGER = 1
OPENED_AT, LIQUIDATED_AT = "90000", "81100"


class Killed(BaseException):
    """Stands for kill -9: nothing in the service catches it."""


def leave_unanswered(desk: Desk, settings: Settings) -> None:
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0


def mine_last(state: str = ExecutionState.MINED) -> PerpsExecution:
    """The newest execution, followed to a state."""
    row = PerpsExecution.objects.latest("created_at")
    wait_for(lambda: follow_execution(execution_id=row.pk).state == state, seconds=30, purpose=f"state {state}")
    row.refresh_from_db()
    return row


def liquidate(desk: Desk) -> None:
    """Let the keeper end the BTC position in slot 0 at a price under its margin."""
    desk.set_price(0, LIQUIDATED_AT)
    desk.sandbox.control.set_keeper(is_automating=True)
    wait_for(lambda: desk.open_trades() == 0, seconds=30, purpose="the liquidation")
    desk.sandbox.control.set_keeper(is_automating=False)
    desk.set_price(0, OPENED_AT)


@pytest.fixture
def trader(desk: Desk) -> Desk:
    """BTC at 90,000; nothing fires by itself."""
    desk.sandbox.control.set_keeper(is_automating=False)
    desk.set_price(0, OPENED_AT)
    return desk


def test_t3_close_while_a_close_is_pending(trader: Desk, settings: Settings) -> None:
    trader.open()
    leave_unanswered(trader, settings)
    trader.close()
    mine_last()
    assert assert_refused(trader, trader.close, errors.TriggerPending).retryable
    trader.sandbox.control.set_keeper(is_silent=False)
    first = PerpsExecution.objects.get(operation="close", state=ExecutionState.MINED)
    wait_for(lambda: follow_execution(execution_id=first.pk).is_final, seconds=30, purpose="the first close")
    assert trader.open_trades() == 0


def test_t3_close_while_a_trigger_is_pending(trader: Desk, settings: Settings) -> None:
    trader.open(stop_loss=Decimal(85_000))
    leave_unanswered(trader, settings)
    now = actors.open_node(trader.sandbox.rpc_url).head().timestamp
    actors.call_as_keeper(
        rpc_url=trader.sandbox.rpc_url,
        contract="Trading",
        function="executeAutomationOrder",
        arguments=(STOP_LOSS_TRIGGER, trader.trader, 0, 0, now),
    )
    assert assert_refused(trader, trader.close, errors.TriggerPending).retryable
    assert trader.open_trades() == 1


def test_t3_close_of_a_position_liquidated_before_the_request(trader: Desk) -> None:
    opened = trader.open().data["result"]["tradeId"]
    liquidate(trader)
    assert_refused(trader, lambda: trader.close(trade_id=opened), errors.PositionNotFound)


def test_t3_close_of_a_position_liquidated_a_block_before(trader: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the simulation and the block; the contract reverts, and nothing is tried a second time."""
    trader.open()
    original = relay.broadcast

    def liquidate_first(**named: Any) -> Any:
        liquidate(trader)
        return original(**named)

    monkeypatch.setattr("relay.services.broadcast", liquidate_first)
    sent = trader.sent()
    with pytest.raises(errors.TxReverted):
        trader.close(key="late")
    monkeypatch.undo()
    with pytest.raises(errors.TxReverted) as again:
        trader.close(key="late")
    assert again.value.headers == {"Idempotency-Replayed": "true"}
    assert (trader.sent(), trader.open_trades()) == (sent + 1, 0)


def test_t5_a_close_taken_over_from_a_dead_process_means_the_trade_of_its_admission(
    trader: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It named no trade; meanwhile its trade was liquidated, and another one stands in the slot."""
    first = trader.open().data["result"]["tradeId"]
    with monkeypatch.context() as patch:
        patch.setattr("relay.services.prepare", die)
        with pytest.raises(Killed):
            trader.close(key="k")
    row = PerpsExecution.objects.get(operation="close")
    assert (row.state, row.trade_id) == (ExecutionState.RECEIVED, first)
    liquidate(trader)
    second = trader.open().data["result"]["tradeId"]
    PerpsExecution.objects.filter(pk=row.pk).update(leased_until=timezone.now())
    with pytest.raises(errors.PositionChanged) as caught:
        trader.close(key="k")
    assert caught.value.details == {"tradeId": second}
    assert trader.open_trades() == 1


def open_from_outside(desk: Desk) -> None:
    """The Safe's own open, not through the delegate: a later nonce of ours could not overtake an earlier one."""
    trade = TradeRequest(
        trader=desk.trader,
        pair_id=0,
        is_long=True,
        collateral=UsdcUnits(100 * USDC),
        price=PriceUnits(90_000 * 10**18),
        leverage=LeverageUnits(1000),
    )
    data = encode_open_trade(trade=trade, order_type=OrderType.MARKET, slippage=PercentUnits(200))
    actors.send_signed(rpc_url=desk.sandbox.rpc_url, account=desk.account, to=ADDRESSES.trading, data=data)
    wait_for(lambda: desk.open_trades() == 1, seconds=30, purpose="the trade from outside")


def test_t5_a_slot_used_again_between_signature_and_block_is_told(
    trader: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract knows slots only, so this close hits the later trade; the ledger says which one it meant."""
    first = trader.open().data["result"]["tradeId"]
    original = relay.broadcast

    def use_the_slot_again(**named: Any) -> Any:
        liquidate(trader)
        open_from_outside(trader)
        return original(**named)

    alarms: list[str] = []
    monkeypatch.setattr("relay.services.broadcast", use_the_slot_again)
    monkeypatch.setattr("positions.services.alarms.count_trade_alarm", alarms.append)
    trader.close()
    row = mine_last(ExecutionState.SETTLED)
    assert (row.terms["tradeId"], (row.result or {})["tradeId"]) == (first, row.trade_id)
    assert row.trade_id != first
    assert set(alarms) == {"other_trade"}


def die(**_: Any) -> None:
    raise Killed


@contextmanager
def changed_limit(desk: Desk, function: str, value: int, usual: int) -> Iterator[None]:
    """One of the venue's limits, as its governor sets it, for a while."""

    def set_to(number: int) -> None:
        actors.call_as_admin(
            rpc_url=desk.sandbox.rpc_url, contract="TradingStorage", function=function, arguments=(number,)
        )

    set_to(value)
    try:
        yield
    finally:
        set_to(usual)


def read_limit(desk: Desk, function: str) -> int:
    return int(actors.read_contract(rpc_url=desk.sandbox.rpc_url, contract="TradingStorage", function=function))


def test_t7_more_trades_on_a_pair_than_the_venue_takes(trader: Desk) -> None:
    usual = read_limit(trader, "maxTradesPerPair")
    trader.open()
    with changed_limit(trader, "setMaxTradesPerPair", 1, usual):
        assert_refused(trader, trader.open, errors.MaxTradesReached)


def test_t7_more_pending_orders_than_the_venue_takes(trader: Desk, settings: Settings) -> None:
    usual = read_limit(trader, "maxPendingMarketOrders")
    leave_unanswered(trader, settings)
    trader.open()
    mine_last()
    with changed_limit(trader, "setMaxPendingMarketOrders", 1, usual):
        assert_refused(trader, trader.open, errors.MaxPendingOrders)

"""Refusals of trades by the market, the venue, the operators and the outside systems: the whole error over HTTP.

In none of them is anything sent, unless the test says so.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from delegations.models import Delegation
from ostium_service import composition
from ostium_service.gateways.ostium_contracts import DEFAULT_ADDRESSES
from ostium_service.http.errors import CATALOGUE
from ostium_service.types import Address, Network
from positions.models import ExecutionState, Operation, PerpsExecution
from positions.services import pipeline
from positions.services.working import follow_execution
from relay.models import OutboundTransaction, Signer
from safeguards.models import Grant
from sandbox import actors
from sandbox.shaping import Endpoint
from tests.contract.trading import OPEN, last_row, open_at_market, whose
from tests.integration.positions.conftest import ETHER, USDC, Desk
from tests.support.callers import SignedCaller
from tests.support.services import wait_for

CLOSE = "/v1/positions/close"
SL = "/v1/positions/update-sl"
TP = "/v1/positions/update-tp"
ADD = "/v1/positions/add-collateral"
REMOVE = "/v1/positions/remove-collateral"
RECLAIM = "/v1/positions/reclaim"
CANCEL = "/v1/orders/cancel"
UPDATE = "/v1/orders/update"
FAUCET = "/v1/faucet/request"
SLOT = {"pairId": 0, "tradeIndex": 0}
NOT_TRADING = {"reason": "NotTrading", "selector": "0x46daa3ad"}
NOT_TRADING_OR_CALLBACKS = {"reason": "NotTradingOrCallbacks", "selector": "0x3f7084a5"}
SHARED = {"OPEN_POSITION_FAILED", "CANCEL_ORDER_FAILED", "ADD_COLLATERAL_FAILED"}
"""What begins with a call of the storage that the callbacks may make too."""
MARKET = {"market": "BTC", "side": "long", "collateral": 100, "leverage": 10}
LIMIT = {**MARKET, "orderType": "limit", "triggerPrice": 80000}


def error_of(code: str, details: Any = None) -> dict[str, Any]:
    """The whole `error` of a refusal in the catalogue's words."""
    error = CATALOGUE[code]
    told = {"code": code, "message": error.message, "retryable": error.retryable}
    return told if details is None else {**told, "details": details}


def refuse(caller: SignedCaller, path: str, body: dict[str, Any], code: str) -> dict[str, Any]:
    """The `error`, under the status of its code."""
    return caller.post(path, body, CATALOGUE[code].status, request_id=f"refused-{PerpsExecution.objects.count()}")


@contextmanager
def venue_set(desk: Desk, contract: str, function: str, value: Any, before: Any) -> Iterator[None]:
    """One of the venue's settings changed for a while."""

    def call(*arguments: Any) -> None:
        actors.call_as_admin(rpc_url=desk.sandbox.rpc_url, contract=contract, function=function, arguments=arguments)

    call(*value)
    try:
        yield
    finally:
        call(*before)


def test_market_closed_and_day_trade_closed(desk: Desk, caller: SignedCaller) -> None:
    desk.sandbox.control.set_day_trading(is_closed=True, pair_ids=[18])
    composition.reset()
    body = whose(desk, **{**MARKET, "market": "NVDA", "dayTrade": True})
    assert refuse(caller, OPEN, body, "DAY_TRADE_CLOSED") == error_of("DAY_TRADE_CLOSED", {"market": "NVDA"})
    desk.sandbox.control.set_market(is_open=False, pair_ids=[0])
    composition.reset()
    assert refuse(caller, OPEN, whose(desk, **MARKET), "MARKET_CLOSED") == error_of("MARKET_CLOSED", {"market": "BTC"})
    assert desk.sent() == 0


def test_m1_an_old_price_is_shown_and_not_traded_on(desk: Desk, caller: SignedCaller) -> None:
    desk.sandbox.control.set_timestamp(timestamp=int(time.time()) - 61, pair_ids=[0])
    composition.reset()
    shown = caller.post("/v1/prices/get", {"network": "testnet", "market": "BTC"})
    assert (shown["price"], shown["ageSeconds"] >= 61) == ("90000", True)
    error = refuse(caller, OPEN, whose(desk, **MARKET), "PRICE_STALE")
    age = error["details"]["ageSeconds"]
    assert age >= 61
    assert error == error_of("PRICE_STALE", {"ageSeconds": age})
    assert desk.sent() == 0


def test_size_of_an_order(desk: Desk, caller: SignedCaller) -> None:
    small = refuse(caller, OPEN, whose(desk, **{**MARKET, "collateral": 1, "leverage": 4}), "POSITION_TOO_SMALL")
    assert small == error_of("POSITION_TOO_SMALL", {"minimum": "4.5", "fees": "0.104"})
    actors.mint_usdc(rpc_url=desk.sandbox.rpc_url, address=desk.trader, units=200_000 * USDC)
    desk.approve(300_000 * USDC)
    body = whose(desk, **{**MARKET, "collateral": 150_000, "leverage": 2})
    assert refuse(caller, OPEN, body, "COLLATERAL_TOO_HIGH") == error_of("COLLATERAL_TOO_HIGH")
    assert desk.sent() == 0


def test_the_venues_limits_of_numbers(desk: Desk, caller: SignedCaller) -> None:
    open_at_market(desk, caller)
    with venue_set(desk, "TradingStorage", "setMaxTradesPerPair", (1,), (10,)):
        assert refuse(caller, OPEN, whose(desk, **LIMIT), "MAX_TRADES_REACHED") == error_of("MAX_TRADES_REACHED")
    desk.sandbox.control.set_keeper(is_silent=True)
    with venue_set(desk, "TradingStorage", "setMaxPendingMarketOrders", (1,), (50,)):
        caller.post(CLOSE, whose(desk, **SLOT), request_id="close")
        assert refuse(caller, OPEN, whose(desk, **MARKET), "MAX_PENDING_ORDERS") == error_of("MAX_PENDING_ORDERS")
    assert desk.sent() == 2


def test_a_trigger_that_is_being_executed(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    open_at_market(desk, caller)
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 1
    with venue_set(desk, "Trading", "setTriggerTimeout", (10_000,), (30,)):
        caller.post(CLOSE, whose(desk, **SLOT), request_id="close")
        for path, fields in ((CLOSE, {}), (ADD, {"amount": 7}), (SL, {"slPrice": 85000}), (REMOVE, {"amount": 7})):
            assert refuse(caller, path, whose(desk, **SLOT, **fields), "TRIGGER_PENDING") == error_of("TRIGGER_PENDING")
    assert desk.sent() == 2


def test_a_group_that_has_no_room(desk: Desk, caller: SignedCaller) -> None:
    open_at_market(desk, caller, leverage=20)
    group = actors.read_contract(
        rpc_url=desk.sandbox.rpc_url, contract="PairsStorage", function="groups", arguments=(0,)
    )
    before = tuple(group.values()) if isinstance(group, dict) else tuple(group)
    with venue_set(desk, "PairsStorage", "updateGroup", (0, (*before[:3], 0)), (0, before)):
        error = refuse(caller, ADD, whose(desk, **SLOT, amount=50), "EXPOSURE_LIMIT")
    assert error == error_of("EXPOSURE_LIMIT")
    assert desk.sent() == 1


def test_a_paused_venue(desk: Desk, caller: SignedCaller) -> None:
    with venue_set(desk, "Trading", "pause", (), ()):
        assert refuse(caller, OPEN, whose(desk, **MARKET), "TRADING_PAUSED") == error_of("TRADING_PAUSED")
    assert desk.sent() == 0


def test_what_the_operators_have_stopped(desk: Desk, caller: SignedCaller) -> None:
    Grant.objects.update(suspended=True)
    suspended = refuse(caller, OPEN, whose(desk, **MARKET), "DELEGATION_SUSPENDED")
    assert suspended == error_of("DELEGATION_SUSPENDED")
    Grant.objects.update(suspended=False)
    Signer.objects.update(state="halted")
    halted = refuse(caller, OPEN, whose(desk, **MARKET), "NETWORK_PAUSED")
    assert halted == error_of("NETWORK_PAUSED", {"reason": "signer_halted"})
    assert desk.sent() == 0


def test_a_delegate_without_ether_or_without_a_key(desk: Desk, caller: SignedCaller) -> None:
    actors.fund_native(rpc_url=desk.sandbox.rpc_url, address=desk.delegate, wei=0)
    poor = refuse(caller, OPEN, whose(desk, **MARKET), "DELEGATE_GAS_LOW")
    assert (poor["code"], poor["retryable"]) == ("DELEGATE_GAS_LOW", False)
    stranger = actors.create_account(rpc_url=desk.sandbox.rpc_url, wei=ETHER).address
    Signer.objects.create(network="testnet", address=stranger, purpose="delegate")
    Delegation.objects.update(delegate_address=stranger)
    Grant.objects.update(delegate=stranger)
    desk.appoint(Address(stranger))
    keyless = refuse(caller, OPEN, whose(desk, **MARKET), "DELEGATE_KEY_MISSING")
    assert (keyless["code"], keyless["retryable"]) == ("DELEGATE_KEY_MISSING", False)
    assert desk.sent() == 0


def test_vault_and_chain_out_of_reach_before_the_signature(
    slow_desk: Desk, signed: SignedCaller, settings: Settings
) -> None:
    slow_desk.sandbox.control.fail(endpoint=Endpoint.RPC, status=500)
    chain = refuse(signed, OPEN, whose(slow_desk, **MARKET), "CHAIN_UNAVAILABLE")
    assert chain == error_of("CHAIN_UNAVAILABLE", {"reason": "server_error"})
    slow_desk.sandbox.control.stop_failing(endpoint=Endpoint.RPC)
    settings.VAULT_ADDR = "http://127.0.0.1:9"
    composition.reset()
    vault = refuse(signed, OPEN, whose(slow_desk, **MARKET), "VAULT_UNAVAILABLE")
    assert vault == error_of("VAULT_UNAVAILABLE", {"reason": "no_connection"})
    assert slow_desk.sent() == 0


def test_too_old_to_be_sent(desk: Desk, caller: SignedCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored transaction could not be sent in its time: its nonce is spent by a transfer to itself."""
    monkeypatch.setattr(pipeline, "_broadcast", lambda execution: execution)
    monkeypatch.setattr(pipeline, "wait_for_outcome", lambda **named: named["execution"])
    body = whose(desk, **MARKET)
    assert caller.post(OPEN, body, request_id="old")["status"] == "submitted"
    OutboundTransaction.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    row = last_row(Operation.OPEN)
    wait_for(
        lambda: follow_execution(execution_id=row.pk).state == ExecutionState.EXPIRED, seconds=30, purpose="expiry"
    )
    row.refresh_from_db()
    details = {"executionId": str(row.pk), "txHash": row.tx_hash, "reason": "NOT_SENT_IN_TIME"}
    response = caller.send(OPEN, body, request_id="old")
    assert (response.status_code, response["Idempotency-Replayed"]) == (409, "true")
    assert response.json()["error"] == error_of("EXECUTION_EXPIRED", details)
    assert desk.open_trades() == 0


@contextmanager
def foreign_trading(desk: Desk) -> Iterator[None]:
    """The venue's storage takes another contract for trading: every write of ours meets an error without a code."""
    name, right = b"trading".ljust(32, b"\0"), DEFAULT_ADDRESSES[Network.TESTNET].trading
    with venue_set(desk, "Registry", "setContracts", ([name], [desk.trader]), ([name], [right])):
        yield


def test_every_operations_own_failure(desk: Desk, caller: SignedCaller) -> None:
    """A revert that no caller can do anything about: the operation's code, with the error's name and selector."""
    open_at_market(desk, caller)
    caller.post(OPEN, whose(desk, **LIMIT), request_id="limit")
    writes: dict[str, tuple[str, dict[str, Any]]] = {
        "OPEN_POSITION_FAILED": (OPEN, LIMIT),
        "CLOSE_POSITION_FAILED": (CLOSE, SLOT),
        "UPDATE_SL_FAILED": (SL, {**SLOT, "slPrice": 85000}),
        "UPDATE_TP_FAILED": (TP, {**SLOT, "tpPrice": 95000}),
        "ADD_COLLATERAL_FAILED": (ADD, {**SLOT, "amount": 7}),
        "REMOVE_COLLATERAL_FAILED": (REMOVE, {**SLOT, "amount": 7}),
        "CANCEL_ORDER_FAILED": (CANCEL, SLOT),
        "UPDATE_ORDER_FAILED": (UPDATE, {**SLOT, "price": 81000}),
    }
    with foreign_trading(desk):
        for code, (path, fields) in writes.items():
            error = refuse(caller, path, whose(desk, **fields), code)
            assert error == error_of(code, NOT_TRADING_OR_CALLBACKS if code in SHARED else NOT_TRADING)
    assert desk.sent() == 2


def test_a_reclaims_own_failure(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    desk.sandbox.control.set_keeper(is_silent=True)
    settings.OSTIUM_WRITE_WAIT_SECONDS = 2
    opened = open_at_market(desk, caller)
    actors.mine(rpc_url=desk.sandbox.rpc_url, blocks=31)
    with foreign_trading(desk):
        error = refuse(caller, RECLAIM, whose(desk, orderId=opened["orderId"]), "RECLAIM_FAILED")
    assert error == error_of("RECLAIM_FAILED", NOT_TRADING_OR_CALLBACKS)
    assert desk.sent() == 1


def test_the_faucets_own_failure(desk: Desk, caller: SignedCaller) -> None:
    faucet = DEFAULT_ADDRESSES[Network.TESTNET].faucet
    with venue_set(desk, "Usdc", "setMinter", (faucet, False), (faucet, True)):
        error = refuse(caller, FAUCET, whose(desk), "FAUCET_REQUEST_FAILED")
    assert error == error_of("FAUCET_REQUEST_FAILED", {"reason": "Error", "selector": "0x08c379a0"})
    assert desk.sent() == 0

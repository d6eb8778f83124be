"""Trading, accounts, orders and executions over HTTP: whole payloads, and every documented refusal."""

from typing import Any

import pytest
from pytest_django import Settings

from ostium_service import composition
from positions.models import PerpsExecution
from sandbox import actors
from sandbox.shaping import Endpoint
from tests.integration.positions.conftest import ETHER, USDC, Desk
from tests.support.callers import SignedCaller
from tests.support.wiring import point_service

OPEN = "/v1/positions/open"
CLOSE = "/v1/positions/close"
SL = "/v1/positions/update-sl"
TP = "/v1/positions/update-tp"


def order(desk: Desk, **changes: Any) -> dict[str, Any]:
    """What today's backend sends for a market order: numbers as JSON numbers, absent keys left out."""
    return {
        "network": "testnet",
        "market": "BTC",
        "side": "long",
        "collateral": 100,
        "leverage": 10,
        "traderAddress": desk.trader.lower(),
        **changes,
    }


def slot(desk: Desk, **changes: Any) -> dict[str, Any]:
    return {"network": "testnet", "pairId": 0, "tradeIndex": 0, "traderAddress": desk.trader, **changes}


def write_fields(desk: Desk, row: PerpsExecution) -> dict[str, Any]:
    """The top-level fields of every write."""
    return {
        "executionId": str(row.pk),
        "status": "settled",
        "txHash": row.tx_hash,
        "transactionHash": row.tx_hash,
        "chain": "ARBITRUM_SEPOLIA",
        "chainId": 421614,
        "orderId": row.order_id or None,
        "network": "testnet",
        "traderAddress": desk.trader,
        "delegateAddress": desk.delegate,
    }


def last_row() -> PerpsExecution:
    return PerpsExecution.objects.latest("created_at")


def test_open_update_list_and_close(desk: Desk, caller: SignedCaller) -> None:
    opened = caller.post(OPEN, order(desk, slPrice=85000, tpPrice="99000.5"))
    row = last_row()
    assert len(row.tx_hash) == 66
    assert opened == {
        **write_fields(desk, row),
        "pairId": 0,
        "market": "BTC",
        "side": "long",
        "orderType": "market",
        "price": "90000",
        "collateral": "100",
        "leverage": "10",
        "result": {
            "tradeId": row.order_id,
            "tradeIndex": 0,
            "price": "90000",
            "collateral": "98.9",
            "leverage": "10",
            "slPrice": "85000",
            "tpPrice": "99000.5",
            "priceImpactPercent": "0",
            "openInterest": "0.010988888888888888",
        },
    }
    for path, field, value in ((SL, "slPrice", "86000"), (TP, "tpPrice", "95000")):
        moved = caller.post(path, slot(desk, **{field: int(value)}), request_id=f"move-{field}")
        assert moved == {
            **write_fields(desk, last_row()),
            "pairId": 0,
            "tradeIndex": 0,
            "tradeId": row.order_id,
            field: value,
            "result": {"tradeIndex": 0, field: value},
        }
    listed = caller.post("/v1/positions/list", {"network": "testnet", "traderAddress": desk.trader})
    assert set(listed) == {"network", "traderAddress", "positions", "asOfBlock"}
    [position] = listed["positions"]
    assert position.pop("openedAt").endswith("Z")
    assert position == {
        "id": row.order_id,
        "tradeId": row.order_id,
        "pairId": 0,
        "tradeIndex": 0,
        "market": "BTC",
        "pair": "BTC/USD",
        "side": "long",
        "collateral": "98.9",
        "leverage": "10",
        "notional": "989",
        "openPrice": "90000",
        "price": "90000",
        "midPrice": "90000",
        "pnl": "0",
        "pnlPercent": "0",
        "slPrice": "86000",
        "tpPrice": "95000",
        "tpIsAutomatic": False,
        "liquidationPrice": "81225",
        "isDayTrade": False,
    }
    closed = caller.post(CLOSE, slot(desk, closePercentage=100), request_id="close")
    assert closed == {
        **write_fields(desk, last_row()),
        "pairId": 0,
        "tradeIndex": 0,
        "tradeId": row.order_id,
        "closePercentage": "100",
        "collateral": "98.9",
        "result": {
            "tradeId": row.order_id,
            "price": "90000",
            "collateral": "98.9",
            "pnl": "0",
            "netPnl": "0",
            "closePercentage": "100",
            "pnlPercent": "0",
            "usdcSentToTrader": "98.9",
            "rollover": "0",
            "funding": "0",
            "closeFee": "0",
            "priceImpactPercent": "0",
            "liquidated": False,
        },
    }


@pytest.mark.parametrize("source", ["body", "header", "request id"])
def test_key_of_a_write(desk: Desk, caller: SignedCaller, source: str) -> None:
    """The second call repeats the first one's key from the same place and gets its answer, marked."""
    body = order(desk, **({"idempotencyKey": "key-1"} if source == "body" else {}))
    headers = {"idempotency-key": "key-1"} if source == "header" else {}
    given = {"request_id": "same"} if source == "request id" else {}
    first = caller.send(OPEN, body, **{"request_id": "first", **given}, **headers)
    second = caller.send(OPEN, body, **{"request_id": "second", **given}, **headers)
    assert first.json()["data"] == second.json()["data"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert PerpsExecution.objects.count() == 1


def test_key_used_for_something_else(desk: Desk, caller: SignedCaller) -> None:
    caller.post(OPEN, order(desk, idempotencyKey="k"))
    error = caller.post(OPEN, order(desk, idempotencyKey="k", leverage=11), 409)
    assert (error["code"], error["retryable"]) == ("IDEMPOTENCY_KEY_REUSED", False)
    assert error["details"] == {"executionId": str(last_row().pk), "reason": "other_parameters"}


def test_cancelled_order_over_http(desk: Desk, caller: SignedCaller) -> None:
    desk.sandbox.control.cancel_next(reason=3)
    error = caller.post(OPEN, order(desk), 409)
    row = last_row()
    assert (error["code"], error["retryable"]) == ("ORDER_CANCELLED", False)
    assert error["details"] == {"executionId": str(row.pk), "txHash": row.tx_hash, "reason": "SLIPPAGE"}


@pytest.mark.parametrize(
    ("path", "changes", "fields"),
    [
        (OPEN, {"traderAddress": None}, ["traderAddress"]),
        (OPEN, {"collateral": 0, "leverage": -1}, ["collateral", "leverage"]),
        (OPEN, {"collateral": "100.0000001"}, ["collateral"]),
        (OPEN, {"slippage": 0}, ["slippage"]),
        (OPEN, {"slippage": 10.01}, ["slippage"]),
        (OPEN, {"side": "up", "orderType": "iceberg"}, ["orderType", "side"]),
        (OPEN, {"dayTrade": "true"}, ["dayTrade"]),
        (OPEN, {"slPrice": 0}, ["slPrice"]),
        (OPEN, {"idempotencyKey": "x" * 129}, ["idempotencyKey"]),
        (CLOSE, {"closePercentage": 0}, ["closePercentage"]),
        (CLOSE, {"closePercentage": 100.01}, ["closePercentage"]),
        (CLOSE, {"pairId": 65536, "tradeIndex": 256}, ["pairId", "tradeIndex"]),
        (SL, {"slPrice": -1}, ["slPrice"]),
        (TP, {"tpPrice": 0}, ["tpPrice"]),
        (TP, {}, ["tpPrice"]),
    ],
)
def test_every_bad_field_is_named_and_nothing_written(
    desk: Desk, caller: SignedCaller, path: str, changes: dict[str, Any], fields: list[str]
) -> None:
    body = order(desk, **changes) if path == OPEN else slot(desk, **changes)
    error = caller.post(path, body, 400)
    assert (error["code"], error["retryable"]) == ("VALIDATION_ERROR", False)
    assert sorted(item["field"] for item in error["details"]) == fields
    assert not PerpsExecution.objects.exists()


@pytest.mark.parametrize(
    ("path", "changes", "status", "code", "retryable"),
    [
        (OPEN, {"orderType": "LIMIT"}, 400, "TRIGGER_PRICE_REQUIRED", False),
        (OPEN, {"market": "NOPE"}, 400, "INVALID_MARKET", False),
        (OPEN, {"leverage": 101}, 400, "LEVERAGE_TOO_HIGH", False),
        (OPEN, {"tpPrice": 80000}, 400, "INVALID_TAKE_PROFIT", False),
        (OPEN, {"collateral": 50000}, 400, "INSUFFICIENT_BALANCE", False),
        (OPEN, {"traderAddress": "0x" + "12" * 20}, 400, "DELEGATION_NOT_ACTIVE", False),
        (CLOSE, {}, 404, "POSITION_NOT_FOUND", False),
        (SL, {"slPrice": 80000}, 404, "POSITION_NOT_FOUND", False),
    ],
)
def test_refused_writes(
    desk: Desk, caller: SignedCaller, path: str, changes: dict[str, Any], status: int, code: str, retryable: bool
) -> None:
    body = order(desk, **changes) if path == OPEN else slot(desk, **changes)
    error = caller.post(path, body, status)
    assert (error["code"], error["retryable"]) == (code, retryable)
    assert desk.sent() == 0


@pytest.mark.parametrize(
    ("side", "path", "field", "price", "code"),
    [
        ("long", SL, "slPrice", "90000", "INVALID_STOP_LOSS"),
        ("long", SL, "slPrice", "90000.01", "INVALID_STOP_LOSS"),
        ("long", TP, "tpPrice", "64.0005", "INVALID_TAKE_PROFIT"),
        ("long", TP, "tpPrice", "90000", "INVALID_TAKE_PROFIT"),
        ("short", SL, "slPrice", "89000", "INVALID_STOP_LOSS"),
        ("short", TP, "tpPrice", "90001", "INVALID_TAKE_PROFIT"),
    ],
)
def test_n15_a_trigger_that_would_close_the_position_at_once(
    desk: Desk, caller: SignedCaller, side: str, path: str, field: str, price: str, code: str
) -> None:
    """The contract takes it and the keeper closes; today's frontend makes 64.0005 of a German 64.000,5."""
    caller.post(OPEN, order(desk, side=side), request_id="open")
    error = caller.post(path, slot(desk, **{field: price}), 400, request_id="move")
    assert (error["code"], error["details"]) == (code, {"asked": price, "price": "90000"})
    assert desk.sent() == 1


def test_n15_a_stop_loss_moves_without_a_price_to_judge_by(desk: Desk, caller: SignedCaller) -> None:
    caller.post(OPEN, order(desk), request_id="open")
    desk.sandbox.control.set_timestamp(timestamp=1, pair_ids=[0])
    composition.reset()
    assert caller.post(SL, slot(desk, slPrice="84000"), request_id="old price")["result"]["slPrice"] == "84000"
    desk.sandbox.control.fail(endpoint=Endpoint.FEED, status=500)
    composition.reset()
    assert caller.post(SL, slot(desk, slPrice="85000"), request_id="no price")["result"]["slPrice"] == "85000"


def test_balance(desk: Desk, caller: SignedCaller) -> None:
    address = actors.create_account(rpc_url=desk.sandbox.rpc_url, wei=ETHER + 1).address
    actors.mint_usdc(rpc_url=desk.sandbox.rpc_url, address=address, units=12 * USDC + 500_000)
    for written in (address, address.lower(), "0x" + address[2:].upper()):
        assert caller.post("/v1/accounts/balance", {"network": "testnet", "address": written}) == {
            "network": "testnet",
            "address": address,
            "balances": {"usdc": "12.5", "native": "1.000000000000000001"},
        }


def test_balance_of_nothing_and_without_a_node(desk: Desk, caller: SignedCaller, settings: Settings) -> None:
    empty = caller.post("/v1/accounts/balance", {"network": "testnet", "address": "0x" + "34" * 20})
    assert empty["balances"] == {"usdc": "0", "native": "0"}
    point_service(settings, rpc_url="http://127.0.0.1:9")
    error = caller.post("/v1/accounts/balance", {"network": "testnet", "address": desk.trader}, 502)
    assert (error["code"], error["retryable"]) == ("BALANCE_FETCH_FAILED", True)

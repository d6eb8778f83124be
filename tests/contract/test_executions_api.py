"""What the ledger tells about an execution and an order."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.test_positions_api import OPEN, order
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller

TERMS = ("pairId", "market", "side", "orderType", "price", "collateral", "leverage")


def test_execution_and_order(desk: Desk, caller: SignedCaller) -> None:
    opened = caller.post(OPEN, order(desk))
    told = caller.post("/v1/executions/get", {"network": "testnet", "executionId": opened["executionId"]})
    moments = [told.pop(name) for name in ("createdAt", "signedAt", "sentAt", "minedAt", "endedAt")]
    assert all(moment.endswith("Z") for moment in moments)
    assert [event["state"] for event in told.pop("events")] == ["received", "signed", "sent", "mined", "settled"]
    assert told == {
        "executionId": opened["executionId"],
        "operation": "open",
        "status": "settled",
        "network": "testnet",
        "traderAddress": desk.trader,
        "delegateAddress": desk.delegate,
        "txHash": opened["txHash"],
        "transactionHash": opened["txHash"],
        "chain": "ARBITRUM_SEPOLIA",
        "chainId": 421614,
        "orderId": opened["orderId"],
        "tradeId": opened["orderId"],
        "request": {
            "market": "BTC",
            "side": "long",
            "orderType": "market",
            "dayTrade": False,
            "collateral": "100",
            "leverage": "10",
            "triggerPrice": None,
            "slippage": None,
            "slPrice": None,
            "tpPrice": None,
        },
        "terms": {name: opened[name] for name in TERMS},
        "result": opened["result"],
        "error": None,
    }
    desk.sandbox.control.catch_up()
    tracked = caller.post("/v1/orders/track", {"network": "testnet", "orderId": opened["orderId"]})
    assert {name: tracked[name] for name in ("orderId", "status", "executionId")} == {
        "orderId": opened["orderId"],
        "status": "executed",
        "executionId": opened["executionId"],
    }
    assert tracked["trade"]["isOpen"] is True
    assert Decimal(tracked["order"]["collateral"]) > 0


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/executions/get", {"executionId": "7f3df7b4-0000-4000-8000-000000000000"}, "EXECUTION_NOT_FOUND"),
        ("/v1/orders/track", {"orderId": "1"}, "ORDER_NOT_FOUND"),
        ("/v1/orders/track", {"orderId": "limit-999999"}, "ORDER_NOT_FOUND"),
        ("/v1/orders/track", {"orderId": "nonsense"}, "ORDER_NOT_FOUND"),
    ],
)
def test_unknown_things(desk: Desk, caller: SignedCaller, path: str, body: dict[str, Any], code: str) -> None:
    assert caller.post(path, {"network": "testnet", **body}, 404)["code"] == code

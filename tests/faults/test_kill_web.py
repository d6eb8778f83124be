"""kill -9 of the web process in the middle of an open: exactly one trade, and the repeated request gets its outcome."""

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from ostium_service.client import sign_request
from positions.models import PerpsExecution
from relay.models import OutboundTransaction, TransactionAttempt
from sandbox.node import read
from sandbox.story import COLLATERAL, DEPOSIT, Story
from tests.support.services import Services, wait_for

RECOVERY_SECONDS = 45.0
PATH = "/v1/positions/open"


@dataclass(frozen=True)
class SignedOpen:
    """One signed request, whose very bytes may be sent again."""

    body: bytes
    headers: dict[str, str]

    def send(self, services: Services) -> requests.Response:
        return requests.post(services.url + PATH, data=self.body, headers=self.headers, timeout=30)


def sign_open(story: Story, services: Services) -> SignedOpen:
    order = {
        "network": "testnet",
        "traderAddress": story.safe,
        "market": "BTC/USD",
        "side": "long",
        "collateral": int(COLLATERAL),
        "leverage": 10,
    }
    body = json.dumps(order, separators=(",", ":")).encode()
    now = int(time.time() * 1000)
    signature = sign_request(secret=services.secrets.hmac, timestamp_ms=now, method="POST", path=PATH, body=body)
    headers = {"content-type": "application/json", "x-timestamp": str(now), "x-signature": signature}
    return SignedOpen(body, headers)


def settled_answer(request: SignedOpen, services: Services) -> dict[str, Any]:
    """The data of the same signed bytes, sent until the execution has settled."""
    answers: list[requests.Response] = []

    def settled() -> bool:
        answers.append(request.send(services))
        return answers[-1].status_code == 200 and answers[-1].json()["data"]["status"] == "settled"

    wait_for(settled, seconds=RECOVERY_SECONDS, purpose="the settled answer of the repeated request")
    return dict(answers[-1].json()["data"]) | {"replayed": answers[-1].headers.get("idempotency-replayed")}


STORED_BY = {"claimed": 0, "stored": 1, "sent": 1, "receipt_seen": 1, "receipt_stored": 1}


@pytest.mark.parametrize("point", STORED_BY)
def test_one_trade_after_a_kill(point: str, services: Services, delegated: Story) -> None:
    nonce_before = chain_nonce(delegated)
    request = sign_open(delegated, services)
    services.start_web(kill_at=point)
    with pytest.raises(requests.ConnectionError):
        request.send(services)
    services.stop()
    assert TransactionAttempt.objects.filter(transaction__kind="open").count() == STORED_BY[point]
    if point in {"claimed", "stored"}:
        assert chain_nonce(delegated) == nonce_before

    services.start_worker()
    services.start_web()
    data = settled_answer(request, services)

    executions = PerpsExecution.objects.filter(trader_address=delegated.safe).exclude(state="REJECTED")
    assert [(str(e.pk), e.state) for e in executions] == [(data["executionId"], "SETTLED")]
    assert OutboundTransaction.objects.filter(kind="open").count() == 1
    assert data["txHash"] == OutboundTransaction.objects.get(kind="open").mined_hash
    # A claim that its dead process never signed is taken over by the repeated request, which then does the work.
    assert data["replayed"] == (None if point == "claimed" else "true")
    assert chain_nonce(delegated) == nonce_before + 1
    assert delegated.node.read(read("tradingStorage", "openTradesCount", delegated.safe, 0)) == 1
    assert delegated.balance() == DEPOSIT - COLLATERAL


def chain_nonce(story: Story) -> int:
    return int(story.node.request("eth_getTransactionCount", story.delegate, "latest"), 16)

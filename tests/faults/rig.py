"""A running service among proxies: web and worker processes that die on command, and Safes to trade for."""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from eth_account import Account
from eth_account.messages import encode_typed_data

from ostium_service.client import sign_request
from sandbox import actors
from sandbox.faultproxy import FaultProxy
from sandbox.node import read
from sandbox.processes import ChildProcess
from sandbox.story import BTC_PAIR, DEPOSIT, USDC, Stage, Story
from sandbox.tcpproxy import TcpProxy
from tests.fixtures import SandboxUrls
from tests.support.services import Services, wait_for

PATIENCE_SECONDS = 60.0
IS_WHOLE = os.environ.get("FAULT_MATRIX") == "whole"
"""Whether every generated case runs, or a slice of them (`make faults` runs all)."""

COLLATERAL = "20"
WEB_OPTIONS = ("--workers", "2", "--threads", "32", "--preload")


@dataclass(frozen=True)
class SignedCall:
    """One signed request, whose very bytes may be sent again."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    def send(self) -> requests.Response:
        """The service's answer; requests' exceptions when the process that had it died."""
        return requests.post(self.url, data=self.body, headers=self.headers, timeout=30)


@dataclass
class Rig:
    """Everything that a fault test touches. `rpc` and `submit` behave as Arbitrum's sequencer."""

    sandbox: SandboxUrls
    services: Services
    database: TcpProxy
    rpc: FaultProxy
    submit: FaultProxy
    vault: FaultProxy
    orders: Path
    delegates: Sequence[str]
    idle: list[Story] = field(default_factory=list)
    worker: ChildProcess | None = None

    def start_web(self, **extra: str) -> ChildProcess:
        """Two processes of many threads, restarted by their parent when they die."""
        named = {"KILL_FILE": str(self.orders), "KILL_ROLE": "web", **extra}
        return self.services.start_web(module="tests.faults.killing_wsgi", options=WEB_OPTIONS, **named)

    def start_worker(self) -> ChildProcess:
        """The worker that dies on command."""
        program = ("-m", "tests.faults.killing_worker")
        self.worker = self.services.start_worker(program=program, KILL_FILE=str(self.orders), KILL_ROLE="worker")
        return self.worker

    def signal_worker(self, number: signal.Signals) -> None:
        """Freeze the worker (SIGSTOP) or let it go on (SIGCONT)."""
        assert self.worker is not None
        os.killpg(self.worker.pid, number)

    def order_deaths(self, *lines: str) -> None:
        """`<role>:<point>`, as `killing` reads them."""
        self.orders.write_text("\n".join(lines))

    def pending_deaths(self) -> list[str]:
        """The orders that nobody has carried out yet."""
        return self.orders.read_text().split()

    def make_safe(self) -> Story:
        """A Safe with much USDC, no delegate yet."""
        stage = Stage(self.services.url, self.services.secrets.hmac, self.sandbox.rpc_url)
        story = Story(stage, lambda _line: None)
        story.fund_a_safe()
        actors.mint_usdc(rpc_url=self.sandbox.rpc_url, address=story.safe, units=int(10 * DEPOSIT * USDC))
        return story

    def make_delegated(self) -> Story:
        """A Safe that appointed our delegate through the running service."""
        story = self.make_safe()
        story.appoint_the_delegate()
        return story

    def sign(self, path: str, body: Mapping[str, Any]) -> SignedCall:
        """The request as today's backend signs it."""
        content = json.dumps(body, separators=(",", ":")).encode()
        now = time.time_ns() // 1_000_000
        secret = self.services.secrets.hmac
        signature = sign_request(secret=secret, timestamp_ms=now, method="POST", path=path, body=content)
        headers = {"content-type": "application/json", "x-timestamp": str(now), "x-signature": signature}
        return SignedCall(self.services.url + path, content, headers)

    def trade(self, story: Story, path: str, **body: Any) -> SignedCall:
        """A trading write under a fresh key."""
        named = {"network": "testnet", "traderAddress": story.safe, "idempotencyKey": str(uuid4())}
        return self.sign(path, {**named, **body})

    def open(self, story: Story, **changes: Any) -> SignedCall:
        """A small BTC long."""
        order = {"market": "BTC/USD", "side": "long", "collateral": COLLATERAL, "leverage": "10", **changes}
        return self.trade(story, "/v1/positions/open", **order)

    def execution(self, story: Story, kind: str) -> SignedCall:
        """The execution of what `delegations` or `delegations/revoke` prepared, signed by the owner."""
        prepared = story.ask(f"/v1/{kind}/prepare")
        signed = Account.sign_message(encode_typed_data(full_message=prepared["typedData"]), story.owner.key)
        body = {
            "network": "testnet",
            "userId": story.user_id,
            "safeAddress": story.safe,
            "safeTxHash": prepared["safeTxHash"],
            "signature": signed.signature.to_0x_hex(),
        }
        return self.sign(f"/v1/{kind}/execute", body)

    def positions(self, story: Story) -> list[dict[str, Any]]:
        """The Safe's open positions, as the service lists them."""
        return list(story.ask("/v1/positions/list")["positions"])

    def position(self, story: Story) -> dict[str, Any]:
        """The slot of an open position; one is opened if there is none."""
        if not self.positions(story):
            self.settle(self.open(story))
        found = self.positions(story)[0]
        return {name: found[name] for name in ("pairId", "tradeIndex", "tradeId")}

    def settle(self, call: SignedCall, *, wanted: str = "settled") -> dict[str, Any]:
        """The data of the same signed bytes, sent until their outcome is there.

        A refused connection, a lost answer and a retryable error are what callers are told to send again for; any other
        failure fails the test.
        """
        found: list[dict[str, Any]] = []

        def is_settled() -> bool:
            try:
                response = call.send()
            except requests.RequestException:
                return False
            answer = response.json()
            if not answer["success"]:
                assert answer["error"]["retryable"], answer
                return False
            found.append(answer["data"])
            return bool(answer["data"]["status"] == wanted)

        wait_for(is_settled, seconds=PATIENCE_SECONDS, purpose=f"{wanted} as the answer of the repeated request")
        return found[-1]

    def open_trades(self, story: Story) -> int:
        """How many BTC positions the chain has for the Safe."""
        return int(story.node.read(read("tradingStorage", "openTradesCount", story.safe, BTC_PAIR)))

    def resting_orders(self, story: Story) -> int:
        """How many limit and stop orders for BTC the chain has for the Safe."""
        return int(story.node.read(read("tradingStorage", "openLimitOrdersCount", story.safe, BTC_PAIR)))

    def chain_nonces(self) -> dict[str, int]:
        """How many transactions of each delegate the chain has."""
        node = actors.open_node(self.sandbox.rpc_url)
        return {
            address: int(str(node.request("eth_getTransactionCount", address, "latest")), 16)
            for address in self.delegates
        }

    def bitcoin(self) -> Decimal:
        """The price of BTC."""
        return next(Decimal(row["mid"]) for row in self.sandbox.control.prices() if row["pairId"] == BTC_PAIR)

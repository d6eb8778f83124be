"""The main job, told by an outside client: a Safe owner signs once, and the service trades for that Safe.

The teller knows the service's address and secret, as a backend does, and the chain, as anybody does. It trusts no
answer: after every step it reads the chain, and any disagreement ends the story with exit status 1.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from ostium_service.client import OstiumClient, OstiumError
from sandbox.actors import create_account, deploy_safe, mint_usdc
from sandbox.node import Node, read
from sandbox.stackfile import find_running_stack

SETTLE_SECONDS = 25.0
POLL_SECONDS = 0.25
DEPOSIT = Decimal(1500)
COLLATERAL = Decimal(200)
LEVERAGE = Decimal(10)
BTC_PAIR = 0
USDC = Decimal(10) ** 6
PRICE = Decimal(10) ** 18
ZERO_ADDRESS = "0x" + "0" * 40


class StoryError(Exception):
    """The service and the chain disagree, or a step did not come to its end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays: the service's URL and secret, and the node behind it."""

    service_url: str
    hmac_secret: str
    rpc_url: str


@dataclass(slots=True)
class Teller:
    """One line a step: elapsed seconds, what happened, the transaction, the money."""

    write: Callable[[str], object]
    started: float = field(default_factory=time.monotonic)
    number: int = 0

    def tell(self, what: str, *, tx_hash: str | None = None, money: str = "") -> None:
        """Print the next line."""
        self.number += 1
        seconds = time.monotonic() - self.started
        self.write(f"{self.number:>2}  {seconds:5.1f} s  {what:<62} {tx_hash or '':<66} {money}".rstrip())


class Story:
    """The steps, in order, on one fresh Safe."""

    def __init__(self, stage: Stage, write: Callable[[str], object]) -> None:
        """Nothing happens before `play`."""
        self.client = OstiumClient(base_url=stage.service_url, secret=stage.hmac_secret)
        self.node = Node(stage.rpc_url)
        self.node.find_contracts()
        self.rpc_url = stage.rpc_url
        self.teller = Teller(write)
        self.owner: LocalAccount = create_account(rpc_url=self.rpc_url)
        self.user_id = f"story-{self.owner.address[2:10].lower()}"
        self.safe = ""
        self.delegate = ""
        self.position: Mapping[str, Any] = {}

    def play(self) -> None:
        """All of it; StoryError or OstiumError where it goes wrong."""
        self.fund_a_safe()
        self.appoint_the_delegate()
        price = self.look_at_the_markets()
        self.open_a_position(price)
        self.move_the_triggers(price)
        self.close_half()
        self.close_the_rest()
        self.revoke()
        self.meet_a_closed_door(price)

    def fund_a_safe(self) -> None:
        """A real Safe 1.4.1 with one owner, holding USDC."""
        self.safe = deploy_safe(rpc_url=self.rpc_url, owners=[self.owner.address], threshold=1, version="1.4.1")
        mint_usdc(rpc_url=self.rpc_url, address=self.safe, units=int(DEPOSIT * USDC))
        self.check(self.balance() == DEPOSIT, "the Safe holds its deposit")
        self.teller.tell(f"Safe {self.safe} created and funded", money=self.money())

    def appoint_the_delegate(self) -> None:
        """Prepare, sign the typed data as a wallet does, execute, and see the chain agree."""
        prepared = self.ask("/v1/delegations/prepare")
        self.delegate = prepared["delegateAddress"]
        self.teller.tell(f"delegation to {self.delegate} prepared, the owner signs {prepared['safeTxHash'][:18]}...")
        row = self.execute("/v1/delegations/execute", prepared, wanted="ACTIVE")
        on_chain = self.node.read(read("trading", "delegations", self.safe))
        self.check(on_chain == self.delegate, "the chain names our delegate")
        self.teller.tell("ACTIVE: the chain names our delegate", tx_hash=row["approvalTxHash"])

    def look_at_the_markets(self) -> Decimal:
        """The price of BTC, among all markets."""
        markets = self.client.call("/v1/markets/list", {"network": "testnet"})["markets"]
        bitcoin = next(market for market in markets if market["pairId"] == BTC_PAIR)
        self.check(bitcoin["status"] == "open", "BTC is open")
        self.teller.tell(f"{len(markets)} markets, {bitcoin['pair']} at {bitcoin['price']}")
        return Decimal(bitcoin["price"])

    def open_a_position(self, price: Decimal) -> None:
        """Long BTC with a stop-loss and a take-profit, followed to its settlement."""
        stop_loss, take_profit = scaled(price, "0.95"), scaled(price, "1.20")
        order = {
            "market": "BTC/USD",
            "side": "long",
            "collateral": str(COLLATERAL),
            "leverage": str(LEVERAGE),
            "slPrice": stop_loss,
            "tpPrice": take_profit,
        }
        done = self.write_and_settle("/v1/positions/open", order)
        positions = self.ask("/v1/positions/list")["positions"]
        self.check(len(positions) == 1, "one position is listed")
        self.position = positions[0]
        trade = self.trade()
        self.check(trade["collateral"] == units(self.position["collateral"], USDC), "collateral as the chain has it")
        self.check(trade["sl"] == units(stop_loss, PRICE), "the stop-loss is on the chain")
        self.check(trade["tp"] == units(take_profit, PRICE), "the take-profit is on the chain")
        what = (
            f"long BTC, {self.position['collateral']} USDC x{self.position['leverage']} at {self.position['openPrice']}"
        )
        self.teller.tell(what, tx_hash=done["txHash"], money=self.money())

    def move_the_triggers(self, price: Decimal) -> None:
        """Both triggers to new prices."""
        for path, name, factor in (
            ("/v1/positions/update-sl", "slPrice", "0.97"),
            ("/v1/positions/update-tp", "tpPrice", "1.30"),
        ):
            target = scaled(price, factor)
            done = self.write_and_settle(path, {**self.slot(), name: target})
            self.check(self.trade()[name.removesuffix("Price")] == units(target, PRICE), f"{name} moved on the chain")
            self.teller.tell(f"{name} moved to {target}", tx_hash=done["txHash"])

    def close_half(self) -> None:
        """A partial close leaves half of the collateral in the same slot."""
        before = self.trade()["collateral"]
        done = self.write_and_settle("/v1/positions/close", {**self.slot(), "closePercentage": "50"})
        self.check(self.trade()["collateral"] == before - before // 2, "half of the collateral is left")
        self.teller.tell("half closed", tx_hash=done["txHash"], money=self.money())

    def close_the_rest(self) -> None:
        """The full close empties the slot."""
        done = self.write_and_settle("/v1/positions/close", self.slot())
        self.check(self.trade()["leverage"] == 0, "the slot is empty")
        self.check(self.ask("/v1/positions/list")["positions"] == [], "no position is listed")
        self.teller.tell("the rest closed", tx_hash=done["txHash"], money=self.money())

    def revoke(self) -> None:
        """The owner takes the delegate away again."""
        row = self.execute(
            "/v1/delegations/revoke/execute", self.ask("/v1/delegations/revoke/prepare"), wanted="REVOKED"
        )
        on_chain = self.node.read(read("trading", "delegations", self.safe))
        self.check(on_chain == ZERO_ADDRESS, "the chain names no delegate")
        self.teller.tell("REVOKED: the chain names no delegate", tx_hash=row["revokeTxHash"])

    def meet_a_closed_door(self, price: Decimal) -> None:
        """Without a delegation the next open is refused, and nothing moves."""
        before = self.balance()
        order = {"market": "BTC/USD", "side": "long", "collateral": str(COLLATERAL), "leverage": str(LEVERAGE)}
        try:
            self.ask("/v1/positions/open", {**order, "slPrice": scaled(price, "0.95")})
        except OstiumError as error:
            self.check(error.code == "DELEGATION_NOT_ACTIVE", f"refused with {error.code}")
        else:
            raise StoryError("an open without a delegation was accepted")
        self.check(self.balance() == before, "no money moved")
        self.teller.tell("the next open is refused: DELEGATION_NOT_ACTIVE", money=self.money())

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One call in this user's and this Safe's name."""
        mine = {
            "network": "testnet",
            "userId": self.user_id,
            "safeAddress": self.safe,
            "traderAddress": self.safe,
        }
        return self.client.call(path, {**mine, **(body or {})})

    def execute(self, path: str, prepared: Mapping[str, Any], *, wanted: str) -> Mapping[str, Any]:
        """Sign a prepared Safe transaction, hand it in, and wait for the status that only the chain can give."""
        signed = Account.sign_message(encode_typed_data(full_message=prepared["typedData"]), self.owner.key)
        body = {"safeTxHash": prepared["safeTxHash"], "signature": signed.signature.to_0x_hex()}
        row: Mapping[str, Any] = self.ask(path, body)
        deadline = time.monotonic() + SETTLE_SECONDS
        while row["status"] != wanted:
            if time.monotonic() > deadline:
                raise StoryError(f"the delegation is {row['status']}, not {wanted}: {row['lastError']}")
            time.sleep(POLL_SECONDS)
            row = self.ask("/v1/delegations/status")["delegation"]
        return row

    def write_and_settle(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A trading write, followed through the ledger until the oracle has settled it."""
        done: Mapping[str, Any] = self.ask(path, body)
        deadline = time.monotonic() + SETTLE_SECONDS
        while done["status"] != "settled":
            if time.monotonic() > deadline:
                raise StoryError(f"{path} is {done['status']} after {SETTLE_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
            done = self.ask("/v1/executions/get", {"executionId": done["executionId"]})
        receipt = self.node.request("eth_getTransactionReceipt", done["txHash"])
        self.check(receipt is not None and receipt["status"] == "0x1", f"{path} is mined with status 1")
        return done

    def slot(self) -> dict[str, Any]:
        """Names the position, and the very trade in it."""
        return {name: self.position[name] for name in ("pairId", "tradeIndex", "tradeId")}

    def trade(self) -> Mapping[str, Any]:
        """The trade as the venue's storage has it."""
        slot = (self.safe, self.position["pairId"], self.position["tradeIndex"])
        found: Mapping[str, Any] = self.node.read(read("tradingStorage", "getOpenTrade", *slot))
        return found

    def balance(self) -> Decimal:
        """USDC in the Safe."""
        return Decimal(self.node.read(read("usdc", "balanceOf", self.safe))) / USDC

    def money(self) -> str:
        """USDC in the Safe, for a line."""
        return f"Safe {self.balance():.6f} USDC"

    def check(self, holds: bool, what: str) -> None:
        """StoryError unless it holds."""
        if not holds:
            raise StoryError(f"not true: {what}")


def scaled(price: Decimal, factor: str) -> str:
    """`price` times `factor`, to a whole unit."""
    return str((price * Decimal(factor)).quantize(Decimal(1), rounding=ROUND_DOWN))


def units(text: str, scale: Decimal) -> int:
    """The chain's integer of a decimal string."""
    return int(Decimal(text) * scale)


def tell_story(stage: Stage, write: Callable[[str], object] = print) -> bool:
    """Play the story; True only if the chain agreed at every step. What went wrong is the last line."""
    try:
        story = Story(stage, write)
        story.play()
    except (StoryError, OstiumError) as error:
        write(f"the story failed: {error}")
        return False
    write(f"the story ends well after {time.monotonic() - story.teller.started:.1f} s")
    return True


def main() -> int:
    """The story against the running stack of this checkout; 0 only if the chain agreed at every step."""
    stack = find_running_stack()
    if stack is None:
        print("the sandbox is not running: `make run` starts it")
        return 1
    stage = Stage(service_url=stack.service_url, hmac_secret=stack.hmac_secret, rpc_url=stack.rpc_url)
    return 0 if tell_story(stage) else 1


if __name__ == "__main__":
    sys.exit(main())

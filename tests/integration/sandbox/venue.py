"""A test's hands on the local venue: traders act, the oracle answers, events and reverts come back decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import decode
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from sandbox import actors, addresses
from sandbox.abis import canonical_type
from sandbox.actors import USDC, ZERO_ADDRESS, Outcome
from sandbox.artifacts import DEPLOYED_AT, get_contract, load_artifact
from sandbox.node import Node, NodeError

E18 = 10**18
MARKET, LIMIT, STOP = range(3)
TP, SL, LIQ, OPEN, CLOSE_DAY_TRADE, REMOVE_COLLATERAL, PENDING_CLOSE = range(7)
BTC, ETH, EUR, XAU, XAG, NVDA, COIN, BNB = 0, 1, 2, 5, 8, 18, 31, 38
NO_BUILDER = (ZERO_ADDRESS, 0)
ORACLE_FEE = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded log."""

    contract: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Revert:
    """One decoded revert: a custom error with its arguments, Error with its text, or Panic."""

    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a trader asks for. Prices are 1e18, collateral 1e6, leverage and slippage 1e2."""

    pair: int = BTC
    collateral: int = 1000 * USDC
    price: int = 90_000 * E18
    tp: int = 0
    sl: int = 0
    leverage: int = 1000
    buy: bool = True
    day_trade: bool = False
    kind: int = MARKET
    slippage: int = 100
    builder: tuple[str, int] = NO_BUILDER

    def arguments(self, trader: str) -> tuple[Any, ...]:
        """Arguments of openTrade."""
        trade = (
            self.collateral,
            self.price,
            self.tp,
            self.sl,
            trader,
            self.leverage,
            self.pair,
            0,
            self.buy,
            self.day_trade,
        )
        return trade, self.builder, self.kind, self.slippage


class Venue:
    """The deployed venue on one node."""

    def __init__(self, rpc_url: str) -> None:
        """Everything goes through the contracts; nothing is kept here."""
        self.rpc_url = rpc_url
        self.node = Node(rpc_url)

    def create_trader(self, *, usdc: int = 50_000 * USDC) -> LocalAccount:
        """An account with native money, USDC, and an unlimited allowance."""
        trader = actors.create_account(rpc_url=self.rpc_url)
        if usdc:
            actors.mint_usdc(rpc_url=self.rpc_url, address=trader.address, units=usdc)
        actors.approve_usdc(rpc_url=self.rpc_url, account=trader, units=2**256 - 1)
        return trader

    def usdc(self, address: str) -> int:
        """Balance in USDC units."""
        return actors.read_usdc(rpc_url=self.rpc_url, address=address)

    def read(self, contract: str, function: str, *arguments: Any) -> Any:
        """One view call."""
        return actors.read_contract(rpc_url=self.rpc_url, contract=contract, function=function, arguments=arguments)

    def admin(self, contract: str, function: str, *arguments: Any) -> list[Event]:
        """One administrator call that must succeed."""
        outcome = actors.call_as_admin(rpc_url=self.rpc_url, contract=contract, function=function, arguments=arguments)
        return decode_events(outcome)

    def act(self, account: LocalAccount, function: str, *arguments: Any) -> list[Event]:
        """One call to trading that must succeed; its events."""
        data = get_contract("Trading").encode(function, *arguments)
        outcome = actors.send_signed(rpc_url=self.rpc_url, account=account, to=addresses.TRADING, data=data)
        assert outcome.succeeded, self.refusal(account.address, function, *arguments)
        return decode_events(outcome)

    def refusal(
        self, sender: str, function: str, *arguments: Any, contract: str = "Trading", block: str = "latest"
    ) -> Revert | None:
        """How the call would revert, None when it would succeed."""
        data = get_contract(contract).encode(function, *arguments)
        return self.refusal_of(sender=sender, to=DEPLOYED_AT[contract], data=data, block=block)

    def refusal_of(self, *, sender: str, to: str, data: bytes, block: str = "latest") -> Revert | None:
        """How raw call data would revert, None when it would succeed."""
        call = {"from": sender, "to": to, "data": "0x" + data.hex()}
        try:
            self.node.request("eth_call", call, block)
        except NodeError as error:
            return decode_revert(error.data)
        return None

    def place(self, trader: LocalAccount, order: Order) -> int:
        """Send an order; the price request's id for a market order, the limit index for the others."""
        events = self.act(trader, "openTrade", *order.arguments(trader.address))
        last = events[-1]
        if order.kind == MARKET:
            return int(last.arguments["orderId"])
        return int(last.arguments["index"])

    def settle(
        self,
        order_id: int,
        mid: int,
        bid: int | None = None,
        ask: int | None = None,
        *,
        is_open: bool = True,
        day_closed: bool = False,
    ) -> list[Event]:
        """The oracle's answer; bid and ask are mid unless given."""
        prices = (mid, mid if bid is None else bid, mid if ask is None else ask)
        outcome = actors.call_as_keeper(
            rpc_url=self.rpc_url,
            contract="PriceUpKeep",
            function="settle",
            arguments=(order_id, *prices, is_open, day_closed),
        )
        return decode_events(outcome)

    def force_cancel(self, order_id: int, reason: int) -> list[Event]:
        """Have a request cancelled with a chosen reason."""
        outcome = actors.call_as_keeper(
            rpc_url=self.rpc_url, contract="PriceUpKeep", function="forceCancel", arguments=(order_id, reason)
        )
        return decode_events(outcome)

    def automate(self, kind: int, trader: str, pair: int, index: int, *, timestamp: int | None = None) -> int | None:
        """Have the keeper fire something; the price request's id, None when the venue would not."""
        when = self.now() if timestamp is None else timestamp
        outcome = actors.call_as_keeper(
            rpc_url=self.rpc_url,
            contract="Trading",
            function="executeAutomationOrder",
            arguments=(kind, trader, pair, index, when),
        )
        events = decode_events(outcome)
        return int(events[0].arguments["orderId"]) if events else None

    def fire(self, kind: int, trader: LocalAccount, pair: int = BTC, index: int = 0) -> int:
        """Have the keeper fire something that it may; the price request's id."""
        order_id = self.automate(kind, trader.address, pair, index)
        assert order_id is not None
        return order_id

    def automation_status(self, kind: int, trader: str, pair: int, index: int, *, timestamp: int | None = None) -> int:
        """What executeAutomationOrder would return."""
        when = self.now() if timestamp is None else timestamp
        trading = get_contract("Trading")
        call = {
            "from": addresses.KEEPER,
            "to": addresses.TRADING,
            "data": "0x" + trading.encode("executeAutomationOrder", kind, trader, pair, index, when).hex(),
        }
        answer = self.node.request("eth_call", call, "latest")
        return int(str(answer), 16)

    def open_position(
        self, trader: LocalAccount, order: Order | None = None, *, mid: int | None = None
    ) -> dict[str, Any]:
        """A position opened at a mid price without spread, as stored."""
        wanted = order or Order()
        order_id = self.place(trader, wanted)
        events = self.settle(order_id, wanted.price if mid is None else mid)
        opened = find_event(events, "MarketOpenExecuted")
        stored: dict[str, Any] = opened.arguments["t"]
        return stored

    def close(self, trader: LocalAccount, pair: int, index: int, *, percent: int = 10_000, price: int) -> int:
        """Ask for a market close with the widest slippage; the price request's id."""
        events = self.act(trader, "closeTradeMarket", pair, index, percent, price, 10_000)
        return int(events[-1].arguments["orderId"])

    def trade(self, trader: str, pair: int = BTC, index: int = 0) -> dict[str, Any]:
        """getOpenTrade."""
        found: dict[str, Any] = self.read("TradingStorage", "getOpenTrade", trader, pair, index)
        return found

    def info(self, trader: str, pair: int = BTC, index: int = 0) -> dict[str, Any]:
        """getOpenTradeInfo."""
        found: dict[str, Any] = self.read("TradingStorage", "getOpenTradeInfo", trader, pair, index)
        return found

    def now(self) -> int:
        """The latest block's time."""
        return self.node.head().timestamp

    def mine(self, blocks: int) -> None:
        """Empty blocks."""
        actors.mine(rpc_url=self.rpc_url, blocks=blocks)


def decode_events(outcome: Outcome) -> list[Event]:
    """All events of the venue's contracts in log order."""
    by_address = {address.lower(): name for name, address in DEPLOYED_AT.items()}
    found = []
    for log in outcome.logs:
        name = by_address[log["address"].lower()]
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        event = get_contract(name).events[topics[0]]
        arguments = event.decode(topics=topics, data=bytes.fromhex(log["data"][2:]))
        found.append(Event(name, event.name, arguments))
    return found


def decode_revert(data: bytes) -> Revert:
    """A custom error of any of the venue's contracts, or one of Solidity's own."""
    if data[:4] == bytes.fromhex("08c379a0"):
        return Revert("Error", tuple(decode(["string"], data[4:])))
    if data[:4] == bytes.fromhex("4e487b71"):
        return Revert("Panic", tuple(decode(["uint256"], data[4:])))
    for name in DEPLOYED_AT:
        for entry in load_artifact(name)["abi"]:
            if entry["type"] != "error":
                continue
            types = [canonical_type(item) for item in entry["inputs"]]
            if keccak(text=f"{entry['name']}({','.join(types)})")[:4] == data[:4]:
                return Revert(entry["name"], tuple(decode(types, data[4:])))
    return Revert("unknown", (data.hex(),))


def find_event(events: Sequence[Event], name: str) -> Event:
    """The one event of that name."""
    found = [event for event in events if event.name == name]
    assert len(found) == 1, [event.name for event in events]
    return found[0]


def names_of(events: Sequence[Event]) -> list[str]:
    """Event names in log order."""
    return [event.name for event in events]

"""The same jobs done with ostium-python-sdk, unmodified except for its URLs, each thread with an SDK of its own."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from ostium_python_sdk import NetworkConfig, OstiumSDK

from benchmarks.clients import Call

BTC_PAIR = 0


@dataclass(frozen=True)
class Venue:
    """Where the SDK finds the venue. Transactions go to the RPC, since its default is a public sequencer."""

    rpc_url: str
    subgraph_url: str
    prices_url: str

    def open_sdk(self, *, private_key: str | None = None, use_delegation: bool = False) -> Any:
        """The SDK on this venue."""
        config = NetworkConfig.testnet()
        config.graph_url = self.subgraph_url
        sdk = OstiumSDK(
            config,
            private_key=private_key,
            rpc_url=self.rpc_url,
            submit_rpc_url=self.rpc_url,
            use_delegation=use_delegation,
        )
        sdk.price.base_url = self.prices_url
        return sdk


@dataclass(frozen=True)
class SdkList:
    """All markets with their prices."""

    venue: Venue

    def connect(self) -> Call:
        """On an event loop that is kept, as an asynchronous program keeps its own."""
        sdk, loop = self.venue.open_sdk(), asyncio.new_event_loop()
        return lambda: loop.run_until_complete(sdk.get_formatted_pairs_details())


@dataclass(frozen=True)
class SdkPrice:
    """One market's price."""

    venue: Venue

    def connect(self) -> Call:
        """On an event loop that is kept."""
        sdk, loop = self.venue.open_sdk(), asyncio.new_event_loop()
        return lambda: loop.run_until_complete(sdk.price.get_price("BTC", "USD"))


@dataclass(frozen=True)
class SdkTrader:
    """Opens through a delegate; `key` is the delegate's, made for this run."""

    venue: Venue
    trader: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SdkOpen:
    """`time.monotonic()` before the price was asked for, and before `perform_trade`."""

    asked_price_at: float
    began_at: float


def serve_trades(pipe: "Connection[Any, Any]", trader: SdkTrader, order: dict[str, Any]) -> None:
    """In the client process: for every message received open a position, send SdkOpen, then close it and say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sdk = trader.venue.open_sdk(private_key=trader.key, use_delegation=True)
        loop = asyncio.new_event_loop()
        pipe.send("ready")
        while pipe.recv():
            asked_price_at = time.monotonic()
            price, _, _ = loop.run_until_complete(sdk.price.get_price("BTC", "USD"))
            began_at = time.monotonic()
            opened = sdk.ostium.perform_trade(order | {"trader_address": trader.trader}, price)
            require_mined(opened)
            pipe.send(SdkOpen(asked_price_at, began_at))
            index = loop.run_until_complete(find_index(sdk, opened["order_id"]))
            closed = sdk.ostium.close_trade(BTC_PAIR, index, price, trader_address=trader.trader)
            require_mined(closed)
            loop.run_until_complete(sdk.ostium.track_order_and_trade(sdk.subgraph, closed["order_id"]))
            pipe.send("closed")
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


async def find_index(sdk: Any, order_id: int) -> int:
    """The slot of the trade that the order opened; RuntimeError when the oracle cancelled it."""
    found = await sdk.ostium.track_order_and_trade(sdk.subgraph, order_id)
    if found is None or found["order"]["isCancelled"]:
        raise RuntimeError(f"order {order_id} was not executed")
    return int(found["trade"]["index"])


def require_mined(done: dict[str, Any]) -> None:
    """RuntimeError unless the receipt says success."""
    if done["receipt"]["status"] != 1:
        raise RuntimeError("the transaction reverted")

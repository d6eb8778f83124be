"""Many Safes that open at once: their making, callers in processes of their own, and what the chain then holds."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

from benchmarks.clients import READY_SECONDS, receive, start_process
from benchmarks.service_calls import SignedConnection
from benchmarks.stage import Stage
from sandbox.actors import USDC, mint_usdc
from sandbox.node import Node, read
from sandbox.processes import wait_until
from sandbox.story import BTC_PAIR, Story
from sandbox.story import Stage as Scene

PATH = "/v1/positions/open"
ORDER = {"network": "testnet", "market": "BTC/USD", "side": "long", "collateral": "50", "leverage": "10"}
CAPITAL = 20_000 * USDC
PROCESSES, THREADS = 2, 24
FIRE_SECONDS = 300.0
SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fired:
    """Every call's seconds and what went wrong with it (empty for a success), and seconds until the last answer."""

    seconds: tuple[float, ...]
    failures: tuple[str, ...]
    elapsed: float


def make_crowd(stage: Stage, *, delegates: Sequence[str], safes: int) -> list[Story]:
    """Safes with money, spread evenly over the delegates."""
    scene = Scene(service_url=stage.service_url, hmac_secret=stage.secrets.hmac, rpc_url=stage.rpc_url)
    crowd = []
    for _, delegate in zip(range(safes), cycle(delegates), strict=False):
        story = Story(scene, write=lambda _: None)
        story.fund_a_safe()
        mint_usdc(rpc_url=stage.rpc_url, address=story.safe, units=CAPITAL)
        appointed = {"delegateAddress": delegate, "allowanceAmount": str(CAPITAL // USDC)}
        prepared = story.ask("/v1/delegations/prepare", appointed)
        story.execute("/v1/delegations/execute", prepared, wanted="ACTIVE")
        crowd.append(story)
    return crowd


def open_at_once(
    stage: Stage, traders: Sequence[str], *, orders: Sequence[Mapping[str, Any]] = (ORDER,), threads: int = THREADS
) -> Fired:
    """One open for every name in `traders` (a name may stand there often), `orders` in turn, from so many callers."""
    named = [
        {**order, "traderAddress": trader, "idempotencyKey": str(uuid4())}
        for trader, order in zip(traders, cycle(orders), strict=False)
    ]
    with start_callers(serve_opens, stage.service_url, stage.secrets.hmac, threads // PROCESSES) as pipes:
        return fire(pipes, named)


@contextlib.contextmanager
def start_callers(serve: Any, *arguments: object) -> Iterator[list["Connection[Any, Any]"]]:
    """PROCESSES client processes that are ready to be told what to open."""
    with contextlib.ExitStack() as ending:
        pipes = [ending.enter_context(start_process(serve, *arguments)) for _ in range(PROCESSES)]
        for pipe in pipes:
            receive(pipe, seconds=READY_SECONDS)
        yield pipes


def fire(pipes: Sequence["Connection[Any, Any]"], orders: Sequence[Any]) -> Fired:
    """The orders dealt out to the processes, all at the same moment."""
    began = time.monotonic()
    for number, pipe in enumerate(pipes):
        pipe.send(orders[number :: len(pipes)])
    answers = [one for pipe in pipes for one in receive(pipe, seconds=FIRE_SECONDS)]
    elapsed = time.monotonic() - began
    return Fired(tuple(seconds for seconds, _ in answers), tuple(text for _, text in answers if text), elapsed)


def serve_opens(pipe: "Connection[Any, Any]", url: str, secret: str, threads: int) -> None:
    """In the client process: open every order once, `threads` at a time; send seconds and failure of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send("ready")
    orders = pipe.recv()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        pipe.send(list(pool.map(lambda order: open_one(url, secret, order), orders)))
    pipe.recv()


def open_one(url: str, secret: str, order: Mapping[str, Any]) -> tuple[float, str]:
    """Seconds until the answer, and what it was when it was no success."""
    began = time.monotonic()
    connection = SignedConnection(url=url, secret=secret)
    try:
        connection.call(path=PATH, content=json.dumps(order).encode())
    except (RuntimeError, OSError) as error:
        return time.monotonic() - began, f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return time.monotonic() - began, ""


def count_positions(rpc_url: str, traders: Sequence[str]) -> int:
    """Settled BTC positions of all of them, as the chain holds them now."""
    node = Node(rpc_url)
    node.find_contracts()
    return sum(int(node.read(read("tradingStorage", "openTradesCount", trader, BTC_PAIR))) for trader in traders)


def wait_for_pending(rpc_url: str, traders: Sequence[str]) -> None:
    """Until the oracle has answered everything that was asked of it; SandboxError when it does not."""
    node = Node(rpc_url)
    node.find_contracts()

    def is_settled() -> bool:
        return not any(node.read(read("tradingStorage", "getPendingOrderIds", trader)) for trader in traders)

    wait_until(is_settled, seconds=SETTLE_SECONDS, purpose="the oracle's answer to every order")

"""A trader's hundred positions: rounds of upstream calls and time of the list, beside the SDK's way to the same."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.clients import READY_SECONDS, receive, start_process
from benchmarks.crowd import ORDER, make_crowd, open_at_once, wait_for_pending
from benchmarks.figures import compute_percentile, format_aim, format_ms, format_ratio, format_table
from benchmarks.opens import Opened, describe_counts, median_seconds
from benchmarks.recording import Asked, group_rounds
from benchmarks.service_calls import SignedConnection
from benchmarks.stage import Stage
from benchmarks.vendor import Venue
from sandbox.listing import LISTINGS
from sandbox.processes import SandboxError

LATENCY_MS = 50
COUNTING_MS = 500
"""The added latency while rounds are counted: on a busy machine 50 ms may pass between the calls of one round."""

PATH = "/v1/positions/list"
PAIRS, EACH = 10, 10
"""The venue keeps ten trades of a trader on a pair."""

POSITIONS = PAIRS * EACH
LISTS, COUNTED_LISTS, SDK_LISTS = 20, 4, 2
ROUNDS_AIM = 3
SDK_SECONDS = 300.0


def measure_positions(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aim is met."""
    stage.shaper.set_all_latencies(milliseconds=0)
    stage.start_web()
    trader = open_many(stage)
    try:
        stage.start_web(processes=1)
        stage.shaper.set_all_latencies(milliseconds=COUNTING_MS)
        counted = list_by_service(stage, trader, times=1 + COUNTED_LISTS, latency_ms=COUNTING_MS)
        stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
        warm = list_by_service(stage, trader, times=LISTS, latency_ms=LATENCY_MS)
        sdk = list_by_sdk(stage, trader)
    finally:
        stage.shaper.set_all_latencies(milliseconds=0)
        stage.start_web()
    return print_positions(write, counted=counted, warm=warm, sdk=sdk)


def print_positions(
    write: Callable[[str], object], *, counted: Sequence[Opened], warm: Sequence[Opened], sdk: Sequence[Opened]
) -> bool:
    """The table, what the last list asked, and the aim."""
    rows = [["a list of 100 positions", "p50", "p90", "rounds", "calls", "this / service"]]
    for name, lists, asked in (
        ("service, warm", warm, counted[1:]),
        ("SDK: open trades, metrics of each", sdk, sdk),
    ):
        p90 = compute_percentile([one.seconds for one in lists], 90)
        ratio = format_ratio(median_seconds(lists) / median_seconds(warm))
        rows.append([name, format_ms(median_seconds(lists)), format_ms(p90), *describe_counts(asked), ratio])
    write(f"positions: {LATENCY_MS} ms added to every upstream call; {POSITIONS} positions on {PAIRS} pairs")
    write(format_table(rows))
    for name, one in (("a fresh process's first list", counted[0]), ("the last counted list", counted[-1])):
        for number, calls in enumerate(one.rounds, start=1):
            write(f"  {name}, round {number}: {describe_calls(calls)}")
    most = max(len(one.rounds) for one in counted)
    write(format_aim(text=f"at most {ROUNDS_AIM} rounds, a fresh process's included", is_met=most <= ROUNDS_AIM))
    return most <= ROUNDS_AIM


def describe_calls(calls: Sequence[Asked]) -> str:
    """As in "subgraph, 2 x rpc(90)"."""
    asked = Counter(one.describe() for one in calls)
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in asked.items())


def open_many(stage: Stage) -> str:
    """A Safe with as many positions as the venue lets it have on ten pairs; SandboxError when some are missing."""
    [story] = make_crowd(stage, delegates=[stage.create_delegate()], safes=1)
    pairs = sorted(LISTINGS)[:PAIRS]
    orders = [{**ORDER, "market": str(pair), "leverage": "3"} for pair in pairs]
    fired = open_at_once(stage, [story.safe] * POSITIONS, orders=orders)
    wait_for_pending(stage.rpc_url, [story.safe])
    found = len(story.ask(PATH)["positions"])
    if found != POSITIONS:
        raise SandboxError(f"only {found} positions were opened: {', '.join(sorted(set(fired.failures)))}")
    return story.safe


def list_by_service(stage: Stage, trader: str, *, times: int, latency_ms: int) -> list[Opened]:
    """Lists one after another."""
    connection = SignedConnection(url=stage.service_url, secret=stage.secrets.hmac)
    content = json.dumps({"network": "testnet", "traderAddress": trader}).encode()
    lists = []
    for _ in range(times):
        began = time.monotonic()
        answer = connection.call(path=PATH, content=content)
        lists.append(read_list(stage, began, latency_ms))
        if len(json.loads(answer)["data"]["positions"]) != POSITIONS:
            raise SandboxError("a list lacks positions")
    connection.close()
    return lists


def list_by_sdk(stage: Stage, trader: str) -> list[Opened]:
    """Lists in a process of the SDK's own."""
    venue = Venue(stage.shaped.rpc_url, stage.shaped.subgraph_url, stage.shaped.prices_url)
    lists = []
    with start_process(serve_lists, venue, trader) as pipe:
        receive(pipe, seconds=READY_SECONDS)
        for _ in range(SDK_LISTS):
            began = time.monotonic()
            pipe.send(True)
            found = receive(pipe, seconds=SDK_SECONDS)
            lists.append(read_list(stage, began, LATENCY_MS))
            if found != POSITIONS:
                raise SandboxError(f"the SDK found {found} positions")
    return lists


def read_list(stage: Stage, began: float, latency_ms: int) -> Opened:
    """What was asked since, and how long it took."""
    seconds = time.monotonic() - began
    asked: list[Asked] = stage.shaper.asked_since(began)
    rounds = group_rounds(asked, latency=latency_ms / 1000)
    return Opened(seconds, tuple(tuple(calls) for calls in rounds))


def serve_lists(pipe: "Connection[Any, Any]", venue: Venue, trader: str) -> None:
    """In the client process: for every message the open trades, and the metrics of each, as an SDK user lists them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sdk, loop = venue.open_sdk(), asyncio.new_event_loop()
        pipe.send("ready")
        while pipe.recv():
            pipe.send(loop.run_until_complete(list_with_metrics(sdk, trader)))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


async def list_with_metrics(sdk: Any, trader: str) -> int:
    """How many there are."""
    trades, _ = await sdk.get_open_trades(trader)
    for trade in trades:
        await sdk.get_open_trade_metrics(trade["pair"]["id"], trade["index"], trader)
    return len(trades)

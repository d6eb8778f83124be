"""100 opens at once through one delegate and through four, and with the SDK and one key, before a sequencer."""

import asyncio
import contextlib
import io
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.crowd import (
    CAPITAL,
    PROCESSES,
    THREADS,
    Fired,
    count_positions,
    fire,
    make_crowd,
    open_at_once,
    start_callers,
    wait_for_pending,
)
from benchmarks.figures import compute_percentile, format_aim, format_ms, format_table
from benchmarks.opens import sdk_order
from benchmarks.sequencer import put_sequencer_before
from benchmarks.stage import Stage
from benchmarks.vendor import SdkTrader, Venue
from sandbox.actors import approve_usdc, create_account, mint_usdc, send_signed
from sandbox.addresses import TRADING
from sandbox.artifacts import get_contract
from sandbox.processes import SandboxError

SAFES, OPENS_EACH = 20, 5
OPENS = SAFES * OPENS_EACH
POOL = 4
KINDS_SHOWN = 3
VARYING = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a hundred opens came to."""

    name: str
    fired: Fired
    settled: int


def measure_throughput(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether every open of the service settled and no caller saw an error."""
    stage.shaper.set_all_latencies(milliseconds=0)
    with put_sequencer_before(stage) as endpoints:
        pool = [stage.create_delegate() for _ in range(POOL)]
        one = open_by_service(stage, "service, one delegate", pool[:1])
        four = open_by_service(stage, f"service, {POOL} delegates", pool)
        # The SDK is told to submit where it reads, as a program of one endpoint does.
        sdk = open_by_sdk(stage, Venue(endpoints.rpc_url, endpoints.subgraph_url, endpoints.prices_url))
    rows = [["100 opens of 20 traders at once", "callers", "settled", "errors", "opens/s", "p50", "p99"]]
    rows += [describe(outcome) for outcome in (one, four, sdk)]
    write("throughput: before an imitation of Arbitrum's sequencer, no latency added; 2 web processes and a worker")
    write(format_table(rows))
    kinds = Counter(VARYING.sub("..", failure)[:110] for failure in sdk.fired.failures)
    for text, count in kinds.most_common(KINDS_SHOWN):
        write(f"  the SDK raised {count} times: {text}")
    is_met = all(outcome.settled == OPENS and not outcome.fired.failures for outcome in (one, four))
    write(format_aim(text=f"{OPENS} of {OPENS} settled by the service, no caller sees an error", is_met=is_met))
    return is_met


def describe(outcome: Outcome) -> list[str]:
    """A row of the table; the rate counts settled opens only."""
    seconds = outcome.fired.seconds
    times = [format_ms(compute_percentile(seconds, percent)) for percent in (50, 99)]
    rate = f"{outcome.settled / outcome.fired.elapsed:.1f}"
    return [outcome.name, str(THREADS), str(outcome.settled), str(len(outcome.fired.failures)), rate, *times]


def open_by_service(stage: Stage, name: str, delegates: Sequence[str]) -> Outcome:
    """A crowd of its own opens at once; what the chain holds when the oracle has answered."""
    safes = [story.safe for story in make_crowd(stage, delegates=delegates, safes=SAFES)]
    fired = open_at_once(stage, safes * OPENS_EACH)
    wait_for_pending(stage.rpc_url, safes)
    return Outcome(name, fired, count_positions(stage.rpc_url, safes))


def open_by_sdk(stage: Stage, venue: Venue) -> Outcome:
    """The same by an SDK in every thread, all with one delegate's key."""
    traders = appoint_traders(stage, venue)
    names = [trader.trader for trader in traders]
    with start_callers(serve_sdk_opens, THREADS // PROCESSES) as pipes:
        fired = fire(pipes, traders * OPENS_EACH)
    wait_for_pending(stage.rpc_url, names)
    return Outcome("SDK, one key", fired, count_positions(stage.rpc_url, names))


def appoint_traders(stage: Stage, venue: Venue) -> list[SdkTrader]:
    """Traders with money who name one delegate, which has a key of its own."""
    delegate = create_account(rpc_url=stage.rpc_url)
    data = get_contract("Trading").encode("setDelegate", delegate.address)
    traders = []
    for _ in range(SAFES):
        trader = create_account(rpc_url=stage.rpc_url)
        mint_usdc(rpc_url=stage.rpc_url, address=trader.address, units=CAPITAL)
        approve_usdc(rpc_url=stage.rpc_url, account=trader, units=CAPITAL)
        if not send_signed(rpc_url=stage.rpc_url, account=trader, to=TRADING, data=data).succeeded:
            raise SandboxError("the SDK's delegate could not be appointed")
        traders.append(SdkTrader(venue=venue, trader=trader.address, key=delegate.key.hex()))
    return traders


def serve_sdk_opens(pipe: "Connection[Any, Any]", threads: int) -> None:
    """In the client process: one open for every trader received, `threads` at a time; seconds and failure of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send("ready")
    traders = pipe.recv()
    # The SDK prints its failures.
    with contextlib.redirect_stdout(io.StringIO()), ThreadPoolExecutor(max_workers=threads) as pool:
        answers = list(pool.map(open_with_sdk, traders))
    pipe.send(answers)
    pipe.recv()


def open_with_sdk(trader: SdkTrader) -> tuple[float, str]:
    """Price, then `perform_trade`, as `benchmarks.vendor.serve_trades` does; seconds, and the exception's text."""
    sdk, loop = trader.venue.open_sdk(private_key=trader.key, use_delegation=True), asyncio.new_event_loop()
    order = sdk_order() | {"collateral": 50, "trader_address": trader.trader}
    began = time.monotonic()
    try:
        price, _, _ = loop.run_until_complete(sdk.price.get_price("BTC", "USD"))
        done = sdk.ostium.perform_trade(order, price)
        failure = "" if done["receipt"]["status"] == 1 else "the transaction reverted"
    except Exception as error:  # noqa: BLE001 - whatever a caller of the SDK would see is a failure to count
        failure = f"{type(error).__name__}: {' '.join(str(error).split())}"
    finally:
        loop.close()
    return time.monotonic() - began, failure

"""Opening a position: rounds of upstream calls before the broadcast, and the time until it, beside the SDK's."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.clients import READY_SECONDS, receive, start_process
from benchmarks.figures import compute_percentile, format_aim, format_ms, format_ratio, format_table
from benchmarks.recording import BROADCAST, Asked, group_rounds
from benchmarks.stage import Stage
from benchmarks.vendor import SdkTrader, Venue, serve_trades
from sandbox.actors import USDC, approve_usdc, create_account, mint_usdc, send_signed
from sandbox.addresses import TRADING
from sandbox.artifacts import get_contract
from sandbox.processes import SandboxError
from sandbox.story import Stage as Scene
from sandbox.story import Story

LATENCY_MS = 50
WARM_UPS = 1
OPENS = 10
COLLATERAL, LEVERAGE = 20, 10
SDK_CAPITAL = 1000 * USDC
ROUNDS_AIM = 3
SDK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Opened:
    """One open: seconds from the request to the broadcast's arrival, and the rounds of calls in between."""

    seconds: float
    rounds: tuple[tuple[Asked, ...], ...]


def measure_opens(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aims are met."""
    stage.shaper.set_all_latencies(milliseconds=0)
    story = tell_beginning(stage)
    with start_process(serve_trades, appoint_sdk_delegate(stage), sdk_order()) as sdk:
        receive(sdk, seconds=READY_SECONDS)
        stage.start_web()
        stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
        cold = open_by_service(stage, story)
        pairs = [(open_by_service(stage, story), *open_by_sdk(stage, sdk)) for _ in range(WARM_UPS + OPENS)]
    stage.shaper.set_all_latencies(milliseconds=0)
    service, sdk_path, sdk_bare = (list(column) for column in zip(*pairs[WARM_UPS:], strict=True))
    return print_opens(write, cold=cold, service=service, sdk_path=sdk_path, sdk_bare=sdk_bare)


def print_opens(
    write: Callable[[str], object],
    *,
    cold: Opened,
    service: Sequence[Opened],
    sdk_path: Sequence[Opened],
    sdk_bare: Sequence[Opened],
) -> bool:
    """The tables; `sdk_path` is counted from the SDK's request for a price, `sdk_bare` from `perform_trade`."""
    ours = median_seconds(service)
    rows = [["until the broadcast arrives", "p50", "p90", "rounds", "calls", "service / this"]]
    for name, opens in (
        ("service: checks, price, simulation", service),
        ("SDK: price + perform_trade", sdk_path),
        ("SDK: perform_trade alone", sdk_bare),
    ):
        p90 = compute_percentile([one.seconds for one in opens], 90)
        ratio = format_ratio(ours / median_seconds(opens))
        rows.append([name, format_ms(median_seconds(opens)), format_ms(p90), *describe_counts(opens), ratio])
    write(f"opens: {LATENCY_MS} ms added to every upstream call, Vault's too; {len(service)} opens each, by turns")
    write(format_table(rows))
    for number, calls in enumerate(service[-1].rounds, start=1):
        write(f"  round {number} of the last one: {', '.join(one.describe() for one in calls)}")
    write(f"  first open of a fresh process: {len(cold.rounds)} rounds, {format_ms(cold.seconds)}")
    most = max(len(one.rounds) for one in service)
    write(format_aim(text=f"at most {ROUNDS_AIM} rounds", is_met=most <= ROUNDS_AIM))
    is_fast = ours <= median_seconds(sdk_path)
    write(format_aim(text="not slower than the SDK's path", is_met=is_fast))
    return most <= ROUNDS_AIM and is_fast


def tell_beginning(stage: Stage) -> Story:
    """A Safe with money that has delegated to the service."""
    scene = Scene(service_url=stage.service_url, hmac_secret=stage.secrets.hmac, rpc_url=stage.rpc_url)
    story = Story(scene, write=lambda _: None)
    story.fund_a_safe()
    story.appoint_the_delegate()
    return story


def appoint_sdk_delegate(stage: Stage) -> SdkTrader:
    """A trader of the SDK's own, whose delegate has its own key."""
    trader = create_account(rpc_url=stage.rpc_url)
    delegate = create_account(rpc_url=stage.rpc_url)
    mint_usdc(rpc_url=stage.rpc_url, address=trader.address, units=SDK_CAPITAL)
    approve_usdc(rpc_url=stage.rpc_url, account=trader, units=SDK_CAPITAL)
    data = get_contract("Trading").encode("setDelegate", delegate.address)
    if not send_signed(rpc_url=stage.rpc_url, account=trader, to=TRADING, data=data).succeeded:
        raise SandboxError("the SDK's delegate could not be appointed")
    venue = Venue(stage.shaped.rpc_url, stage.shaped.subgraph_url, stage.shaped.prices_url)
    return SdkTrader(venue=venue, trader=trader.address, key=delegate.key.hex())


def sdk_order() -> dict[str, Any]:
    """The same order as the service's, in the SDK's words."""
    return {
        "collateral": COLLATERAL,
        "leverage": LEVERAGE,
        "asset_type": 0,
        "direction": True,
        "order_type": "MARKET",
        "tp": 0,
        "sl": 0,
    }


def open_by_service(stage: Stage, story: Story) -> Opened:
    """Open through the API, then close again so that the slot is free."""
    began = time.monotonic()
    order = {"market": "BTC/USD", "side": "long", "collateral": str(COLLATERAL), "leverage": str(LEVERAGE)}
    story.write_and_settle("/v1/positions/open", order)
    opened = read_opened(stage, began)
    story.position = story.ask("/v1/positions/list")["positions"][0]
    story.write_and_settle("/v1/positions/close", story.slot())
    return opened


def open_by_sdk(stage: Stage, sdk: Any) -> tuple[Opened, Opened]:
    """Open through the SDK, then close: counted from the request for a price, and from `perform_trade`."""
    sdk.send(True)
    times = receive(sdk, seconds=SDK_SECONDS)
    opened = read_opened(stage, times.asked_price_at), read_opened(stage, times.began_at)
    receive(sdk, seconds=SDK_SECONDS)
    return opened


def read_opened(stage: Stage, began: float) -> Opened:
    """What was asked between `began` and the next broadcast. SandboxError when there was none."""
    asked = stage.shaper.asked_since(began)
    sent = next((number for number, one in enumerate(asked) if BROADCAST in one.methods), None)
    if sent is None:
        raise SandboxError("nothing was broadcast")
    rounds = group_rounds(asked[:sent], latency=LATENCY_MS / 1000)
    return Opened(asked[sent].at - began, tuple(tuple(calls) for calls in rounds))


def median_seconds(opens: Sequence[Opened]) -> float:
    """p50 of the time to the broadcast."""
    return statistics.median(one.seconds for one in opens)


def describe_counts(opens: Sequence[Opened]) -> list[str]:
    """Rounds and calls before the broadcast: the median, and the most when it differs."""
    counts = ([len(one.rounds) for one in opens], [sum(map(len, one.rounds)) for one in opens])
    return [describe_spread(column) for column in counts]


def describe_spread(numbers: Sequence[int]) -> str:
    """As in "2" or "2 (at most 3)"."""
    middle, most = int(statistics.median(numbers)), max(numbers)
    return str(middle) if middle == most else f"{middle} (at most {most})"

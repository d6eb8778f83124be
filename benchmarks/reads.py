"""Markets and prices: calls a second and their time, beside the SDK's own; and what a cold list asks upstream."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.clients import Target, start_clients
from benchmarks.figures import Load, compute_percentile, format_aim, format_ms, format_ratios, format_table
from benchmarks.service_calls import ServiceTarget, SignedConnection
from benchmarks.stage import Stage
from benchmarks.vendor import SdkList, SdkPrice, Venue
from sandbox.shaping import Endpoint

LATENCY_MS = 50
CLIENT_PROCESSES = 2
THREADS = (1, 8)
TURNS = 3
SERVICE_SECONDS = 2.5
SDK_SECONDS = 3.0
LIST_PATH, LIST_BODY = "/v1/markets/list", {"network": "testnet"}
PRICE_PATH, PRICE_BODY = "/v1/prices/get", {"network": "testnet", "base": "BTC", "quote": "USD"}
RATIO_AIM = 50
COLD_CALLS_AIM = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One job, done by the service and by the SDK."""

    name: str
    service: Target
    sdk: Target


@dataclass(frozen=True, slots=True)
class Turns:
    """The loads of both sides, turn by turn."""

    service: Sequence[Load]
    sdk: Sequence[Load]

    @property
    def ratios(self) -> list[float]:
        """The service's rate over the SDK's, each turn by itself: what disturbs one turn disturbs both sides of it."""
        return [ours.rate / theirs.rate for ours, theirs in zip(self.service, self.sdk, strict=True)]


def measure_reads(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aims are met."""
    stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
    cold = count_cold_list(stage)
    stage.start_web()
    rows = [["job", "threads", "service", "p50", "p99", "SDK", "p50", "p99", "ratio"]]
    medians: list[float] = []
    for job in list_jobs(stage):
        for threads in THREADS:
            turns = take_turns(job, threads=threads)
            sides = [*describe_side(turns.service), *describe_side(turns.sdk)]
            rows.append([job.name, str(threads), *sides, format_ratios(turns.ratios)])
            medians.append(statistics.median(turns.ratios))
    calls = sum(cold.values())
    write(f"reads: {LATENCY_MS} ms added to every upstream call, 2 web processes, warm; median of {TURNS} turns")
    write(format_table(rows))
    write(format_aim(text=f"{RATIO_AIM} times the SDK's rate", is_met=min(medians) >= RATIO_AIM))
    write(f"  upstream calls of a fresh process's first list: {calls} ({describe_calls(cold)})")
    write(format_aim(text=f"at most {COLD_CALLS_AIM}", is_met=calls <= COLD_CALLS_AIM))
    return min(medians) >= RATIO_AIM and calls <= COLD_CALLS_AIM


def list_jobs(stage: Stage) -> list[Job]:
    """The two jobs that every page of a frontend asks for."""
    venue = Venue(stage.shaped.rpc_url, stage.shaped.subgraph_url, stage.shaped.prices_url)
    url, secret = stage.service_url, stage.secrets.hmac
    return [
        Job(LIST_PATH, ServiceTarget(url, secret, LIST_PATH, LIST_BODY), SdkList(venue)),
        Job(PRICE_PATH, ServiceTarget(url, secret, PRICE_PATH, PRICE_BODY), SdkPrice(venue)),
    ]


def take_turns(job: Job, *, threads: int) -> Turns:
    """The service and the SDK by turns, from the same number of threads and processes."""
    processes = min(threads, CLIENT_PROCESSES)
    with (
        start_clients(target=job.service, threads=threads, processes=processes) as service,
        start_clients(target=job.sdk, threads=threads, processes=processes) as sdk,
    ):
        pairs = [(service.run(SERVICE_SECONDS), sdk.run(SDK_SECONDS)) for _ in range(TURNS)]
    return Turns(service=[ours for ours, _ in pairs], sdk=[theirs for _, theirs in pairs])


def count_cold_list(stage: Stage) -> dict[str, int]:
    """Upstream calls, by system, of the first list that a fresh web process answers."""
    stage.start_web(processes=1)
    connection = SignedConnection(url=stage.service_url, secret=stage.secrets.hmac)
    stage.control.reset_calls()
    connection.call(path=LIST_PATH, content=json.dumps(LIST_BODY).encode())
    calls = stage.control.calls()
    connection.close()
    return {endpoint.value: calls[endpoint.value] for endpoint in Endpoint if calls.get(endpoint.value)}


def describe_side(loads: Sequence[Load]) -> list[str]:
    """The median turn's rate, and p50 and p99 over the calls of all turns."""
    rate = statistics.median(load.rate for load in loads)
    samples = [one for load in loads for one in load.seconds]
    shown = f"{rate:.0f}/s" if rate >= 100 else f"{rate:.1f}/s"
    return [shown, *(format_ms(compute_percentile(samples, percent)) for percent in (50, 99))]


def describe_calls(calls: dict[str, int]) -> str:
    """As in "feed 1, subgraph 1"."""
    return ", ".join(f"{name} {count}" for name, count in calls.items())

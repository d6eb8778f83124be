"""Signed reads a second through gunicorn, beside an empty Django view on the same server.

Both are called by the same clients with the same signed bytes, by turns. The clients work on the same processors, so
the servers' own processor time of one answer is shown beside the rate.
"""

import contextlib
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from benchmarks.clients import Clients, start_clients
from benchmarks.figures import Load, compute_percentile, format_aim, format_ms, format_ratios, format_table
from benchmarks.reads import CLIENT_PROCESSES, PRICE_BODY, PRICE_PATH
from benchmarks.service_calls import ServiceTarget
from benchmarks.stage import START_SECONDS, Stage, answers_health
from sandbox.environment import build_service_environment
from sandbox.processes import LOOPBACK, ChildProcess, find_free_port, start_child
from sandbox.stackfile import ROOT

THREADS = 8
TURNS = 5
SECONDS = 3.0
AIM = 0.5


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn's load, and the server's processor seconds for each answer."""

    load: Load
    processor_seconds: float


def measure_edge(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aim is met."""
    stage.shaper.set_all_latencies(milliseconds=0)
    web = stage.start_web()
    with start_empty(stage) as (empty, empty_url):
        targets = [
            ServiceTarget(url, stage.secrets.hmac, PRICE_PATH, PRICE_BODY) for url in (stage.service_url, empty_url)
        ]
        with contextlib.ExitStack() as ending:
            ours, theirs = (
                ending.enter_context(start_clients(target=target, threads=THREADS, processes=CLIENT_PROCESSES))
                for target in targets
            )
            pairs = [(take_turn(ours, web), take_turn(theirs, empty)) for _ in range(TURNS)]
    return print_edge(write, [one for one, _ in pairs], [other for _, other in pairs])


def print_edge(write: Callable[[str], object], service: list[Turn], empty: list[Turn]) -> bool:
    """The table and the aim."""
    rows = [["by 8 callers", "rate", "p50", "p99", "processor time of an answer"]]
    for name, turns in ((PRICE_PATH, service), ("empty Django view", empty)):
        samples = [one for turn in turns for one in turn.load.seconds]
        times = [format_ms(compute_percentile(samples, percent)) for percent in (50, 99)]
        rate = f"{statistics.median(turn.load.rate for turn in turns):.0f}/s"
        cost = format_ms(statistics.median(turn.processor_seconds for turn in turns))
        rows.append([name, rate, *times, cost])
    rates = [ours.load.rate / theirs.load.rate for ours, theirs in zip(service, empty, strict=True)]
    costs = [theirs.processor_seconds / ours.processor_seconds for ours, theirs in zip(service, empty, strict=True)]
    write(
        f"edge: 2 web processes each, the same gunicorn, kept connections; median of {TURNS} turns of {SECONDS:.0f} s"
    )
    write(format_table(rows))
    write(f"  rate, service / empty view: {format_ratios(rates, digits=2)}")
    write(f"  processor time, empty view / service: {format_ratios(costs, digits=2)}")
    is_met = statistics.median(rates) >= AIM
    write(format_aim(text=f"at least {AIM} of the empty view's rate", is_met=is_met))
    return is_met


def take_turn(clients: Clients, web: ChildProcess) -> Turn:
    """Call for a while, and read what it cost the server."""
    before = read_processor_seconds(web)
    load = clients.run(SECONDS)
    return Turn(load, (read_processor_seconds(web) - before) / len(load.seconds))


def read_processor_seconds(web: ChildProcess) -> float:
    """Of all processes that answer, since they were started."""
    spent = [process.cpu_times() for process in psutil.Process(web.pid).children()]
    return sum(times.user + times.system for times in spent)


@contextlib.contextmanager
def start_empty(stage: Stage) -> Iterator[tuple[ChildProcess, str]]:
    """Gunicorn as it serves the service, with the empty view in it; its process and its URL."""
    port = find_free_port()
    environment = build_service_environment(
        endpoints=stage.shaped, vault=stage.vault, service_secrets=stage.secrets, port=port, metrics=None
    )
    url = f"http://{LOOPBACK}:{port}"
    child = start_child(
        name="empty",
        command=[sys.executable, "-m", "gunicorn", "benchmarks.empty_wsgi"],
        environment=environment,
        log_path=stage.directory / "empty.log",
        directory=ROOT,
    )
    try:
        child.wait_ready(lambda: answers_health(url), seconds=START_SECONDS)
        yield child, url
    finally:
        child.stop()

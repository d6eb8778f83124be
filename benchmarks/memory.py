"""Resident memory of the processes after they have done everything for a while."""

from collections.abc import Callable, Mapping
from typing import Any

import psutil

from benchmarks.clients import start_clients
from benchmarks.figures import format_aim, format_table
from benchmarks.opens import open_by_service, tell_beginning
from benchmarks.reads import LIST_BODY, LIST_PATH, PRICE_BODY, PRICE_PATH
from benchmarks.service_calls import ServiceTarget
from benchmarks.stage import Stage
from sandbox.processes import ChildProcess, SandboxError
from sandbox.story import Story

LATENCY_MS = 50
OPENS = 4
THREADS, CLIENT_PROCESSES = 16, 2
WARM_SECONDS = 2.0
MEGABYTE = 1_000_000
WEB_AIM_MB = 200


def measure_memory(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aim is met."""
    stage.shaper.set_all_latencies(milliseconds=0)
    stage.start_web()
    story = tell_beginning(stage)
    stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
    for path, body in list_reads(story).items():
        target = ServiceTarget(stage.service_url, stage.secrets.hmac, path, body)
        with start_clients(target=target, threads=THREADS, processes=CLIENT_PROCESSES) as clients:
            clients.run(WARM_SECONDS)
    for _ in range(OPENS):
        open_by_service(stage, story)
    stage.shaper.set_all_latencies(milliseconds=0)
    rows = [["process", "PSS", "RSS"], *describe_processes(stage)]
    web = max(read_sizes(process)[0] for process in list_web_processes(stage))
    write(f"memory: after {len(list_reads(story))} reads x {WARM_SECONDS:.0f} s x {THREADS} threads and {OPENS} opens")
    write(format_table(rows))
    write(format_aim(text=f"a web process under {WEB_AIM_MB} MB", is_met=web < WEB_AIM_MB))
    return web < WEB_AIM_MB


def list_reads(story: Story) -> Mapping[str, Mapping[str, Any]]:
    """Every read of the API, with a body that it answers."""
    network = {"network": "testnet"}
    return {
        LIST_PATH: LIST_BODY,
        PRICE_PATH: PRICE_BODY,
        "/v1/accounts/balance": network | {"address": story.safe},
        "/v1/positions/list": network | {"traderAddress": story.safe},
        "/v1/delegations/status": network | {"userId": story.user_id, "safeAddress": story.safe},
    }


def list_web_processes(stage: Stage) -> list[psutil.Process]:
    """The processes that answer requests, without the one that only watches them."""
    return psutil.Process(require_child(stage.web).pid).children()


def describe_processes(stage: Stage) -> list[list[str]]:
    """A row for every process of the service."""
    named = [(f"web process {number}", process) for number, process in enumerate(list_web_processes(stage), start=1)]
    named.append(("web master", psutil.Process(require_child(stage.web).pid)))
    named.append(("worker", psutil.Process(require_child(stage.worker).pid)))
    return [[name, *(f"{size:.0f} MB" for size in read_sizes(process))] for name, process in named]


def read_sizes(process: psutil.Process) -> tuple[float, float]:
    """PSS and RSS in megabytes. PSS counts a page that processes share in parts, so that it may be added up."""
    sizes = process.memory_full_info()
    return sizes.pss / MEGABYTE, sizes.rss / MEGABYTE


def require_child(child: ChildProcess | None) -> ChildProcess:
    """SandboxError for one that was not started."""
    if child is None:
        raise SandboxError("the service does not run")
    return child

"""The ledger with a million finished executions: pages of it, a look-up of a key, the sweep; and how that grew."""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.figures import compute_percentile, format_aim, format_ms, format_ratio, format_table
from benchmarks.jobs import run_job
from benchmarks.ledger_rows import TABLES, TRADERS, USER, trader_of
from benchmarks.service_calls import SignedConnection
from benchmarks.stage import Stage, run_command
from sandbox.environment import add_endpoints, build_command_environment

SMALL, LARGE = 10_000, 1_000_000
AIM_SECONDS = 0.02
GROWTH_AIM = 1.5
"""A sweep reads a few hundred unfinished rows whatever lies beside them; the half is for noise."""

PAGES = 200
TURNS = 2
"""The small and the large ledger are asked by turns, so that what disturbs one disturbs the other."""

JOB_SECONDS = 900
PATH = "/v1/executions/list"
SWEEP = "sweep: all of it"
Found = Mapping[str, Mapping[str, Any]]


def measure_ledger(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aims are met."""
    small_url, url = create_ledger(stage, "ledger_small"), create_ledger(stage, "ledger")
    run_ledger_job(stage, small_url, "fill", str(SMALL))
    filled = run_ledger_job(stage, url, "fill", str(LARGE))
    pages = time_pages(stage, url, filled)
    stage.start_web()
    plans = run_ledger_job(stage, url, "pages", filled["deep"])
    turns = [(run_ledger_job(stage, small_url, "measure"), run_ledger_job(stage, url, "measure")) for _ in range(TURNS)]
    small, large = (join_turns(side) for side in zip(*turns, strict=True))
    return print_ledger(write, count=filled["count"], small=small, large=large, pages=pages, plans=plans)


def print_ledger(
    write: Callable[[str], object],
    *,
    count: int,
    small: Found,
    large: Found,
    pages: Mapping[str, list[float]],
    plans: Found,
) -> bool:
    """The table, the plans that read a big table from end to end, and the sweep's growth."""
    table = [["asked of the ledger", "p50", "p99", f"p50 / with {SMALL}", "pages read", f"with {SMALL}"]]
    slowest = 0.0
    for name, seconds in {**pages, **{name: seen["seconds"] for name, seen in large.items()}}.items():
        grown = ["", "", ""]
        if name in large:
            ratio = format_ratio(median(seconds) / median(small[name]["seconds"]))
            grown = [ratio, str(large[name]["pages"]), str(small[name]["pages"])]
        p99 = compute_percentile(seconds, 99)
        table.append([name, format_ms(median(seconds)), format_ms(p99), *grown])
        slowest = max(slowest, p99)
    growth = median(large[SWEEP]["seconds"]) / median(small[SWEEP]["seconds"])
    write(f"ledger: {count} executions; pages over HTTP by one caller, the rest in a process of the service's own code")
    write(format_table(table))
    explained = {**large, **plans}
    for name, seen in explained.items():
        write(f"  plan of {name}: {'; '.join(', '.join(plan) for plan in seen['plans'])}")
    bad = sorted(name for name, seen in explained.items() if reads_all(seen["plans"]))
    write(format_aim(text=f"every p99 under {format_ms(AIM_SECONDS)}", is_met=slowest < AIM_SECONDS))
    write(format_aim(text="an index for every question" + (f" (not {', '.join(bad)})" if bad else ""), is_met=not bad))
    write(
        format_aim(text=f"the sweep costs as much as with {SMALL}: {format_ratio(growth)}", is_met=growth < GROWTH_AIM)
    )
    return slowest < AIM_SECONDS and not bad and growth < GROWTH_AIM


def join_turns(turns: Sequence[Found]) -> Found:
    """The samples of all turns; the plans of the last one."""
    return {
        name: {**seen, "seconds": [one for turn in turns for one in turn[name]["seconds"]]}
        for name, seen in turns[-1].items()
    }


def reads_all(plans: list[list[str]]) -> bool:
    """Whether a plan reads one of the big tables without an index."""
    return any(f"{table}: Seq Scan" in plan for plan in plans for table in TABLES)


def create_ledger(stage: Stage, name: str) -> str:
    """A migrated database of the measurement's own, so that the others keep their small one; returns its URL."""
    with psycopg.connect(stage.direct.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = f"{stage.direct.database_url.rpartition('/')[0]}/{name}"
    environment = build_command_environment(database_url=url, service_secrets=stage.secrets)
    run_command(["migrate", "--verbosity", "0"], environment, directory=stage.directory)
    return url


def run_ledger_job(stage: Stage, url: str, *arguments: str) -> Any:
    """`benchmarks.ledger_job` on the ledger's database."""
    base = build_command_environment(database_url=url, service_secrets=stage.secrets)
    return run_job(
        stage,
        module="benchmarks.ledger_job",
        arguments=arguments,
        environment=add_endpoints(base, stage.direct),
        seconds=JOB_SECONDS,
    )


def time_pages(stage: Stage, url: str, filled: Mapping[str, Any]) -> dict[str, list[float]]:
    """Seconds of each page, by whose it is."""
    stage.start_web(endpoints=replace(stage.shaped, database_url=url))
    connection = SignedConnection(url=stage.service_url, secret=stage.secrets.hmac)
    heavy = {"traderAddress": filled["heavy"]}

    def anybody() -> dict[str, Any]:
        return {"traderAddress": trader_of(random.randrange(1, TRADERS))}

    asked: dict[str, Callable[[], dict[str, Any]]] = {
        "list: first page, any trader": anybody,
        "list: first page, a trader of 200,000": lambda: heavy,
        "list: page in the middle of 200,000": lambda: heavy | {"cursor": filled["deep"]},
        "list: first page, a user of 20 Safes": lambda: {"userId": USER},
        "list: page in the middle, a user of 20 Safes": lambda: {"userId": USER, "cursor": filled["deep"]},
    }
    try:
        return {name: time_page(connection, make) for name, make in asked.items()}
    finally:
        connection.close()


def time_page(connection: SignedConnection, make: Callable[[], dict[str, Any]]) -> list[float]:
    """Seconds of each of PAGES calls, after one that is not counted. Every page must have rows."""
    samples = []
    for _ in range(PAGES + 1):
        content = json.dumps({"network": "testnet", **make()}).encode()
        began = time.perf_counter()
        answer = connection.call(path=PATH, content=content)
        samples.append(time.perf_counter() - began)
        if not json.loads(answer)["data"]["executions"]:
            raise RuntimeError("an empty page")
    return samples[1:]


def median(seconds: list[float]) -> float:
    """p50."""
    return compute_percentile(seconds, 50)

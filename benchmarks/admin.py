"""The staff's list of 100,000 delegations: how long a page, a filter and a search take, and in how many queries."""

from collections.abc import Callable
from typing import Any

from benchmarks.figures import compute_percentile, format_aim, format_ms, format_table
from benchmarks.jobs import run_job
from benchmarks.stage import Stage
from sandbox.environment import add_endpoints, build_command_environment

ROWS = 100_000
AIM_SECONDS = 0.3
AIM_QUERIES = 20
JOB_SECONDS = 240


def measure_admin(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether every page meets both aims."""
    environment = add_endpoints(
        build_command_environment(database_url=stage.direct.database_url, service_secrets=stage.secrets), stage.direct
    )
    found: dict[str, dict[str, Any]] = run_job(
        stage, module="benchmarks.admin_job", environment=environment, seconds=JOB_SECONDS
    )
    table = [["staff pages", "median", "p95", "queries"]]
    for name, seen in found.items():
        slow, usual = compute_percentile(seen["seconds"], 95), compute_percentile(seen["seconds"], 50)
        table.append([name, format_ms(usual), format_ms(slow), str(seen["queries"])])
    is_met = all(
        compute_percentile(seen["seconds"], 50) < AIM_SECONDS and seen["queries"] < AIM_QUERIES
        for seen in found.values()
    )
    write(f"admin: {ROWS} delegations")
    write(format_table(table))
    write(format_aim(text=f"median under {format_ms(AIM_SECONDS)} and under {AIM_QUERIES} queries", is_met=is_met))
    return is_met

"""The staff's list of 100,000 delegations: how long a page, a filter and a search take, and in how many queries."""

import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.figures import compute_percentile, format_aim, format_ms, format_table
from benchmarks.stage import Stage
from sandbox.environment import add_endpoints, build_command_environment
from sandbox.processes import SandboxError, start_child, wait_until
from sandbox.stackfile import ROOT

ROWS = 100_000
AIM_SECONDS = 0.3
AIM_QUERIES = 20
JOB_SECONDS = 240


def measure_admin(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether every page meets both aims."""
    environment = add_endpoints(
        build_command_environment(database_url=stage.direct.database_url, service_secrets=stage.secrets), stage.direct
    )
    child = start_child(
        name="admin",
        command=[sys.executable, "-m", "benchmarks.admin_job"],
        environment=environment,
        log_path=stage.directory / "admin.log",
        directory=ROOT,
    )
    try:
        wait_until(lambda: not child.is_running, seconds=JOB_SECONDS, purpose="the end of the admin measurement")
        if child.exit_status != 0:
            raise SandboxError(f"the admin measurement failed: {child.last_log_line()}")
        found: dict[str, dict[str, Any]] = json.loads(child.log_path.read_text().strip().splitlines()[-1])
    finally:
        child.stop()
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

"""A measurement in a Django process of its own, which prints what it found as JSON in its last line."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.stage import Stage
from sandbox.processes import SandboxError, start_child, wait_until
from sandbox.stackfile import ROOT


def run_job(
    stage: Stage, *, module: str, arguments: Sequence[str] = (), environment: Mapping[str, str], seconds: float
) -> Any:
    """The last line of `python -m <module> <arguments>`; SandboxError when it fails or takes longer than `seconds`."""
    name = "-".join([module.rpartition(".")[2], *arguments])
    child = start_child(
        name=name,
        command=[sys.executable, "-m", module, *arguments],
        environment=dict(environment),
        log_path=stage.directory / f"{name}.log",
        directory=ROOT,
    )
    try:
        wait_until(lambda: not child.is_running, seconds=seconds, purpose=f"the end of {name}")
        if child.exit_status != 0:
            raise SandboxError(f"{name} failed: {child.last_log_line()}")
        return json.loads(child.log_path.read_text().strip().splitlines()[-1])
    finally:
        child.stop()

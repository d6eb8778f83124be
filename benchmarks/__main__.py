"""`python -m benchmarks [part ...]`: the figures of docs/performance.md, all parts by default.

Everything runs on the loopback interface, against a local Ostium of the run's own, and is gone at the end. The exit
status says whether the run could be made, not whether the aims were met: on a busy machine they are noise.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping

from benchmarks.admin import measure_admin
from benchmarks.edge import measure_edge
from benchmarks.herd import measure_herd
from benchmarks.ledger import measure_ledger
from benchmarks.locks import measure_locks
from benchmarks.memory import measure_memory
from benchmarks.opens import measure_opens
from benchmarks.positions import measure_positions
from benchmarks.reads import measure_reads
from benchmarks.revoking import measure_revoking
from benchmarks.stage import Stage, open_stage
from benchmarks.throughput import measure_throughput
from benchmarks.watcher import measure_watcher
from sandbox.__main__ import INTERRUPTED, Interrupted, say, stop_on_signals
from sandbox.processes import SandboxError

PARTS: Mapping[str, Callable[[Stage, Callable[[str], object]], bool]] = {
    "reads": measure_reads,
    "open": measure_opens,
    "memory": measure_memory,
    "watcher": measure_watcher,
    "admin": measure_admin,
    "revoke": measure_revoking,
    "ledger": measure_ledger,
    "throughput": measure_throughput,
    "locks": measure_locks,
    "edge": measure_edge,
    "positions": measure_positions,
    "herd": measure_herd,
}


def run(names: list[str]) -> int:
    """The named parts on one stage. 0 when all could be measured."""
    began = time.monotonic()
    with stop_on_signals():
        try:
            with open_stage(say) as stage:
                for name in names:
                    PARTS[name](stage, say)
                    say("")
        except Interrupted:
            return INTERRUPTED
        except SandboxError as error:
            say(f"error: {error}")
            return 1
    load = os.getloadavg()[0]
    say(f"{time.monotonic() - began:.0f} s on {os.cpu_count()} processors, load average at the end {load:.1f}")
    return 0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} (all)")
    names: list[str] = parser.parse_args().parts or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]}; known: {', '.join(PARTS)}")
    return run(names)


if __name__ == "__main__":
    sys.exit(main())

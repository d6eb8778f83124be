"""The note a running stack leaves for tools and for the next start: `run/stack.json` in its home, mode 0600."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.processes import end_leftover_groups, is_same_process

ROOT = Path(__file__).parent.parent
HOME = Path(os.environ.get("SANDBOX_HOME") or ROOT / ".local").resolve()
"""Where a stack keeps its data and logs; a second home lets a second stack run beside the first."""

RUN_DIRECTORY = HOME / "run"
STACK_FILE = RUN_DIRECTORY / "stack.json"


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A pid with its start time (seconds since the epoch): together they name one process for good."""

    name: str
    pid: int
    started_at: float

    @property
    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return is_same_process(pid=self.pid, started_at=self.started_at)


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Where everything is. `is_ready` is false until the service answered `/ready`."""

    supervisor: RunningProcess
    processes: tuple[RunningProcess, ...] = ()
    is_ready: bool = False
    service_url: str = ""
    hmac_secret: str = field(default="", repr=False)
    rpc_url: str = ""
    control_url: str = ""
    subgraph_url: str = ""
    database_url: str = ""
    vault_addr: str = ""
    delegate: str = ""


def write_stack(stack: RunningStack) -> None:
    """Replace the note in one step, readable by its owner only."""
    RUN_DIRECTORY.mkdir(parents=True, exist_ok=True)
    draft = STACK_FILE.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(stack), file, indent=1)
    draft.replace(STACK_FILE)


def remove_stack() -> None:
    """Nothing runs any more."""
    STACK_FILE.unlink(missing_ok=True)


def read_stack() -> RunningStack | None:
    """The note, whether or not what it names still runs; None when there is none or it cannot be read."""
    try:
        found = json.loads(STACK_FILE.read_text())
        supervisor = RunningProcess(**found.pop("supervisor"))
        processes = tuple(RunningProcess(**entry) for entry in found.pop("processes"))
        return RunningStack(supervisor=supervisor, processes=processes, **found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def find_running_stack() -> RunningStack | None:
    """The stack that runs and is ready; None otherwise, also for a note whose supervisor is gone."""
    stack = read_stack()
    return stack if stack and stack.supervisor.is_alive and stack.is_ready else None


def end_leftovers() -> int:
    """Kill what a killed supervisor left running, and forget it; returns how many processes that were."""
    stack = read_stack()
    if stack is None or stack.supervisor.is_alive:
        return 0
    ended = end_leftover_groups([(entry.pid, entry.started_at) for entry in stack.processes])
    remove_stack()
    return ended

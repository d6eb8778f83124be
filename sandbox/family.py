"""All the parts and processes of one stack: remembered as they start, written down, and ended together."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sandbox.processes import (
    DEFAULT_STOP_SIGNALS,
    ChildProcess,
    SandboxError,
    start_child,
    wait_until,
)
from sandbox.stackfile import ROOT, RUN_DIRECTORY, RunningProcess

COMMAND_SECONDS = 90.0
NOWHERE = Path(os.devnull)


class Stoppable(Protocol):
    """Anything that the stack started and ends."""

    def stop(self) -> None:
        """End it; safe to call again."""


class Family:
    """Once `stop` was called nothing new starts, so that a start in another thread cannot slip through."""

    def __init__(self, *, on_change: Callable[[tuple[RunningProcess, ...]], None]) -> None:
        """`on_change` is called with all processes noted so far, whenever there is one more."""
        self._on_change = on_change
        self._lock = threading.RLock()
        self._is_stopping = False
        self._parts: list[Stoppable] = []
        self._watched: list[ChildProcess] = []
        self._processes: tuple[RunningProcess, ...] = ()

    @property
    def processes(self) -> tuple[RunningProcess, ...]:
        """Every process noted, ended ones included."""
        return self._processes

    def keep(self, part: Stoppable) -> None:
        """Remember a part to be stopped; SandboxError, with the part stopped, when everything is stopping."""
        with self._lock:
            self._parts.append(part)
            if not self._is_stopping:
                return
        part.stop()
        raise SandboxError("stopping")

    def note(self, child: ChildProcess) -> None:
        """Write a process down, so that it can be found after a kill of this one."""
        self.note_process(RunningProcess(child.name, child.pid, child.started_at))

    def note_process(self, process: RunningProcess) -> None:
        """The same for a process whose wrapper is somebody else's."""
        with self._lock:
            self._processes = (*self._processes, process)
            self._on_change(self._processes)

    def spawn(
        self, *, name: str, command: Sequence[str], environment: Mapping[str, str], is_watched: bool = True
    ) -> ChildProcess:
        """Start a child in the checkout, its output in a log of its own; a watched one must not end by itself."""
        with self._lock:
            self._refuse_when_stopping()
            child = start_child(
                name=name,
                command=command,
                environment=environment,
                log_path=RUN_DIRECTORY / f"{name}.log",
                directory=ROOT,
            )
            self._parts.append(child)
            if is_watched:
                self._watched.append(child)
        self.note(child)
        return child

    def run_command(self, arguments: Sequence[str], *, environment: Mapping[str, str]) -> str:
        """A management command to its end; returns its output. SandboxError with the last line of its complaint."""
        child = self.spawn(
            name=f"manage-{arguments[0]}",
            command=[sys.executable, "manage.py", *arguments],
            environment=environment,
            is_watched=False,
        )
        wait_until(lambda: not child.is_running, seconds=COMMAND_SECONDS, purpose=f"manage.py {arguments[0]}")
        if child.exit_status != 0:
            raise SandboxError(f"manage.py {arguments[0]} failed: {child.last_log_line()} (log: {child.log_path})")
        return child.log_path.read_text()

    def run_attached(self, command: Sequence[str], *, name: str) -> int:
        """A child that writes to our terminal; its exit status. It is ended with the rest."""
        with self._lock:
            self._refuse_when_stopping()
            process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            child = ChildProcess(name=name, process=process, log_path=NOWHERE, stop_signals=DEFAULT_STOP_SIGNALS)
            self._parts.append(child)
        self.note(child)
        return process.wait()

    def require_running(self) -> None:
        """SandboxError when a watched child has ended."""
        for child in list(self._watched):
            child.require_running()

    def stop(self) -> None:
        """End every part in reverse order of its start; safe to call again, and to be called while parts start."""
        with self._lock:
            self._is_stopping = True
            parts = self._parts[::-1]
        for part in parts:
            part.stop()

    def _refuse_when_stopping(self) -> None:
        if self._is_stopping:
            raise SandboxError("stopping")

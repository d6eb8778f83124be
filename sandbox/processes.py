"""Child processes of the sandbox: each in its own process group, each ended by whoever started it."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02
DEFAULT_STOP_SIGNALS = (signal.SIGTERM,)
STOP_PATIENCE_SECONDS = 8.0
LEFTOVER_PATIENCE_SECONDS = 2.0
SAME_PROCESS_SECONDS = 1.0
PORTS = range(20_000, 32_000)
PORT_ATTEMPTS = 200

_given_ports: set[int] = set()
_ports_lock = threading.Lock()


class SandboxError(Exception):
    """A prerequisite, a port or a child that failed; the text is one line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged system account a child runs under when the sandbox itself is root."""

    uid: int
    gid: int


def find_free_port() -> int:
    """A loopback TCP port that is free now and that this process has not been given before.

    Taken from below the range in which Linux picks ports for outgoing connections, so that none of those can take it
    before the child listens on it.
    """
    for _ in range(PORT_ATTEMPTS):
        port = secrets.choice(PORTS)
        with _ports_lock:
            if port in _given_ports:
                continue
            _given_ports.add(port)
        if is_free(port):
            return port
    raise SandboxError("no free port on the loopback interface")


def is_free(port: int) -> bool:
    """Whether nothing listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free_port(*, port: int, purpose: str) -> None:
    """SandboxError when something listens on the loopback port already."""
    if not is_free(port):
        raise SandboxError(f"port {port} for the {purpose} is in use; free it and start again")


def wait_until(condition: Callable[[], bool], *, seconds: float, purpose: str) -> None:
    """Return once the condition holds; SandboxError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"{purpose} did not happen within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


class ChildProcess:
    """One running child and the log file it writes; `stop` ends its whole process group."""

    def __init__(
        self, *, name: str, process: "subprocess.Popen[bytes]", log_path: Path, stop_signals: Sequence[int]
    ) -> None:
        """Wrap a child that was started as the leader of its own process group."""
        self.name = name
        self.pid = process.pid
        self.log_path = log_path
        self._process = process
        self._stop_signals = tuple(stop_signals)
        self.started_at = read_start_time(process.pid)

    @property
    def is_running(self) -> bool:
        """Whether the child itself, not only something of its group, is alive."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """The child's exit status; None while it runs."""
        return self._process.poll()

    def require_running(self) -> None:
        """SandboxError with the last line of the log when the child has ended."""
        if not self.is_running:
            raise SandboxError(f"{self.name} ended with status {self._process.returncode}: {self.last_log_line()}")

    def wait_ready(self, condition: Callable[[], bool], *, seconds: float) -> None:
        """Wait until the child answers; SandboxError when it ends first or takes longer than `seconds`."""

        def ready_or_dead() -> bool:
            self.require_running()
            return condition()

        wait_until(ready_or_dead, seconds=seconds, purpose=f"the start of {self.name} (log: {self.log_path})")

    def last_log_line(self) -> str:
        """The end of the log, for an error message; empty when there is none."""
        try:
            lines = self.log_path.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:300] if lines else "it said nothing"

    def stop(self) -> None:
        """End the child and everything in its group; safe to call again and after the child died."""
        for number in self._stop_signals:
            if not self.is_running:
                break
            signal_group(pid=self.pid, number=number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=STOP_PATIENCE_SECONDS)
        # What a killed leader leaves behind (workers of a server, for one) is still in its group.
        signal_group(pid=self.pid, number=signal.SIGKILL)
        self._process.wait()


def start_child(
    *,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    log_path: Path,
    directory: Path | None = None,
    account: Account | None = None,
    stop_signals: Sequence[int] = DEFAULT_STOP_SIGNALS,
) -> ChildProcess:
    """Start a child with exactly this environment, its output in `log_path` (mode 0600).

    Its own session keeps the terminal's Ctrl-C away from it, so that the order of stopping stays ours.
    SandboxError when the program cannot be started.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise SandboxError(f"cannot start {name}: {error.strerror} ({command[0]})") from error
    finally:
        os.close(descriptor)
    return ChildProcess(name=name, process=process, log_path=log_path, stop_signals=stop_signals)


def signal_group(*, pid: int, number: int) -> None:
    """Send a signal to the process group led by `pid`; nothing when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def read_start_time(pid: int) -> float:
    """When the process started, in seconds since the epoch, 0 when it ended; with the pid it names one process."""
    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return 0.0


def is_same_process(*, pid: int, started_at: float) -> bool:
    """Whether the process that had this pid at that time still runs; the pid may be another's by now."""
    return bool(started_at) and abs(read_start_time(pid) - started_at) <= SAME_PROCESS_SECONDS


def end_leftover_groups(processes: Sequence[tuple[int, float]]) -> int:
    """End the groups of children, (pid, start time) each, that outlived their parent; how many there were."""
    left = [(pid, started_at) for pid, started_at in processes if is_same_process(pid=pid, started_at=started_at)]
    for pid, _ in left:
        signal_group(pid=pid, number=signal.SIGTERM)
    with contextlib.suppress(SandboxError):
        wait_until(
            lambda: not any(is_same_process(pid=pid, started_at=started_at) for pid, started_at in left),
            seconds=LEFTOVER_PATIENCE_SECONDS,
            purpose="the end of leftover processes",
        )
    for pid, _ in left:
        signal_group(pid=pid, number=signal.SIGKILL)
    return len(left)


def build_environment(**values: str) -> dict[str, str]:
    """A child's environment from nothing but the machine's locale, path, certificates and the named values."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
    return {name: os.environ[name] for name in kept if name in os.environ} | values

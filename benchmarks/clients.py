"""Load from processes of its own, so that no client shares an interpreter with what it measures."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from multiprocessing.connection import Connection
from typing import Any, Protocol

from benchmarks.figures import Load
from sandbox.processes import SandboxError

READY_SECONDS = 60.0
ANSWER_SECONDS = 60.0
SPAWN = multiprocessing.get_context("spawn")

Call = Callable[[], object]


class Target(Protocol):
    """What is called; it travels to the client process, which connects there once a thread."""

    def connect(self) -> Call:
        """A call that may be repeated, on a connection (or an SDK) of the calling thread's own."""


class Clients:
    """Processes that wait, connected and warm, to be told for how long to call."""

    def __init__(self, pipes: Sequence["Connection[Any, Any]"]) -> None:
        """Return when every process has connected and called once. SandboxError when one cannot."""
        self._pipes = pipes
        for pipe in pipes:
            receive(pipe, seconds=READY_SECONDS)

    def run(self, seconds: float) -> Load:
        """Call without a pause from every thread; each finishes the call it is in, and its rate is over its own time.

        SandboxError when a call fails.
        """
        for pipe in self._pipes:
            pipe.send(seconds)
        parts: list[Load] = [receive(pipe, seconds=seconds + ANSWER_SECONDS) for pipe in self._pipes]
        return Load(seconds=tuple(one for part in parts for one in part.seconds), rate=sum(one.rate for one in parts))


@contextlib.contextmanager
def start_clients(*, target: Target, threads: int, processes: int) -> Iterator[Clients]:
    """`threads` threads spread over `processes`, gone after the block."""
    with contextlib.ExitStack() as ending:
        started = [start_process(serve_load, target, threads // processes) for _ in range(processes)]
        yield Clients([ending.enter_context(process) for process in started])


@contextlib.contextmanager
def start_process(serve: Callable[..., None], *arguments: object) -> Iterator["Connection[Any, Any]"]:
    """A process that runs `serve(pipe, *arguments)`, and our end of the pipe; it is gone after the block."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=serve, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()
        ours.close()


def receive(pipe: "Connection[Any, Any]", *, seconds: float) -> Any:
    """What the process sends next; SandboxError when it ends or fails first, or takes longer than `seconds`."""
    try:
        if not pipe.poll(seconds):
            raise SandboxError(f"a client process said nothing for {seconds:.0f} s")
        message = pipe.recv()
    except EOFError as error:
        raise SandboxError("a client process ended early") from error
    if isinstance(message, Exception):
        raise SandboxError(f"a client failed: {type(message).__name__}: {message}")
    return message


def serve_load(pipe: "Connection[Any, Any]", target: Target, threads: int) -> None:
    """In the client process: connect, call once, say so, then call as long as is asked, as often as is asked."""
    # Ctrl-C reaches the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ThreadPoolExecutor(max_workers=threads) as pool:
            calls = list(pool.map(lambda _: connect_and_warm(target), range(threads)))
            pipe.send("ready")
            while True:
                seconds = float(pipe.recv())
                parts = list(pool.map(repeat_call, calls, repeat(seconds)))
                samples = tuple(one for part in parts for one in part)
                pipe.send(Load(seconds=samples, rate=sum(len(part) / sum(part) for part in parts)))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def connect_and_warm(target: Target) -> Call:
    """A connected call that was made once."""
    call = target.connect()
    call()
    return call


def repeat_call(call: Call, seconds: float) -> list[float]:
    """Seconds of every call begun within `seconds`; at least one."""
    samples: list[float] = []
    ends = time.monotonic() + seconds
    began = time.monotonic()
    while not samples or began < ends:
        call()
        now = time.monotonic()
        samples.append(now - began)
        began = now
    return samples

"""How the worker runs its jobs: several at once, so that a slow one keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from procrastinate import JobContext
    from procrastinate.worker import Worker

logger = structlog.get_logger(__name__)

CONCURRENCY = 8
"""Jobs at once. Each has a thread, and a database connection only while it is not waiting for the outside."""

THREADS = 64
"""More than anybody passes as `--concurrency`; Python's own limit, cores + 4, would keep taken jobs waiting."""

_running: set[str] = set()
_guard = Lock()


def skip_running_twin(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
    """Leave out a periodic job while the one before it still runs here: a slow sweep must not take every thread.

    Kept in this process's memory, so that nothing has to be cleared after a kill. Workers side by side may still do
    the same at once, which the jobs bear: each step is guarded by state.
    """
    del worker
    name = context.job.queueing_lock
    if name is None:
        return call_next()
    with _guard:
        if name in _running:
            logger.info("job_skipped", job=name)
            return None
        _running.add(name)
    try:
        return call_next()
    finally:
        with _guard:
            _running.discard(name)


class ThreadedLoops(asyncio.DefaultEventLoopPolicy):
    """Event loops with a thread for every job that the worker takes."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop as ever, with threads of its own for what blocks."""
        loop = super().new_event_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="job"))
        return loop

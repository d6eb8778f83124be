"""The worker's jobs side by side, by the settings of the bare command."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from threading import Barrier, Event
from typing import Any

import pytest
from django.conf import settings
from procrastinate.contrib.django import app
from procrastinate.contrib.django.db_cleanup import DjangoApp
from procrastinate.testing import InMemoryConnector

from ostium_service.working import CONCURRENCY, ThreadedLoops, skip_running_twin

DEFAULTS: Any = settings.PROCRASTINATE_WORKER_DEFAULTS


@pytest.fixture(autouse=True)
def loops() -> Iterator[None]:
    asyncio.set_event_loop_policy(ThreadedLoops())
    yield
    asyncio.set_event_loop_policy(None)


def work(register: Callable[[DjangoApp], Callable[[], Awaitable[object]]]) -> dict[str, int]:
    """What became of the jobs that `register` defers: how many ended in which state."""

    async def run() -> dict[str, int]:
        memory = InMemoryConnector()
        queue = DjangoApp(connector=memory, worker_defaults=DEFAULTS)
        await register(queue)()
        await queue.run_worker_async(wait=False, listen_notify=False, install_signal_handlers=False)
        ended = [str(job["status"]) for job in memory.jobs.values()]
        return {state: ended.count(state) for state in set(ended)}

    return asyncio.run(run())


def test_the_bare_command_runs_several_jobs_at_once() -> None:
    """Each waits until all are there: with one job less at a time, none ends well."""
    together = Barrier(CONCURRENCY, timeout=10)

    def register(queue: DjangoApp) -> Callable[[], Awaitable[object]]:
        @queue.task(name="meet")
        def meet() -> None:
            together.wait()

        async def defer() -> None:
            for _ in range(CONCURRENCY):
                await meet.defer_async()

        return defer

    assert work(register) == {"succeeded": CONCURRENCY}
    assert app.worker_defaults["concurrency"] == CONCURRENCY
    assert settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] > CONCURRENCY


def test_a_periodic_job_does_not_run_beside_the_one_before() -> None:
    begun, times = Event(), []

    def register(queue: DjangoApp) -> Callable[[], Awaitable[object]]:
        @queue.task(name="slow", queueing_lock="slow")
        def slow() -> None:
            times.append(begun.is_set())
            begun.set()
            others_done.wait(10)

        @queue.task(name="next")
        async def start_next() -> None:
            await asyncio.to_thread(begun.wait, 10)
            await slow.defer_async()

        @queue.task(name="release")
        def release() -> None:
            while memory_of(queue) < 2 and not others_done.wait(0.01):
                pass
            others_done.set()

        async def defer() -> None:
            for task in (slow, start_next, release):
                await task.defer_async()

        return defer

    def memory_of(queue: DjangoApp) -> int:
        """How many jobs beside the slow one have ended: the next slow one, and the one that started it."""
        assert isinstance(queue.connector, InMemoryConnector)
        return sum(job["status"] == "succeeded" for job in queue.connector.jobs.values())

    others_done = Event()
    assert work(register) == {"succeeded": 4}
    assert times == [False]
    assert skip_running_twin in DEFAULTS["task_middleware"]

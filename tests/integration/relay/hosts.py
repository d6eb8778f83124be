"""Several processes on one database, each a thread with connections of its own."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from django.db import connections

from tests.support import services as processes


@contextmanager
def other_host() -> Iterator[None]:
    """A thread that stands for another process: its connections end with it."""
    try:
        yield
    finally:
        connections.close_all()


def at_once(work: Callable[[], object], times: int) -> list[object]:
    start = threading.Barrier(times)

    def run() -> object:
        with other_host():
            start.wait()
            return work()

    with ThreadPoolExecutor(times) as pool:
        return [job.result() for job in [pool.submit(run) for _ in range(times)]]


def is_somebody_waiting() -> bool:
    with psycopg.connect(processes.test_database_url(), autocommit=True) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        [number] = admin.execute(query).fetchone() or (0,)
    return bool(number)

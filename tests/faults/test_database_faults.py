"""PostgreSQL restarted, cut at a commit, short of connections; workers lost in a job. No half rows, no second trade."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import product

import pytest
import requests
from django.db import connection
from procrastinate.contrib.django import app as queue

from positions.models import PerpsExecution
from relay.models import OutboundTransaction
from sandbox.postgres import PostgresServer
from sandbox.story import Story
from tests.faults.rig import IS_WHOLE, Rig
from tests.support.services import wait_for

CUTS = list(product(range(5), [False, True]))
"""Which commit of an open loses its connection, and whether the server has heard it."""
SLOW_MS = 300
CALLERS = 12
SLOWER_MS = 1500
LONGEST_IDLE_SECONDS = 1.0
RETRY_PAUSES = (0.0, 0.5, 0.5)
HOSTS = 3
TICKS = 3


@pytest.fixture(scope="module")
def story(rig: Rig) -> Story:
    return rig.make_delegated()


@pytest.fixture(autouse=True)
def healed(rig: Rig) -> Iterator[None]:
    yield
    rig.order_deaths()
    rig.database.disarm()
    rig.rpc.heal()
    assert rig.worker is not None
    if rig.worker.is_running:
        rig.signal_worker(signal.SIGCONT)


def require_one_trade_more(rig: Rig, story: Story, trades: int) -> None:
    """One settled row and one position more than before."""
    stored = OutboundTransaction.objects.count()
    unfinished = PerpsExecution.objects.exclude(state__in=["SETTLED", "REJECTED"]).count()
    assert (rig.open_trades(story), unfinished) == (trades + 1, 0)
    assert stored == sum(rig.chain_nonces().values())


def test_i1_fifty_identical_requests_make_one_trade(rig: Rig, story: Story) -> None:
    trades = rig.open_trades(story)
    call = rig.open(story)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: call.send(), range(50)))
    settled = rig.settle(call)
    succeeded = [answer for answer in answers if answer.status_code == HTTPStatus.OK]
    refused = [answer for answer in answers if answer.status_code != HTTPStatus.OK]
    assert {answer.json()["data"]["executionId"] for answer in succeeded} == {settled["executionId"]}
    assert {answer.json()["error"]["code"] for answer in refused} <= {"IDEMPOTENCY_IN_PROGRESS"}
    require_one_trade_more(rig, story, trades)


@pytest.mark.parametrize("node_ms", [0, SLOW_MS], ids=["answered meanwhile", "still running"])
def test_i8_the_same_signed_bytes_without_a_key_after_half_a_second_and_a_second(
    rig: Rig, story: Story, node_ms: int
) -> None:
    """What today's client does when it hears nothing: the signature itself is the key."""
    trades, rows = rig.open_trades(story), PerpsExecution.objects.count()
    rig.rpc.delay(milliseconds=node_ms)
    body = {"market": "BTC/USD", "side": "long", "collateral": 20, "leverage": 10, "traderAddress": story.safe}
    call = rig.sign("/v1/positions/open", {"network": "testnet", **body})
    with ThreadPoolExecutor(len(RETRY_PAUSES)) as pool:
        sent = []
        for pause in RETRY_PAUSES:
            time.sleep(pause)
            sent.append(pool.submit(call.send))
        answers = [future.result() for future in sent]
    rig.rpc.heal()
    settled = rig.settle(call)
    told = {answer.json()["data"]["executionId"] for answer in answers if answer.status_code == HTTPStatus.OK}
    refused = {answer.json()["error"]["code"] for answer in answers if answer.status_code != HTTPStatus.OK}
    assert told == {settled["executionId"]}
    assert refused <= {"IDEMPOTENCY_IN_PROGRESS"}
    assert PerpsExecution.objects.count() == rows + 1
    require_one_trade_more(rig, story, trades)


@pytest.mark.parametrize(("skip", "is_heard"), CUTS if IS_WHOLE else CUTS[2:4])
def test_b2_connection_cut_at_a_commit(rig: Rig, story: Story, skip: int, is_heard: bool) -> None:
    trades = rig.open_trades(story)
    rig.signal_worker(signal.SIGSTOP)
    call = rig.open(story)
    rig.database.cut_at(b"COMMIT", after_forwarding=is_heard, skip=skip)
    answer = call.send()
    rig.signal_worker(signal.SIGCONT)
    assert not rig.database.is_armed
    if answer.status_code != HTTPStatus.OK:
        assert answer.json()["error"]["retryable"], answer.json()
    rig.settle(call)
    require_one_trade_more(rig, story, trades)
    rig.settle(rig.trade(story, "/v1/positions/close", **rig.position(story)))


def test_b3_worker_killed_within_its_sweep_leaves_no_lock_behind(rig: Rig, story: Story) -> None:
    trades = rig.open_trades(story)
    assert rig.worker is not None
    worker = rig.worker
    rig.order_deaths("worker:sweep")
    wait_for(lambda: not worker.is_running, seconds=30, purpose="the worker's death in its sweep")
    rig.order_deaths("web:bytes_stored")
    call = rig.open(story)
    with pytest.raises(requests.ConnectionError):
        call.send()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'positions.follow_execution'")
    rig.start_worker()
    # No job is left, so that only the sweep can find the row.
    rig.settle(call)
    require_one_trade_more(rig, story, trades)


def test_b4_one_job_delivered_many_times_to_two_workers(rig: Rig, story: Story) -> None:
    trades = rig.open_trades(story)
    rig.signal_worker(signal.SIGSTOP)
    rig.order_deaths("web:bytes_stored")
    call = rig.open(story)
    with pytest.raises(requests.ConnectionError):
        call.send()
    execution = PerpsExecution.objects.latest("created_at")
    for _ in range(8):
        queue.configure_task("positions.follow_execution", queue="positions").defer(execution_id=str(execution.pk))
    second = rig.services.start_worker()
    rig.signal_worker(signal.SIGCONT)
    rig.settle(call)
    require_one_trade_more(rig, story, trades)
    second.stop()


def test_b5_a_periodic_job_on_three_hosts_runs_once_a_tick(rig: Rig) -> None:
    others = [rig.services.start_worker() for _ in range(HOSTS - 1)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM procrastinate_jobs")
        [since] = cursor.fetchone()
    query = (
        "SELECT args ->> 'timestamp', count(*), max(attempts) FROM procrastinate_jobs"
        " WHERE task_name = 'positions.sweep_executions' AND status = 'succeeded' AND id > %s GROUP BY 1"
    )

    def read_ticks() -> list[tuple[str, int, int]]:
        with connection.cursor() as cursor:
            cursor.execute(query, [since])
            return list(cursor.fetchall())

    wait_for(lambda: len(read_ticks()) >= TICKS, seconds=60, purpose="some ticks of the sweep")
    assert {(jobs, attempts) for _, jobs, attempts in read_ticks()} == {(1, 1)}
    for other in others:
        other.stop()


def test_b8_no_connection_is_held_while_the_node_is_slow(rig: Rig, story: Story) -> None:
    """Sampled in the server itself: no session of the service waits inside a transaction."""
    waiting: list[float] = []
    is_over = threading.Event()
    rig.rpc.delay(milliseconds=SLOWER_MS)
    calls = [
        rig.sign("/v1/positions/list", {"network": "testnet", "traderAddress": story.safe}) for _ in range(CALLERS)
    ]
    calls += [rig.open(story)]
    with ThreadPoolExecutor(CALLERS + 2) as pool:
        sampling = pool.submit(sample_idle_transactions, waiting, is_over)
        answers = list(pool.map(lambda call: call.send().status_code, calls))
        is_over.set()
        sampling.result()
    rig.rpc.heal()
    rig.settle(calls[-1])
    assert answers == [HTTPStatus.OK] * len(calls)
    assert max(waiting, default=0.0) < LONGEST_IDLE_SECONDS


def sample_idle_transactions(waiting: list[float], is_over: threading.Event) -> None:
    """How long sessions stood idle within a transaction, whenever one did."""
    query = (
        "SELECT extract(epoch FROM clock_timestamp() - state_change)::float8 FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'"
    )
    while not is_over.wait(0.02):
        with connection.cursor() as cursor:
            cursor.execute(query)
            waiting.extend(row[0] for row in cursor.fetchall())
    connection.close()


def test_b9_sigterm_in_the_middle_of_a_write(rig: Rig, story: Story) -> None:
    trades = rig.open_trades(story)
    call = rig.open(story)
    web = next(child for child in rig.services.children if child.name == "web" and child.is_running)
    stored = OutboundTransaction.objects.count()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call.send)
        wait_for(lambda: OutboundTransaction.objects.count() > stored, seconds=20, purpose="the signature")
        web.stop()
        assert answer.result().status_code == HTTPStatus.OK
    rig.start_web()
    rig.settle(call)
    require_one_trade_more(rig, story, trades)


def test_b1_postgresql_restarted_in_the_middle_of_a_write(
    rig: Rig, story: Story, fault_postgres: PostgresServer
) -> None:
    trades = rig.open_trades(story)
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    rig.rpc.delay(milliseconds=SLOW_MS)
    call = rig.open(story)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call.send)
        time.sleep(2 * SLOW_MS / 1000)
        fault_postgres.stop()
        fault_postgres.start()
        response = answer.result()
    rig.rpc.heal()
    if response.status_code != HTTPStatus.OK:
        assert response.json()["error"]["retryable"], response.json()
    assert rig.worker is not None
    if not rig.worker.is_running:
        rig.start_worker()
    rig.settle(call)
    require_one_trade_more(rig, story, trades)

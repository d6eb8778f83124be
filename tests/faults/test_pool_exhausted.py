"""B1, B8: no database connection to be had. Callers are told to come again, nothing is half done, and all ends well."""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from http import HTTPStatus

import psycopg
import pytest
from django.db import connection

from positions.models import PerpsExecution
from sandbox.story import Story
from tests.faults.rig import Rig
from tests.support import services

CALLERS = 6
PATIENCE_SECONDS = 40


@pytest.fixture
def small(rig: Rig) -> Iterator[Rig]:
    """Each of the two web processes has one connection."""
    web = next(child for child in rig.services.children if child.name == "web" and child.is_running)
    web.stop()
    narrow = rig.start_web(DATABASE_POOL_SIZE="1")
    yield rig
    narrow.stop()
    rig.start_web()


@pytest.fixture
def story(rig: Rig) -> Story:
    return rig.make_delegated()


@pytest.fixture
def blocker(small: Rig) -> Iterator[psycopg.Connection]:
    """A session of somebody else, for locks that hold every connection of the service."""
    with psycopg.connect(services.test_database_url()) as session:
        yield session


def test_b1_no_connection_left_is_a_retryable_answer_and_no_half_rows(
    story: Story, small: Rig, blocker: psycopg.Connection
) -> None:
    calls = [small.open(story) for _ in range(CALLERS)]
    blocker.execute("LOCK TABLE perps_executions IN ACCESS EXCLUSIVE MODE")
    with ThreadPoolExecutor(CALLERS) as pool:
        sent = [pool.submit(call.send) for call in calls]
        done, _ = wait(sent, timeout=PATIENCE_SECONDS, return_when=FIRST_COMPLETED)
        blocker.rollback()
        answers = [future.result() for future in sent]
    assert done
    refused = [answer.json()["error"] for answer in answers if answer.status_code != HTTPStatus.OK]
    told = {(error["code"], error["details"]["reason"], error["retryable"]) for error in refused}
    assert told == {("CHAIN_UNAVAILABLE", "database_unavailable", True)}
    for call in calls:
        small.settle(call)
    mine = PerpsExecution.objects.filter(trader_address=story.safe)
    assert sorted(mine.values_list("state", flat=True)) == ["SETTLED"] * CALLERS
    assert small.open_trades(story) == CALLERS
    connection.close()

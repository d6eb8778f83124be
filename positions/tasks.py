"""The worker's part: every signed execution is followed to its end."""

from uuid import UUID

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from positions.models import PerpsExecution
from positions.services.confirming import confirm_settlements as confirm
from positions.services.working import follow_execution as follow
from positions.services.working import sweep_executions as sweep

POLL_SECONDS = 1
FOLLOW_SECONDS = 60
"""Afterwards the sweep alone looks after the row, every few seconds."""


@app.task(name="positions.follow_execution", queue="positions")
def follow_execution(execution_id: str) -> None:
    """Take one step, and come back in a second while the execution is young and unfinished."""
    execution = follow(execution_id=UUID(execution_id))
    if not execution.is_final and _age_seconds(execution) < FOLLOW_SECONDS:
        follow_execution.configure(schedule_in={"seconds": POLL_SECONDS}).defer(execution_id=execution_id)


@app.periodic(cron="* * * * * */5", periodic_id="positions.sweep")
@app.task(name="positions.sweep_executions", queue="positions", queueing_lock="positions.sweep")
def sweep_executions(timestamp: int) -> None:
    """Look after rows that lost their job or their process."""
    del timestamp
    sweep()


# No `lock`: it would outlive a killed worker, and the job would never run again. Each step is guarded by state.
@app.periodic(cron="* * * * * */20", periodic_id="positions.confirm")
@app.task(name="positions.confirm_settlements", queue="positions", queueing_lock="positions.confirm")
def confirm_settlements(timestamp: int) -> None:
    """Look again at what the oracle settled, until its block is safe."""
    del timestamp
    for network in settings.OSTIUM_NETWORKS:
        confirm(network=network)


def _age_seconds(execution: PerpsExecution) -> float:
    return (timezone.now() - execution.created_at).total_seconds()

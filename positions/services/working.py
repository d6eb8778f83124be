"""The worker's part: every unfinished execution is taken a step further, with what has to follow from it."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.utils import timezone

from positions.models import ExecutionState, Operation, PerpsExecution
from positions.selectors import find_stalled
from positions.services.confirming import reopen_vanished
from positions.services.faucet import advance_faucet
from positions.services.following import advance_execution, is_overdue
from positions.services.reclaiming import reclaim_unanswered

logger = structlog.get_logger(__name__)

STALLED_AFTER = timedelta(seconds=8)
"""An unfinished row that nobody has looked at for this long is the sweep's."""

SWEEP_ROWS = 200
RECLAIMABLE = frozenset({Operation.OPEN, Operation.CLOSE, Operation.RECLAIM})
"""What makes market orders; a reclaim does when it asks for a close again."""


def follow_execution(*, execution_id: UUID) -> PerpsExecution:
    """The worker's step, and a note of when it was made for the sweep.

    A market order that the oracle left unanswered is taken back as soon as the venue allows it.
    """
    structlog.contextvars.bind_contextvars(execution_id=str(execution_id))
    PerpsExecution.objects.filter(pk=execution_id).update(checked_at=timezone.now())
    execution = _advance(execution_id)
    if execution.state == ExecutionState.MINED and execution.operation in RECLAIMABLE and is_overdue(execution):
        reclaim_unanswered(execution=execution)
    return execution


def sweep_executions() -> int:
    """Take one step with every unfinished execution that nobody has looked at lately; the number of rows looked at.

    This is what finds rows of lost jobs and dead processes. One row's failure does not stop the others.
    """
    reopen_vanished(limit=SWEEP_ROWS)
    rows = find_stalled(before=timezone.now() - STALLED_AFTER, limit=SWEEP_ROWS)
    for execution_id in rows:
        try:
            follow_execution(execution_id=execution_id)
        except Exception:
            logger.exception("sweep_step_failed", execution_id=str(execution_id))
    return len(rows)


def _advance(execution_id: UUID) -> PerpsExecution:
    execution = advance_execution(execution_id=execution_id)
    return advance_faucet(execution) if execution.operation == Operation.FAUCET else execution

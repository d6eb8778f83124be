"""Reading the ledger."""

from datetime import datetime
from uuid import UUID

from django.db.models import F

from ostium_service.http import errors
from ostium_service.types import Network
from positions.models import UNFINISHED_STATES, ExecutionState, PerpsExecution


def get_execution(*, network: Network, execution_id: UUID) -> PerpsExecution:
    """The row with its events; ExecutionNotFound when the network has none of that id."""
    row = PerpsExecution.objects.prefetch_related("events").filter(pk=execution_id, network=network).first()
    if row is None:
        raise errors.ExecutionNotFound
    return row


def find_stalled(*, before: datetime, limit: int) -> list[UUID]:
    """Unfinished executions last looked at before a moment, longest ago first."""
    rows = PerpsExecution.objects.filter(state__in=UNFINISHED_STATES, checked_at__lt=before).order_by("checked_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def find_vanished(*, limit: int) -> list[PerpsExecution]:
    """Executions whose conclusions stand on a block that has vanished; almost always none, found by a small index."""
    rows = (
        PerpsExecution.objects.select_related("transaction")
        .filter(transaction__vanished__gt=0)
        .filter(transaction__vanished__gt=F("vanished"))
    )
    return list(rows.exclude(state__in=[ExecutionState.SIGNED, ExecutionState.SENT])[:limit])


def find_by_order(*, network: Network, order_id: str) -> PerpsExecution | None:
    """The newest execution that made the order, if it was made here."""
    return (
        PerpsExecution.objects.filter(network=network, order_id=order_id)
        .exclude(order_id="")
        .order_by("-created_at")
        .first()
    )

"""Reading the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import F, Prefetch

from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.models import UNFINISHED_STATES, ExecutionEvent, ExecutionState, Operation, PerpsExecution


def get_execution(*, network: Network, execution_id: UUID) -> PerpsExecution:
    """The row with its events; ExecutionNotFound when the network has none of that id."""
    row = PerpsExecution.objects.prefetch_related("events").filter(pk=execution_id, network=network).first()
    if row is None:
        raise errors.ExecutionNotFound
    return row


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the ledger ended."""

    created_at: datetime
    key: UUID


# Each trader's newest rows by the index, then the newest of these: one condition on all traders at once would read and
# sort everything that they ever did.
_PAGE = """
SELECT newest.* FROM unnest(%(traders)s::varchar[]) AS who(trader) CROSS JOIN LATERAL (
    SELECT * FROM perps_executions
    WHERE network = %(network)s AND trader_address = who.trader AND (created_at, id) < (%(moment)s, %(key)s)
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s
) AS newest ORDER BY newest.created_at DESC, newest.id DESC LIMIT %(limit)s
"""


def find_page(*, network: Network, traders: Sequence[str], after: Place | None, limit: int) -> list[PerpsExecution]:
    """Executions of the traders with their events, newest first, after a place in that order."""
    place = after or Place(created_at=datetime.max.replace(tzinfo=UTC), key=UUID(int=2**128 - 1))
    values = {
        "traders": list(traders),
        "network": network.value,
        "moment": place.created_at,
        "key": place.key,
        "limit": limit,
    }
    # Without the events' evidence, which a page does not show.
    events = ExecutionEvent.objects.only("execution_id", "to_state", "at", "reason")
    return list(PerpsExecution.objects.raw(_PAGE, values).prefetch_related(Prefetch("events", queryset=events)))


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


def find_unconfirmed(*, network: Network, limit: int) -> list[PerpsExecution]:
    """Executions that the oracle ended in a block not yet seen to be safe, oldest block first; by a small index."""
    rows = PerpsExecution.objects.filter(
        network=network, settlement_block__isnull=False, settlement_confirmed_at__isnull=True
    )
    return list(rows.order_by("settlement_block")[:limit])


def was_cancelled(*, network: Network, trader: str, order_id: str) -> bool:
    """Whether one of our own executions took the trader's resting order back."""
    rows = PerpsExecution.objects.filter(network=network, trader_address=trader, operation=Operation.CANCEL_ORDER)
    return rows.filter(state=ExecutionState.SETTLED, terms__orderId=order_id).exists()


def find_reclaims(*, network: Network, trader: Address, order_id: str) -> list[PerpsExecution]:
    """Every attempt to take a market order back, whoever asked for it, oldest first."""
    rows = PerpsExecution.objects.filter(network=network, trader_address=trader, operation=Operation.RECLAIM)
    return list(rows.filter(request__orderId=order_id).order_by("created_at"))


def find_faucet_payments(*, execution: PerpsExecution) -> list[PerpsExecution]:
    """Every attempt to pass on what the faucet paid for an execution, oldest first."""
    rows = PerpsExecution.objects.filter(
        network=execution.network,
        trader_address=execution.trader_address,
        operation=Operation.FAUCET_PAYMENT,
        created_at__gte=execution.created_at,
    )
    return list(rows.filter(request__executionId=str(execution.pk)).order_by("created_at"))


def find_by_transaction(*, network: Network, tx_hash: str) -> PerpsExecution | None:
    """The execution whose call the transaction is, if it was made here."""
    # By the attempt, whose hash has an index: a mined hash is always one of the attempts'.
    rows = PerpsExecution.objects.filter(network=network, transaction__attempts__tx_hash=tx_hash)
    return rows.filter(transaction__mined_hash=tx_hash).first()


def find_by_order(*, network: Network, order_id: str) -> PerpsExecution | None:
    """The execution that made the order, if it was made here: the oldest, since a reclaim names the order too."""
    return (
        PerpsExecution.objects.filter(network=network, order_id=order_id)
        .exclude(order_id="")
        .order_by("created_at")
        .first()
    )

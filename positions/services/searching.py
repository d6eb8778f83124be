"""Looking for the oracle's answer in pieces that a hosted node still answers."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from ostium_service import composition
from ostium_service.types import Network
from positions.models import PerpsExecution
from positions.services.settlement import BlockRange, Settlement, read_reclaim, read_settlement

LARGEST_RANGE = 2_000
"""Blocks of one question; about eight minutes of Arbitrum. Hosted nodes cap it."""

YOUNG = timedelta(minutes=5)
"""A transaction signed so lately is in one of the newest LARGEST_RANGE blocks."""

RANGES_A_STEP = 5
OVERLAP = 20
"""Blocks read twice: a node behind a load balancer may not have had the newest logs yet."""


def find_settlement(*, execution: PerpsExecution, from_block: int, may_be_reclaimed: bool) -> Settlement | None:
    """The oracle's answer, or the paying back of an order that it left unanswered, from the request's block on.

    A row that is looked at late, after an outage, is searched for a few ranges a step, and the row keeps how far that
    was: one question over everything since is what a node refuses, more surely each time. GatewayError leaves the rest
    for the next step.
    """
    for blocks in _ranges(execution, from_block):
        found = read_settlement(execution=execution, blocks=blocks)
        if found is None and may_be_reclaimed:
            found = read_reclaim(execution=execution, blocks=blocks)
        if found is not None:
            return found
        if may_be_reclaimed and blocks[1] != "latest":
            PerpsExecution.objects.filter(pk=execution.pk).update(searched_to=blocks[1])
    return None


def _ranges(execution: PerpsExecution, from_block: int) -> Iterator[BlockRange]:
    if execution.signed_at is not None and timezone.now() - execution.signed_at < YOUNG:
        yield from_block, "latest"
        return
    head = composition.arbitrum(Network(execution.network)).block("latest").number
    first = from_block if execution.searched_to is None else max(from_block, execution.searched_to - OVERLAP)
    for _ in range(RANGES_A_STEP):
        last = min(first + LARGEST_RANGE - 1, head)
        if first > last:
            return
        yield first, last
        first = last + 1

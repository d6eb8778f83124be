"""Noticing what happens to delegations outside this service: by comparing every live row, and by the venue's events.

The events find a change within seconds; the comparison misses nothing, whatever the node forgot to tell.
"""

from collections import defaultdict

import structlog
from django.conf import settings

from delegations.models import Delegation, WatchMark
from delegations.selectors import doubted_delegations, live_delegations, rows_of_safes, unfinished_of_safe
from delegations.services.chain import read_standings
from delegations.services.reconciling import apply_standings
from delegations.services.settling import is_backed, settle_if_ran
from ostium_service import composition
from ostium_service.gateways.arbitrum import Arbitrum, Log
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.ostium_contracts import TOPICS, decode_log
from ostium_service.http import errors
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, TxHash

logger = structlog.get_logger(__name__)

WAVE = 480
"""Rows compared between two writes to the database."""

OVERLAP = 20
"""Blocks read twice: a node behind a load balancer may not have had the newest logs yet."""

LARGEST_RANGE = 2_000
"""Blocks of one question; about eight minutes of Arbitrum. Hosted nodes cap it."""

LARGEST_GAP = 20 * LARGEST_RANGE
"""Further behind than this the events are skipped: the comparison has covered the gap."""


def sync_delegations(*, actor: str) -> int:
    """Compare every live row with `delegations(safe)` and the allowance; how many were looked at.

    A network whose node does not answer is left for the next time, so that it does not hold up the other.
    """
    by_network: dict[str, list[Delegation]] = defaultdict(list)
    for row in live_delegations().iterator():
        by_network[row.network].append(row)
    return sum(_sync_network(Network(network), rows, actor) for network, rows in by_network.items())


def watch_events(*, actor: str) -> int:
    """Read DelegateAdded and DelegateRemoved since the last run, and look at the Safes they name; how many these were.

    A Safe transaction of ours that a client or another app sent is settled by its own receipt. A network whose node
    does not answer is left for the next run, from the same block.
    """
    looked_at = 0
    for network in settings.OSTIUM_NETWORKS:
        try:
            looked_at += _look_at_doubted(network, actor) + _watch_network(network, actor)
        except (GatewayError, errors.ChainUnavailable):
            logger.warning("delegation_events_not_read", network=network)
    return looked_at


def _sync_network(network: Network, rows: list[Delegation], actor: str) -> int:
    checked = 0
    for start in range(0, len(rows), WAVE):
        part = rows[start : start + WAVE]
        try:
            standings = read_standings(network=network, safes=list({row.safe: None for row in part}))
        except errors.ChainUnavailable:
            logger.warning("delegations_not_synced", network=network, checked=checked, rows=len(rows))
            return checked
        apply_standings(rows=part, standings=standings, actor=actor)
        checked += len(part)
    return checked


def _look_at_doubted(network: Network, actor: str) -> int:
    """The second look at what was contradicted when no later block was to be had."""
    rows = doubted_delegations(network=network, limit=WAVE)
    if rows:
        safes = list({row.safe: None for row in rows})
        apply_standings(rows=rows, standings=read_standings(network=network, safes=safes), actor=actor)
    return len(rows)


def _watch_network(network: Network, actor: str) -> int:
    arbitrum = composition.arbitrum(network)
    head = arbitrum.block("latest").number
    mark = WatchMark.objects.filter(network=network).first()
    if mark is None or head - mark.block > LARGEST_GAP or head < mark.block:
        WatchMark.objects.update_or_create(network=network, defaults={"block": head})
        return 0
    last = min(head, mark.block + LARGEST_RANGE)
    changes = _read_changes(arbitrum, network, mark.block - OVERLAP, last)
    _settle_changes(network, changes, actor)
    safes = [safe for safe in changes if rows_of_safes(network=network, safes=[safe]).exists()]
    if safes:
        standings = read_standings(network=network, safes=safes)
        apply_standings(rows=list(rows_of_safes(network=network, safes=safes)), standings=standings, actor=actor)
    WatchMark.objects.filter(network=network, block__lt=last).update(block=last)
    return len(safes)


def _read_changes(arbitrum: Arbitrum, network: Network, first: int, last: int) -> dict[Address, list[TxHash]]:
    """The Safes whose delegate was set or removed, each with the transactions that did it."""
    trading = composition.contract_addresses(network).trading

    def read(name: str) -> list[Log]:
        return arbitrum.logs(trading, [TOPICS[name]], max(first, 0), last)

    added, removed = gather(lambda: read("DelegateAdded"), lambda: read("DelegateRemoved"))
    changes: dict[Address, list[TxHash]] = defaultdict(list)
    for log in (*added, *removed):
        event = decode_log(log)
        if event is not None:
            changes[Address(event.args["delegator"])].append(log.tx_hash)
    return changes


def _settle_changes(network: Network, changes: dict[Address, list[TxHash]], actor: str) -> None:
    for safe, hashes in changes.items():
        for row in unfinished_of_safe(network=network, safe=safe):
            if is_backed(row):
                for tx_hash in hashes:
                    settle_if_ran(safe_transaction=row, tx_hash=tx_hash, actor=actor)

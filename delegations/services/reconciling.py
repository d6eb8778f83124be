"""Comparing rows with the chain, which is the truth (R4)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.utils import timezone

from delegations.models import Delegation
from delegations.selectors import claim_of_another, open_submissions
from delegations.services.chain import SafeView, Standing, read_delegates_after, read_standings
from delegations.services.doubting import weigh_readings
from delegations.services.events import record_event
from delegations.services.following import follow_safe_transaction
from delegations.services.moves import Reading
from ostium_service.http import errors
from ostium_service.types import Address, Network, UsdcUnits

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChainState:
    """The venue's delegate of a Safe, whether it is the row's, when that was read, and the allowance (USDC x 1e6)."""

    delegate: Address | None
    matches: bool
    checked_at: datetime
    allowance: UsdcUnits


def reconcile(*, delegation: Delegation, actor: str) -> ChainState:
    """Read the chain for one row and correct the row by it. Refused with ChainUnavailable."""
    standings = read_standings(network=Network(delegation.network), safes=[delegation.safe])
    apply_standings(rows=[delegation], standings=standings, actor=actor)
    return _describe(standings[delegation.safe], delegation.delegate)


def check_on_chain(*, delegation_id: UUID, actor: str) -> ChainState:
    """Look after what is on its way, read the chain, correct the row and tell its story. ChainUnavailable else."""
    delegation = Delegation.objects.get(pk=delegation_id)
    for safe_transaction_id in open_submissions(delegation=delegation):
        follow_safe_transaction(safe_transaction_id=safe_transaction_id, actor=actor)
    delegation.refresh_from_db()
    state = reconcile(delegation=delegation, actor=actor)
    evidence = {"delegate": state.delegate, "matches": state.matches, "allowance": state.allowance}
    record_event(delegation=delegation, what="checked_on_chain", actor=actor, evidence=evidence)
    return state


def read_on_chain(*, network: Network, safe: Address, expected: Address | None) -> ChainState:
    """The same reading for a Safe without a row. Refused with ChainUnavailable."""
    return _describe(read_standings(network=network, safes=[safe])[safe], expected)


def mark_replaced(*, network: Network, trader: Address) -> None:
    """Re-read the chain after a simulation said that our delegate is not the trader's, and correct the ACTIVE row."""
    row = Delegation.objects.filter(network=network, safe_address=trader, status=Delegation.Status.ACTIVE).first()
    if row is not None:
        reconcile(delegation=row, actor="simulation")


def refuse_foreign_claim(*, view: SafeView, network: Network, user_id: str, actor: str) -> None:
    """TraderNotAllowed when another user's delegation of the Safe is ACTIVE, and still is by the chain."""
    claim = claim_of_another(network=network, safe=view.facts.address, user_id=user_id)
    if claim is None:
        return
    apply_reading(delegation=claim, delegate=view.delegate, block=view.block, actor=actor)
    if claim_of_another(network=network, safe=view.facts.address, user_id=user_id) is not None:
        raise errors.TraderNotAllowed(details={"reason": "safe_claimed"})


def apply_standings(*, rows: Sequence[Delegation], standings: Mapping[Address, Standing], actor: str) -> None:
    """Note on every row what its Safe's chain says, in a few statements, and correct those it contradicts."""
    by_answer: dict[Standing, list[UUID]] = defaultdict(list)
    for row in rows:
        found = standings[row.safe]
        by_answer[Standing(found.delegate, found.allowance, 0)].append(row.pk)
    now = timezone.now()
    for answer, ids in by_answer.items():
        Delegation.objects.filter(pk__in=ids).update(
            chain_delegate=answer.delegate or "", chain_allowance=answer.allowance, checked_at=now
        )
    found_by_row = {row: standings[row.safe] for row in rows if row.status == Delegation.Status.ACTIVE}
    readings = {
        row.pk: Reading(found.delegate, found.block)
        for row, found in found_by_row.items()
        if found.delegate != row.delegate or row.doubted_block is not None
    }
    if readings:
        _look_again(weigh_readings(readings=readings, actor=actor), actor)


def apply_reading(*, delegation: Delegation, delegate: Address | None, block: int, actor: str) -> bool:
    """Correct an ACTIVE row that the chain contradicts; whether the delegation stands, by a second reading if need be.

    No other status follows from a reading alone: a delegate of ours on chain does not make a row ACTIVE. Without a
    transaction that owners signed for this user, somebody who merely named the Safe would get to trade for it.
    """
    stands = delegate == delegation.delegate
    if delegation.status != Delegation.Status.ACTIVE or (stands and delegation.doubted_block is None):
        return stands
    readings = {delegation.pk: Reading(delegate, block)}
    _look_again(weigh_readings(readings=readings, actor=actor), actor)
    return Delegation.objects.filter(
        pk=delegation.pk, status=Delegation.Status.ACTIVE, doubted_block__isnull=True
    ).exists()


def _look_again(doubted: Sequence[Delegation], actor: str) -> None:
    """A second reading of rows in doubt. Without one they stay so, nothing is signed, and the watcher reads them."""
    by_network: dict[str, list[Delegation]] = defaultdict(list)
    for row in doubted:
        by_network[row.network].append(row)
    for network, rows in by_network.items():
        last = max(row.doubted_block or 0 for row in rows)
        safes = list({row.safe: None for row in rows})
        try:
            delegates, block = read_delegates_after(network=Network(network), safes=safes, block=last)
        except errors.ChainUnavailable:
            logger.warning("second_look_missing", network=network, rows=len(rows))
            continue
        readings = {row.pk: Reading(delegates[row.safe], block) for row in rows}
        weigh_readings(readings=readings, actor=actor)


def _describe(standing: Standing, expected: Address | None) -> ChainState:
    matches = expected is not None and standing.delegate == expected
    return ChainState(standing.delegate, matches, timezone.now(), standing.allowance)

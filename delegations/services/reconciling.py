"""Comparing rows with the chain, which is the truth (R4)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.utils import timezone

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import active_delegations, claim_of_another
from delegations.services.chain import BATCH, SafeView, read_delegates, read_progress
from delegations.services.moves import Reading, end_active, finish_executed, finish_failed
from ostium_service.http import errors
from ostium_service.types import Address, Network

logger = structlog.get_logger(__name__)

State = SafeTransaction.State


@dataclass(frozen=True, slots=True)
class ChainState:
    """The venue's delegate of a Safe, whether it is the row's, and when that was read."""

    delegate: Address | None
    matches: bool
    checked_at: datetime


def reconcile(*, delegation: Delegation, actor: str) -> ChainState:
    """Read the chain for one row and correct the row by it. Refused with ChainUnavailable."""
    delegates, block = read_delegates(network=Network(delegation.network), safes=[delegation.safe])
    on_chain = delegates[delegation.safe]
    apply_reading(delegation=delegation, delegate=on_chain, block=block, actor=actor)
    return ChainState(on_chain, on_chain == delegation.delegate, timezone.now())


def read_on_chain(*, network: Network, safe: Address, expected: Address | None) -> ChainState:
    """The same reading for a Safe without a row. Refused with ChainUnavailable."""
    delegates, _ = read_delegates(network=network, safes=[safe])
    return ChainState(delegates[safe], expected is not None and delegates[safe] == expected, timezone.now())


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


def sync_delegations(*, actor: str) -> int:
    """Compare every ACTIVE row with the chain, in batches; how many were looked at.

    A network whose node does not answer is left for the next time, so that it does not hold up the other.
    """
    by_network: dict[str, list[Delegation]] = defaultdict(list)
    for row in active_delegations().iterator():
        by_network[row.network].append(row)
    return sum(_sync_network(Network(network), rows, actor) for network, rows in by_network.items())


def apply_reading(*, delegation: Delegation, delegate: Address | None, block: int, actor: str) -> None:
    """Correct an ACTIVE row that the chain contradicts; no other status follows from a reading alone.

    A delegate of ours on chain does not make a row ACTIVE: without a transaction that owners signed for this user,
    somebody who merely named the Safe would get to trade for it.
    """
    if delegation.status == Delegation.Status.ACTIVE and delegate != delegation.delegate:
        end_active(delegation_id=delegation.pk, reading=Reading(delegate, block), actor=actor)


def settle_client_submission(*, safe_transaction: SafeTransaction, actor: str) -> None:
    """See whether a transaction that was handed back, with valid signatures, has run since.

    Its nonce being spent and the chain showing its effect ends it executed; a nonce spent without the effect means that
    another transaction took it. Refused with ChainUnavailable.
    """
    delegation = safe_transaction.delegation
    nonce, delegate, block = read_progress(network=Network(delegation.network), safe=delegation.safe)
    if nonce <= safe_transaction.nonce:
        return
    is_set = delegate == delegation.delegate
    if is_set == (safe_transaction.kind == SafeTransaction.Kind.APPROVE):
        finish_executed(safe_transaction_id=safe_transaction.pk, reading=Reading(delegate, block), actor=actor)
    else:
        finish_failed(safe_transaction_id=safe_transaction.pk, state=State.STALE, reason="nonce_taken", actor=actor)


def _sync_network(network: Network, rows: list[Delegation], actor: str) -> int:
    checked = 0
    for part in _chunks(rows):
        try:
            delegates, block = read_delegates(network=network, safes=[row.safe for row in part])
        except errors.ChainUnavailable:
            logger.warning("delegations_not_synced", network=network, checked=checked, rows=len(rows))
            return checked
        for row in part:
            apply_reading(delegation=row, delegate=delegates[row.safe], block=block, actor=actor)
        checked += len(part)
    return checked


def _chunks(rows: list[Delegation]) -> Iterable[list[Delegation]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))

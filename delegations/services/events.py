"""Writing the story of a delegation."""

from collections.abc import Mapping
from typing import Any

import structlog

from delegations.models import Delegation, DelegationEvent, SafeTransaction

logger = structlog.get_logger(__name__)


def record_event(
    *,
    delegation: Delegation,
    what: str,
    actor: str,
    evidence: Mapping[str, Any] | None = None,
    safe_transaction: SafeTransaction | None = None,
) -> None:
    """Append one line, in the transaction of the change it tells of; `actor` says who asked for it (R10)."""
    DelegationEvent.objects.create(
        delegation=delegation,
        safe_transaction=safe_transaction,
        what=what,
        actor=actor,
        evidence=dict(evidence or {}),
    )
    logger.info("delegation_event", what=what, delegation_id=str(delegation.pk), network=delegation.network)


def record_events(*, what: str, actor: str, evidence: Mapping[Delegation, Mapping[str, Any]]) -> None:
    """The same line for many delegations, each with its evidence, in one statement."""
    events = [
        DelegationEvent(delegation=delegation, what=what, actor=actor, evidence=dict(found))
        for delegation, found in evidence.items()
    ]
    DelegationEvent.objects.bulk_create(events, batch_size=1_000)
    for delegation in evidence:
        logger.info("delegation_event", what=what, delegation_id=str(delegation.pk), network=delegation.network)

"""What a caller may know about a delegation: the row, corrected by the chain, and the chain itself."""

from dataclasses import dataclass

from delegations.models import Delegation
from delegations.selectors import delegation_for, open_submissions
from delegations.services.following import follow_safe_transaction
from delegations.services.reconciling import ChainState, read_on_chain, reconcile
from ostium_service.types import Address, Network


@dataclass(frozen=True, slots=True)
class DelegationStatus:
    """Both are None when neither a row nor a Safe to look at is known."""

    delegation: Delegation | None
    on_chain: ChainState | None


def read_status(
    *, user_id: str, network: Network, safe: Address | None, delegate: Address | None, actor: str
) -> DelegationStatus:
    """Look after what is on its way, then read the chain and correct the row by it.

    Refused with ChainUnavailable, since a row alone is not the truth.
    """
    row = delegation_for(user_id=user_id, network=network, safe=safe, delegate=delegate)
    if row is not None:
        for safe_transaction_id in open_submissions(delegation=row):
            follow_safe_transaction(safe_transaction_id=safe_transaction_id, actor=actor)
        row.refresh_from_db()
        on_chain = reconcile(delegation=row, actor=actor)
        return DelegationStatus(Delegation.objects.select_related("approval").get(pk=row.pk), on_chain)
    if safe is None:
        return DelegationStatus(None, None)
    return DelegationStatus(None, read_on_chain(network=network, safe=safe, expected=delegate))

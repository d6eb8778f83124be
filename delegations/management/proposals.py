"""`--propose`: showing revocations to the owners in their Safe app, and telling which could not be shown."""

from collections.abc import Iterable, Sequence

from django.core.management.base import CommandError

from delegations import services
from delegations.management.owners import describe_for_owners
from delegations.models import Delegation
from delegations.services import PreparedTransaction
from ostium_service.commands import USAGE, Item
from ostium_service.types import Network

NOT_PROPOSED = "not_proposed"


def require_safe_service(rows: Iterable[Delegation]) -> None:
    """CommandError 2 when a network of the selection has nowhere to propose to."""
    for network in sorted({Network(row.network) for row in rows}):
        if not services.has_safe_service(network):
            raise CommandError(f"--propose needs OSTIUM_{network.name}_SAFE_SERVICE_URL", returncode=USAGE)


def propose(prepared: PreparedTransaction, actor: str) -> Item:
    """Propose it as far as owners have signed it; else say why not and what they have to sign.

    When the service shows something else under our hash nothing is given that anybody might go there and sign.
    """
    row = prepared.safe_transaction
    try:
        proposal = services.propose(safe_transaction_id=row.pk, actor=actor)
    except services.ProposalRefused as refusal:
        to_sign = {} if refusal.is_forgery else describe_for_owners(prepared)
        return {"result": NOT_PROPOSED, "why": refusal.token, **to_sign}
    warning = {"warning": "safe_service_behind"} if proposal.is_service_behind else {}
    told = {"safeTxHash": row.safe_tx_hash, "signedBy": proposal.owners, "missing": proposal.missing}
    return {"result": "proposed", **told, **warning}


def any_unproposed(items: Sequence[Item]) -> bool:
    """Whether one of them still has to be shown to its owners in another way."""
    return any(item.get("result") == NOT_PROPOSED for item in items)

"""What a person types into the search field of delegations: a user, a Safe, a delegate, a hash, an id."""

import re
from uuid import UUID

from django.db.models import Q, QuerySet
from eth_utils.address import to_checksum_address

from delegations.models import Delegation, SafeTransaction
from ostium_service.types import Network
from positions.models import PerpsExecution

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
HASH = re.compile(r"0x[0-9a-fA-F]{64}")
IDENTITY = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def find_delegations(rows: QuerySet[Delegation], text: str) -> QuerySet[Delegation]:
    """Rows the text names, each answered by an index; a text of no known form is the beginning of a user's id."""
    text = text.strip()
    if ADDRESS.fullmatch(text):
        address = to_checksum_address(text)
        networks = [network.value for network in Network]
        return rows.filter(network__in=networks).filter(Q(safe_address=address) | Q(delegate_address=address))
    if HASH.fullmatch(text):
        return rows.filter(_by_hash(text.lower()))
    if IDENTITY.fullmatch(text):
        return rows.filter(Q(pk=UUID(text)) | Q(user_id=text))
    return rows.filter(user_id__startswith=text) if text else rows


def _by_hash(tx_hash: str) -> Q:
    """Approval or revocation, Safe transaction, or a trade of the Safe."""
    prepared = SafeTransaction.objects.filter(safe_tx_hash=tx_hash).values_list("delegation_id", flat=True)
    found = Q(approval_tx_hash=tx_hash) | Q(revoke_tx_hash=tx_hash) | Q(pk__in=list(prepared[:50]))
    traders = PerpsExecution.objects.filter(tx_hash=tx_hash).values_list("network", "trader_address")
    for network, trader in traders[:10]:
        found |= Q(network=network, safe_address=trader)
    return found

"""Taking a delegate out of service: first it only closes, then it signs nothing, then its key is gone."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import count_handed_out
from delegations.services.chain import read_standings
from delegations.services.drafting import PreparedTransaction
from delegations.services.events import record_event
from delegations.services.preparing import prepare_approval
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import Signer
from relay.selectors import active_signers, count_unsettled
from relay.services import begin_retirement, destroy_key, finish_retirement


@dataclass(frozen=True, slots=True)
class Retirement:
    """How far a delegate's retirement has come, and what still holds it up.

    `active` delegations and Safes `named_on_chain` still depend on the key; `unsettled` transactions may still need it;
    approvals `handed_out` may still name it, as long as a prepared transaction lasts.
    `destroyed` versions of the key; None: not tried.
    """

    address: Address
    state: str
    active: int
    named_on_chain: int
    unsettled: int
    handed_out: int
    destroyed: int | None

    @property
    def is_complete(self) -> bool:
        """Whether the signer is retired and its key destroyed."""
        return self.state == Signer.State.RETIRED and self.destroyed is not None


def retire_delegate(
    *, network: Network, address: Address, actor: str, reason: str, operator_token: str = ""
) -> Retirement:
    """Go as far as can be gone now; repeating it goes on from there.

    From the first call on the key only closes. When no ACTIVE delegation, no Safe on chain, no unsettled transaction
    and no approval in a client's hands needs it any more, it is retired for ever, and with an operator's token of Vault
    its key is destroyed. Refused with ChainUnavailable and VaultUnavailable, and Signer.DoesNotExist for an address
    that is not ours.
    """
    signer = begin_retirement(network=network, address=address, actor=actor, reason=reason)
    active = active_rows(network=network, delegate=address).count()
    on_chain = _count_still_named(network, address)
    unsettled = count_unsettled(signer)
    handed_out = count_handed_out(network=network, delegate=address)
    destroyed = None
    if not (active or on_chain or unsettled or handed_out):
        signer = finish_retirement(network=network, address=address, actor=actor, reason=reason)
        if operator_token:
            destroyed = destroy_key(
                network=network, address=address, operator_token=operator_token, actor=actor, reason=reason
            )
    return Retirement(address, signer.state, active, on_chain, unsettled, handed_out, destroyed)


def active_rows(*, network: Network, delegate: Address) -> QuerySet[Delegation]:
    """The ACTIVE delegations to a delegate, in a stable order."""
    rows = Delegation.objects.filter(network=network, delegate_address=delegate, status=Delegation.Status.ACTIVE)
    return rows.order_by("created_at", "id")


def prepare_move(*, delegation_id: UUID, to: Address | None, actor: str, reason: str) -> PreparedTransaction:
    """Build the Safe transaction that names another delegate: `to`, or one of the pool. The allowance stays as it is.

    Refused as `prepare_approval` is; the present delegation is not touched.
    """
    row = Delegation.objects.get(pk=delegation_id)
    prepared = prepare_approval(
        user_id=row.user_id, network=Network(row.network), safe=row.safe, delegate=to, allowance=None, actor=actor
    )
    safe_transaction: SafeTransaction = prepared.safe_transaction
    evidence: dict[str, object] = {
        "reason": reason,
        "to": safe_transaction.delegation.delegate_address,
        "safeTxHash": safe_transaction.safe_tx_hash,
    }
    record_event(delegation=row, what="rotation_prepared", actor=actor, evidence=evidence)
    return prepared


def require_successor(*, network: Network, retiring: Address, to: Address | None) -> None:
    """DelegateUnknown when `to` is no other delegate in service; DelegateKeyMissing when there is no other at all."""
    pool = {signer.address for signer in active_signers(network, Signer.Purpose.DELEGATE)} - {retiring}
    if to is not None and to not in pool:
        raise errors.DelegateUnknown
    if not pool:
        raise errors.DelegateKeyMissing(details={"reason": "no_other_delegate"})


def _count_still_named(network: Network, delegate: Address) -> int:
    """Safes of ours for which the venue keeps the delegate, whatever our rows say."""
    rows = Delegation.objects.filter(network=network, delegate_address=delegate).order_by("safe_address")
    safes = [Address(safe) for safe in rows.values_list("safe_address", flat=True).distinct()]
    standings = read_standings(network=network, safes=safes)
    return sum(1 for standing in standings.values() if standing.delegate == delegate)

"""Comparing nonces with the chain, and bringing a halted signer back after a person has looked at what it shows."""

from dataclasses import dataclass

from django.db import transaction

from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, Signer, SignerEvent
from relay.services.following import advance
from relay.services.signers import HALTED, halt_if_behind

SIGNERS_A_BATCH = 80


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the chain and our rows say of a signer's nonces.

    `foreign` counts nonces, since the signer's first use here, that were spent by bytes of somebody else.
    """

    address: Address
    chain_nonce: int
    next_nonce: int
    undecided: int
    foreign: int


def watch_nonces(*, network: Network) -> int:
    """Halt every signer whose nonce on chain is ahead of ours, idle ones included; how many were looked at.

    The chain is read before our row, and ours only grows, so being ahead cannot be our own work. Raises GatewayError.
    """
    states = (Signer.State.ACTIVE, Signer.State.RETIRING)
    signers = list(Signer.objects.filter(network=network, state__in=states, next_nonce__isnull=False).order_by("id"))
    for start in range(0, len(signers), SIGNERS_A_BATCH):
        part = signers[start : start + SIGNERS_A_BATCH]
        nonces = composition.arbitrum(network).read_state((), nonces=[Address(s.address) for s in part]).nonces
        for signer, chain_nonce in zip(part, nonces, strict=True):
            halt_if_behind(signer_id=signer.pk, chain_nonce=chain_nonce)
    return len(signers)


def compare_with_chain(*, network: Network, address: Address) -> Reconciliation:
    """Follow every undecided transaction of the signer one step, then compare. Nothing else is changed.

    Refused with ChainUnavailable; Signer.DoesNotExist for an address that is not ours.
    """
    signer = Signer.objects.get(network=network, address=address)
    undecided = OutboundTransaction.objects.filter(signer=signer, state__in=OutboundTransaction.UNDECIDED)
    for pk in list(undecided.order_by("nonce").values_list("pk", flat=True)):
        advance(transaction_id=pk)
    try:
        chain_nonce = composition.arbitrum(network).transaction_count(address)
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
    ours = signer.transactions.filter(nonce__lt=chain_nonce).exclude(state=OutboundTransaction.State.REPLACED)
    first = signer.transactions.order_by("nonce").values_list("nonce", flat=True).first()
    spent_since_first_use = chain_nonce - first if first is not None and chain_nonce > first else 0
    signer.refresh_from_db()
    return Reconciliation(
        address=address,
        chain_nonce=chain_nonce,
        next_nonce=chain_nonce if signer.next_nonce is None else signer.next_nonce,
        undecided=undecided.count(),
        foreign=max(0, spent_since_first_use - ours.count()),
    )


def resume_signer(*, network: Network, address: Address, actor: str, reason: str) -> Reconciliation:
    """Let a halted signer go on as before, from the higher of the chain's nonce and ours; who and why is a row.

    Refused with ValueError when it is not halted or a transaction of it is still undecided below the chain's nonce,
    and with ChainUnavailable; nothing is changed then.
    """
    found = compare_with_chain(network=network, address=address)
    with transaction.atomic():
        signer = Signer.objects.select_for_update().get(network=network, address=address)
        if signer.state != Signer.State.HALTED:
            raise ValueError(f"the signer is {signer.state}, not halted")
        stuck = signer.transactions.filter(state__in=OutboundTransaction.UNDECIDED, nonce__lt=found.chain_nonce)
        if stuck.exists():
            raise ValueError("a transaction below the chain's nonce is undecided; wait for its end and try again")
        signer.next_nonce = max(found.chain_nonce, found.next_nonce)
        signer.state = _state_before_halt(signer)
        signer.halted_reason = ""
        signer.save(update_fields=["next_nonce", "state", "halted_reason", "updated_at"])
        SignerEvent.objects.create(
            signer=signer,
            what="resumed",
            actor=actor[:150],
            reason=reason[:200],
            evidence={"chainNonce": found.chain_nonce, "nextNonce": found.next_nonce, "foreign": found.foreign},
        )
    return found


def _state_before_halt(signer: Signer) -> str:
    """Active, or retiring when a retirement had begun before the halt."""
    halted = signer.events.filter(what=HALTED).last()
    return Signer.State.ACTIVE if halted is None else str(halted.evidence.get("was", Signer.State.ACTIVE))

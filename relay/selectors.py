"""Reading signers and transactions."""

from uuid import UUID

from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, Signer


def active_signers(network: Network, purpose: str) -> list[Signer]:
    """Signers of a purpose that may sign now, oldest first."""
    return list(Signer.objects.filter(network=network, purpose=purpose, state=Signer.State.ACTIVE).order_by("id"))


def relayer_for(network: Network) -> Signer | None:
    """Who relays Safe transactions: a registered relayer, else a delegate, else nobody."""
    for purpose in (Signer.Purpose.RELAYER, Signer.Purpose.DELEGATE):
        signers = active_signers(network, purpose)
        if signers:
            return signers[0]
    return None


def signer_addresses(network: Network) -> set[Address]:
    """Every address that is or was ours on the network, retired ones included."""
    return {Address(a) for a in Signer.objects.filter(network=network).values_list("address", flat=True)}


def get_transaction(transaction_id: UUID) -> OutboundTransaction:
    """The row with its signer."""
    return OutboundTransaction.objects.select_related("signer").get(pk=transaction_id)


def unsent_predecessors(transaction: OutboundTransaction) -> list[OutboundTransaction]:
    """Transactions of the same signer with a smaller nonce that are not known to be out, in nonce order."""
    return list(
        OutboundTransaction.objects.select_related("signer")
        .filter(
            signer=transaction.signer,
            nonce__lt=transaction.nonce,
            state__in=[OutboundTransaction.State.SIGNED, OutboundTransaction.State.UNKNOWN],
        )
        .order_by("nonce")
    )

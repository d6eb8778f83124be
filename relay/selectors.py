"""Reading signers and transactions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, Signer

LEAVING = frozenset({Signer.State.RETIRING, Signer.State.RETIRED})
"""States in which nobody may be asked to name the signer as delegate."""


def active_signers(network: Network, purpose: str) -> list[Signer]:
    """Signers of a purpose that may sign now, oldest first."""
    return list(Signer.objects.filter(network=network, purpose=purpose, state=Signer.State.ACTIVE).order_by("id"))


def relayer_for(network: Network) -> Signer | None:
    """Who relays Safe transactions: the registered relayer with the fewest of them under way, the oldest of equals.

    Without an active relayer a delegate likewise, else nobody.
    """
    for purpose in (Signer.Purpose.RELAYER, Signer.Purpose.DELEGATE):
        signers = active_signers(network, purpose)
        if signers:
            loads = _count_undecided(signers)
            return min(signers, key=lambda signer: loads.get(signer.pk, 0))
    return None


def _count_undecided(signers: Sequence[Signer]) -> dict[int, int]:
    undecided = OutboundTransaction.objects.filter(signer__in=signers, state__in=OutboundTransaction.UNDECIDED)
    return dict(undecided.order_by().values_list("signer").annotate(number=Count("id")))


def signer_addresses(network: Network) -> set[Address]:
    """Every address that is or was ours on the network, retired ones included."""
    return {Address(a) for a in Signer.objects.filter(network=network).values_list("address", flat=True)}


def signer_states(network: Network) -> dict[Address, str]:
    """The state of every address that is or was ours on the network."""
    return {Address(a): s for a, s in Signer.objects.filter(network=network).values_list("address", "state")}


def count_unsettled(signer: Signer) -> int:
    """Transactions of the signer that may still need its key: undecided, or in a block that may yet vanish."""
    states = OutboundTransaction.State
    unconfirmed = Q(state__in=[states.MINED, states.REVERTED, states.EXPIRED, states.CANCELLED])
    undecided = Q(state__in=OutboundTransaction.UNDECIDED)
    return signer.transactions.filter(undecided | unconfirmed & Q(confirmed_at__isnull=True)).count()


def get_transaction(transaction_id: UUID) -> OutboundTransaction:
    """The row with its signer."""
    return OutboundTransaction.objects.select_related("signer").get(pk=transaction_id)


def unsent_predecessors(
    transaction: OutboundTransaction, *, stored_before: datetime | None = None
) -> list[OutboundTransaction]:
    """Transactions of the same signer with a smaller nonce that are not known to be out, in nonce order."""
    found = OutboundTransaction.objects.select_related("signer").filter(
        signer=transaction.signer,
        nonce__lt=transaction.nonce,
        state__in=[OutboundTransaction.State.SIGNED, OutboundTransaction.State.UNKNOWN],
    )
    if stored_before is not None:
        found = found.filter(created_at__lt=stored_before)
    return list(found.order_by("nonce"))


def unconfirmed_transactions(network: Network, *, up_to_block: int, limit: int) -> list[OutboundTransaction]:
    """Decided transactions whose block is at most `up_to_block` and was not yet seen to be safe, oldest first.

    With what stands on the block, without the rest of the row: these are read again and again.
    """
    states = OutboundTransaction.State
    return list(
        OutboundTransaction.objects.only("state", "mined_hash", "block_number", "block_hash", "vanished")
        .filter(
            signer__network=network,
            state__in=[states.MINED, states.REVERTED, states.EXPIRED, states.CANCELLED],
            confirmed_at__isnull=True,
            block_number__lte=up_to_block,
        )
        .order_by("block_number")[:limit]
    )


def recently_replaced(network: Network, *, since: datetime, limit: int) -> list[OutboundTransaction]:
    """Transactions whose nonce was last seen with bytes that are not ours; almost always none, by a small index."""
    rows = OutboundTransaction.objects.select_related("signer").filter(
        signer__network=network, state=OutboundTransaction.State.REPLACED, decided_at__gte=since
    )
    return list(rows.order_by("decided_at")[:limit])


def halted_signers() -> list[Signer]:
    """Signers that stopped because the chain disagreed with our rows."""
    return list(Signer.objects.filter(state=Signer.State.HALTED).order_by("id"))


class SignerHalted(Exception):
    """A signer does not sign any more; its page, the log and `resume_signer` tell why."""

    token = "signer_halted"  # noqa: S105  a state's name, shown by /ready


def require_no_halted_signer() -> None:
    """SignerHalted when one is; the connection of the asking thread is closed again."""
    try:
        if Signer.objects.filter(state=Signer.State.HALTED).exists():
            raise SignerHalted
    finally:
        connection.close()


def count_signers_by_state() -> dict[str, float]:
    """How many signers are in each state, zero included."""
    found = dict(Signer.objects.values_list("state").annotate(number=Count("id")))
    return {state: float(found.get(state, 0)) for state in Signer.State.values}


def count_undecided_by_state() -> dict[str, float]:
    """How many transactions wait for the chain in each state, zero included."""
    undecided = OutboundTransaction.UNDECIDED
    rows = OutboundTransaction.objects.filter(state__in=undecided).values_list("state").annotate(number=Count("id"))
    found = dict(rows)
    return {state.value: float(found.get(state, 0)) for state in undecided}

"""Writing grants. Callers hold the transaction that changes the delegation itself."""

from django.db import transaction

from ostium_service.types import Address, Network
from safeguards.models import Grant


def grant_trading(*, network: Network, trader: Address, delegate: Address) -> Grant:
    """Let `delegate` trade for `trader`; an earlier delegate's grant is overwritten, as the venue's slot is.

    A suspension survives for the same delegate: staff suspended it, and only a resume may lift that.
    """
    with transaction.atomic():
        grant = Grant.objects.select_for_update().filter(network=network, trader=trader).first()
        if grant is None:
            return Grant.objects.create(network=network, trader=trader, delegate=delegate, state=Grant.State.ACTIVE)
        if grant.delegate == delegate and grant.state == Grant.State.SUSPENDED:
            return grant
        grant.delegate = delegate
        grant.state = Grant.State.ACTIVE
        grant.save(update_fields=["delegate", "state", "updated_at"])
        return grant


def withdraw_grant(*, network: Network, trader: Address) -> None:
    """End the grant of `trader`, whatever its state. Nothing happens when there is none."""
    _set_state(network, trader, Grant.State.WITHDRAWN, only_from=(Grant.State.ACTIVE, Grant.State.SUSPENDED))


def suspend_grant(*, network: Network, trader: Address) -> None:
    """Refuse the next signature for `trader`, at once and in every process, until `resume_grant`."""
    _set_state(network, trader, Grant.State.SUSPENDED, only_from=(Grant.State.ACTIVE,))


def resume_grant(*, network: Network, trader: Address) -> None:
    """Lift a suspension; a withdrawn grant stays withdrawn."""
    _set_state(network, trader, Grant.State.ACTIVE, only_from=(Grant.State.SUSPENDED,))


def _set_state(network: Network, trader: Address, state: Grant.State, *, only_from: tuple[Grant.State, ...]) -> None:
    with transaction.atomic():
        grant = Grant.objects.select_for_update().filter(network=network, trader=trader).first()
        if grant is None or grant.state not in only_from:
            return
        grant.state = state
        grant.save(update_fields=["state", "updated_at"])

"""Writing grants. Callers hold the transaction that changes the delegation itself."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from ostium_service.types import Address, Network
from safeguards.models import Grant


def grant_trading(*, network: Network, trader: Address, delegate: Address) -> Grant:
    """Let `delegate` trade for `trader`; an earlier delegate's grant is overwritten, as the venue's slot is.

    A suspension survives, for this delegate and for any other: staff suspended the trader, only a resume lifts that.
    """
    with transaction.atomic():
        grant, _ = Grant.objects.select_for_update().update_or_create(
            network=network, trader=trader, defaults={"delegate": delegate, "state": Grant.State.ACTIVE}
        )
        return grant


def withdraw_grant(*, network: Network, trader: Address) -> None:
    """End the grant of `trader`; a suspension stays noted. Nothing happens when there is none."""
    Grant.objects.filter(network=network, trader=trader).update(state=Grant.State.WITHDRAWN, updated_at=timezone.now())


def withdraw_grants(*, network: Network, traders: Collection[Address]) -> None:
    """The same for many traders in one statement."""
    rows = Grant.objects.filter(network=network, trader__in=traders)
    rows.update(state=Grant.State.WITHDRAWN, updated_at=timezone.now())


def suspend_grant(*, network: Network, trader: Address) -> None:
    """Refuse the next signature for `trader`, at once and in every process, until `resume_grant`."""
    Grant.objects.filter(network=network, trader=trader).update(suspended=True, updated_at=timezone.now())


def suspend_grants(*, network: Network, traders: Collection[Address]) -> int:
    """The same for many traders in one statement; how many grants there were."""
    return Grant.objects.filter(network=network, trader__in=traders).update(suspended=True, updated_at=timezone.now())


def resume_grant(*, network: Network, trader: Address) -> None:
    """Lift a suspension; a withdrawn grant stays withdrawn."""
    Grant.objects.filter(network=network, trader=trader).update(suspended=False, updated_at=timezone.now())

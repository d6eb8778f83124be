"""Readings of the chain that the pages show, stored by the worker and by a person's check. No page waits for these."""

from collections.abc import Sequence
from decimal import Decimal

import structlog
from django.conf import settings
from django.utils import timezone

from delegations.models import Delegation
from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.http.errors import ServiceError
from ostium_service.types import Address, Network
from positions.models import PerpsExecution
from positions.services.listing import list_positions
from relay.models import Signer
from staff.models import GasReading, PositionReading

logger = structlog.get_logger(__name__)

SIGNERS_PER_READ = 80
TRADERS_PER_TURN = 25


def read_gas() -> int:
    """Store what every signer that is not retired has for gas; how many were read.

    A network whose node does not answer keeps its earlier readings, whose time says so.
    """
    return sum(_read_gas_of(network) for network in settings.OSTIUM_NETWORKS)


def read_positions(*, network: Network, traders: Sequence[Address]) -> int:
    """Store the open positions of the traders; how many were read. One that cannot be read keeps its last reading."""
    done = 0
    for trader in traders:
        try:
            listing = list_positions(network=network, trader=trader)
        except ServiceError as error:
            logger.warning("staff_positions_not_read", network=network, trader=trader, code=error.code)
            continue
        positions = listing["positions"]
        PositionReading.objects.update_or_create(
            network=network,
            trader=trader,
            defaults={
                "positions": positions,
                "collateral": sum((Decimal(item["collateral"]) for item in positions), Decimal(0)),
                "notional": sum((Decimal(item["notional"]) for item in positions), Decimal(0)),
                "block": listing["asOfBlock"],
                "read_at": timezone.now(),
            },
        )
        done += 1
    return done


def refresh_positions() -> int:
    """Read the traders whose reading is oldest, a few at a turn, so that any number of them costs the node the same."""
    return sum(read_positions(network=network, traders=_next_traders(network)) for network in settings.OSTIUM_NETWORKS)


def _read_gas_of(network: Network) -> int:
    signers = list(Signer.objects.filter(network=network).exclude(state=Signer.State.RETIRED).order_by("id"))
    done = 0
    for start in range(0, len(signers), SIGNERS_PER_READ):
        part = signers[start : start + SIGNERS_PER_READ]
        try:
            read = composition.arbitrum(network).read_state([], balances=[Address(row.address) for row in part])
        except GatewayError as error:
            logger.warning("staff_gas_not_read", network=network, reason=error.token)
            return done
        now = timezone.now()
        rows = [
            GasReading(signer=signer, wei=Decimal(wei), read_at=now)
            for signer, wei in zip(part, read.balances, strict=True)
        ]
        GasReading.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["signer"], update_fields=["wei", "read_at"]
        )
        done += len(rows)
    return done


def _next_traders(network: Network) -> list[Address]:
    """Traders of ACTIVE delegations that have traded and were never read, then those whose reading is oldest."""
    known = PositionReading.objects.filter(network=network)
    active = Delegation.objects.filter(network=network, status=Delegation.Status.ACTIVE)
    has_traded = PerpsExecution.objects.filter(network=network).order_by().values("trader_address").distinct()
    unread = (
        active.filter(safe_address__in=has_traded)
        .exclude(safe_address__in=known.values("trader"))
        .order_by("created_at")
        .values_list("safe_address", flat=True)
    )
    found = list(unread[:TRADERS_PER_TURN])
    due = known.order_by("read_at").values_list("trader", flat=True)
    found += list(due[: TRADERS_PER_TURN - len(found)])
    return [Address(trader) for trader in found]

"""What `manage.py doctor` asks of the delegations: whether the chain agrees with the rows."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from delegations.models import Delegation
from delegations.selectors import drifting, live_delegations
from delegations.services.venue import find_moved_storage
from ostium_service.doctor import Finding, Verdict
from ostium_service.gateways.failures import GatewayError
from ostium_service.types import Network

UNCHECKED = timedelta(minutes=15)
"""The worker compares every live row with the chain far more often than this."""


def examine_delegations() -> Iterator[Finding]:
    """Rows that the chain contradicts, and ACTIVE rows that nobody has compared with it lately."""
    drift = [str(pk) for pk in drifting(live_delegations()).values_list("pk", flat=True)[:20]]
    yield Finding("delegation_drift", Verdict.FAILED if drift else Verdict.OK, "drift" if drift else "", {"ids": drift})
    limit = timezone.now() - UNCHECKED
    rows = Delegation.objects.filter(status=Delegation.Status.ACTIVE, created_at__lt=limit)
    unchecked = rows.filter(Q(checked_at__lt=limit) | Q(checked_at__isnull=True)).count()
    verdict = Verdict.WARNING if unchecked else Verdict.OK
    yield Finding("delegation_watch", verdict, "not_compared_lately" if unchecked else "", {"rows": unchecked})
    for network in settings.OSTIUM_NETWORKS:
        yield _examine_storage(network)


def _examine_storage(network: Network) -> Finding:
    """Whether approvals go to whom the venue lets spend now."""
    name = f"venue_storage_{network.value}"
    try:
        moved_to = find_moved_storage(network=network)
    except GatewayError as error:
        return Finding(name, Verdict.FAILED, f"{error.system}_{error.token}")
    if moved_to is None:
        return Finding(name, Verdict.OK)
    return Finding(name, Verdict.FAILED, "moved", {"registry": moved_to})

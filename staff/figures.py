"""The figures of the home page: rows of our own and readings that the worker stored, nothing is asked of the chain."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from delegations.models import Delegation
from delegations.selectors import DRIFTING
from delegations.stages import count_stages
from ostium_service.money import ETHER_DECIMALS
from positions.models import UNFINISHED_STATES, PerpsExecution
from relay.models import OutboundTransaction, Signer
from relay.services.funding import enough_wei
from staff.chart import CHART_HEIGHT, Group, count_busiest_hour, draw_bars
from staff.models import GasReading, PositionReading

CACHE_KEY = "staff.figures"
CACHE_SECONDS = 20
PATIENCE = timedelta(minutes=2)
"""An execution normally ends within seconds; after this somebody should look."""

AGES = (("under 10 s", 10), ("10 to 60 s", 60), ("1 to 2 min", 120), ("2 to 10 min", 600), ("over 10 min", None))
SHOWN_FAILURES = 8
SHOWN_SIGNERS = 50


@dataclass(frozen=True, slots=True)
class GasFigure:
    """A signer and what it has for gas; `ether` is None while nobody has looked."""

    signer: Signer
    ether: Decimal | None
    read_at: datetime | None

    @property
    def is_low(self) -> bool:
        """Whether somebody should fund it."""
        return self.ether is not None and self.ether < low_gas()


def low_gas() -> Decimal:
    """ETH below which somebody should fund a signer, as `fund_check` and `doctor` see it."""
    return Decimal(enough_wei()).scaleb(-ETHER_DECIMALS)


def read_figures() -> dict[str, Any]:
    """Everything the home page shows, at most `CACHE_SECONDS` old in this process."""
    figures: dict[str, Any] | None = cache.get(CACHE_KEY)
    if figures is None:
        figures = _read()
        cache.set(CACHE_KEY, figures, CACHE_SECONDS)
    return figures


def _read() -> dict[str, Any]:
    now = timezone.now()
    since = now - timedelta(hours=24)
    groups = _group_executions(since)
    rows, gas = _read_rows(), _read_gas()
    return {
        "read_at": now,
        "since": since.isoformat().replace("+00:00", "Z"),
        "stages": count_stages(),
        "money": PositionReading.objects.aggregate(
            collateral=Sum("collateral"),
            notional=Sum("notional"),
            traders=Count("pk", filter=~Q(positions=[])),
            oldest=Min("read_at"),
            newest=Max("read_at"),
        ),
        "bars": draw_bars(groups, now),
        "busiest": count_busiest_hour(groups),
        "outcomes": _sum_by(groups, lambda group: group.state),
        "failures": _list_failures(groups),
        "ages": _read_ages(now),
        "gas": gas,
        "drift": rows,
        "waiting": _list_waiting(now, rows, gas),
        "chart_height": CHART_HEIGHT,
    }


def _group_executions(since: datetime) -> list[Group]:
    """What was asked since, counted by hour and by how it ended, in one statement."""
    rows = PerpsExecution.objects.filter(created_at__gte=since).order_by().annotate(hour=TruncHour("created_at"))
    found = rows.values_list("hour", "state", "error_code", "reason").annotate(number=Count("id"))
    return [Group(*values) for values in found]


def _sum_by(groups: Sequence[Group], name: Callable[[Group], str]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for group in groups:
        counts[name(group)] += group.number
    return counts.most_common()


def _list_failures(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Catalogue codes, and the oracle's reasons where there is no code, each with the list's filter for it."""
    failed = [group for group in groups if group.outcome == "failed"]
    codes = _sum_by([group for group in failed if group.error_code], lambda group: group.error_code)
    reasons = _sum_by([group for group in failed if not group.error_code], lambda group: group.reason)
    found = [{"name": code, "count": number, "query": f"error_code={code}"} for code, number in codes]
    found += [
        {"name": reason or "no reason", "count": number, "query": urlencode({"error_code": "", "reason": reason})}
        for reason, number in reasons
    ]
    return sorted(found, key=lambda item: -int(str(item["count"])))[:SHOWN_FAILURES]


def _read_rows() -> dict[str, Any]:
    """Delegations that are suspended, contradicted by the chain, live, and compared with it, in one statement."""
    live = Q(status__in=Delegation.LIVE)
    return Delegation.objects.aggregate(
        suspended=Count("pk", filter=live & Q(suspended=True)),
        contradicted=Count("pk", filter=DRIFTING),
        live=Count("pk", filter=live),
        compared=Count("pk", filter=live & Q(checked_at__isnull=False)),
        oldest=Min("checked_at", filter=Q(status=Delegation.Status.ACTIVE)),
    )


def _read_ages(now: datetime) -> list[tuple[str, int]]:
    undecided = OutboundTransaction.objects.filter(state__in=OutboundTransaction.UNDECIDED)
    seconds = [(now - created).total_seconds() for created in undecided.values_list("created_at", flat=True)[:5000]]
    found: list[tuple[str, int]] = []
    lower = 0.0
    for label, upper in AGES:
        inside = [age for age in seconds if age >= lower and (upper is None or age < upper)]
        found.append((label, len(inside)))
        lower = float(upper or 0)
    return found


def _read_gas() -> list[GasFigure]:
    readings = {reading.signer_id: reading for reading in GasReading.objects.all()}
    signers = Signer.objects.exclude(state=Signer.State.RETIRED).order_by("network", "purpose", "id")[:SHOWN_SIGNERS]
    return [gas_figure(signer, readings.get(signer.pk)) for signer in signers]


def gas_figure(signer: Signer, reading: GasReading | None) -> GasFigure:
    """A signer with what was read of it last, if anything was."""
    if reading is None:
        return GasFigure(signer, None, None)
    return GasFigure(signer, Decimal(reading.wei).scaleb(-ETHER_DECIMALS), reading.read_at)


def _list_waiting(now: datetime, rows: Mapping[str, Any], gas: Sequence[GasFigure]) -> list[dict[str, Any]]:
    """What only a person can move on, each with how many and where to look."""
    old = PerpsExecution.objects.filter(state__in=UNFINISHED_STATES, created_at__lt=now - PATIENCE)
    halted = Signer.objects.filter(state=Signer.State.HALTED)
    found = (
        ("Halted signers", halted.count(), "relay_signer", "state__exact=halted"),
        ("Signers low on gas", sum(1 for item in gas if item.is_low), "relay_signer", ""),
        ("Suspended, waiting for a second person", rows["suspended"], "delegations_delegation", "suspended__exact=1"),
        ("Delegations that the chain contradicts", rows["contradicted"], "delegations_delegation", "drift=yes"),
        ("Executions unfinished for over 2 minutes", old.count(), "positions_perpsexecution", "unfinished=old"),
    )
    return [
        {"title": title, "count": count, "view": f"admin:{view}_changelist", "query": query}
        for title, count, view, query in found
    ]

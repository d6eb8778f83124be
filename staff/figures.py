"""The figures of the home page: rows of our own and readings that the worker stored, nothing is asked of the chain."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Min, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from delegations.models import Delegation
from delegations.selectors import annotate_stage, drifting
from ostium_service.money import ETHER_DECIMALS
from positions.models import FAILED_STATES, UNFINISHED_STATES, ExecutionState, PerpsExecution
from relay.models import OutboundTransaction, Signer
from staff.models import GasReading, PositionReading

CACHE_KEY = "staff.figures"
CACHE_SECONDS = 20
LOW_GAS = Decimal("0.005")
"""ETH; about a hundred trades at the usual fee."""

PATIENCE = timedelta(minutes=2)
"""An execution normally ends within seconds; after this somebody should look."""

AGES = (("under 10 s", 10), ("10 to 60 s", 60), ("1 to 2 min", 120), ("2 to 10 min", 600), ("over 10 min", None))
CHART_HEIGHT = 120


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart. The three heights are in chart units and stand on one another."""

    label: str
    x: int
    settled: int
    failed: int
    unfinished: int
    counts: Counter[str]

    @property
    def failed_y(self) -> int:
        """Top of the failed part."""
        return CHART_HEIGHT - self.settled - self.failed

    @property
    def settled_y(self) -> int:
        """Top of the settled part."""
        return CHART_HEIGHT - self.settled

    @property
    def unfinished_y(self) -> int:
        """Top of the unfinished part."""
        return self.failed_y - self.unfinished


@dataclass(frozen=True, slots=True)
class GasFigure:
    """A signer and what it has for gas; `ether` is None while nobody has looked."""

    signer: Signer
    ether: Decimal | None
    read_at: datetime | None

    @property
    def is_low(self) -> bool:
        """Whether somebody should fund it."""
        return self.ether is not None and self.ether < LOW_GAS


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
    recent = PerpsExecution.objects.filter(created_at__gte=since)
    staged: QuerySet[Any] = annotate_stage(Delegation.objects.order_by())
    stages = staged.values_list("stage").annotate(Count("id"))
    return {
        "read_at": now,
        "stages": sorted(stages, key=lambda item: -item[1]),
        "money": PositionReading.objects.aggregate(
            collateral=Sum("collateral"), notional=Sum("notional"), oldest=Min("read_at"), newest=Max("read_at")
        ),
        "bars": _read_bars(recent, now),
        "outcomes": list(recent.order_by().values_list("state").annotate(n=Count("id")).order_by("-n")),
        "errors": list(
            recent.exclude(error_code="")
            .order_by()
            .values_list("error_code")
            .annotate(n=Count("id"))
            .order_by("-n")[:8]
        ),
        "ages": _read_ages(now),
        "gas": _read_gas(),
        "waiting": _read_waiting(now),
        "chart_height": CHART_HEIGHT,
    }


def _read_bars(recent: Any, now: datetime) -> list[Bar]:
    """24 hours, oldest first, scaled so that the busiest hour fills the chart."""
    counts: dict[datetime, Counter[str]] = {}
    grouped = recent.order_by().annotate(hour=TruncHour("created_at")).values_list("hour", "state")
    for hour, state, number in grouped.annotate(n=Count("id")):
        counts.setdefault(hour, Counter())[_outcome(state)] += number
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    hours = [start + timedelta(hours=index) for index in range(24)]
    busiest = max((sum(found.values()) for found in counts.values()), default=0) or 1
    return [_make_bar(index, hour, counts.get(hour, Counter()), busiest) for index, hour in enumerate(hours)]


def _make_bar(index: int, hour: datetime, found: Counter[str], busiest: int) -> Bar:
    def height(outcome: str) -> int:
        return round(found[outcome] * CHART_HEIGHT / busiest)

    return Bar(f"{hour:%H:00}", index * 20, height("settled"), height("failed"), height("unfinished"), Counter(found))


def _outcome(state: str) -> str:
    if state == ExecutionState.SETTLED:
        return "settled"
    return "failed" if state in FAILED_STATES else "unfinished"


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
    signers = Signer.objects.exclude(state=Signer.State.RETIRED).order_by("network", "purpose", "id")[:50]
    return [_gas_figure(signer, readings.get(signer.pk)) for signer in signers]


def _gas_figure(signer: Signer, reading: GasReading | None) -> GasFigure:
    if reading is None:
        return GasFigure(signer, None, None)
    return GasFigure(signer, Decimal(reading.wei).scaleb(-ETHER_DECIMALS), reading.read_at)


def _read_waiting(now: datetime) -> list[dict[str, Any]]:
    """What only a person can move on, each with how many and where to look."""
    unfinished = PerpsExecution.objects.filter(state__in=UNFINISHED_STATES, created_at__lt=now - PATIENCE)
    suspended = Delegation.objects.filter(suspended=True, status__in=Delegation.LIVE)
    found = [
        (
            "Halted signers",
            Signer.objects.filter(state=Signer.State.HALTED).count(),
            "relay_signer",
            "state__exact=halted",
        ),
        (
            "Suspended delegations, waiting for a second person",
            suspended.count(),
            "delegations_delegation",
            "suspended__exact=1",
        ),
        ("Executions unfinished for over 2 minutes", unfinished.count(), "positions_perpsexecution", "unfinished=old"),
        (
            "Delegations that the chain contradicts",
            drifting(Delegation.objects.all()).count(),
            "delegations_delegation",
            "drift=yes",
        ),
    ]
    return [
        {"title": title, "count": count, "view": f"admin:{view}_changelist", "query": query}
        for title, count, view, query in found
    ]

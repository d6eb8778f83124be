"""The chart of the home page: one bar an hour, its parts in chart units."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from positions.models import FAILED_STATES, ExecutionState

CHART_HEIGHT = 120
BAR_STEP = 20
HOURS = 24


@dataclass(frozen=True, slots=True)
class Group:
    """Executions of one hour that ended, or stand, alike."""

    hour: datetime
    state: str
    error_code: str
    reason: str
    number: int

    @property
    def outcome(self) -> str:
        """The part of the bar that it belongs to."""
        if self.state == ExecutionState.SETTLED:
            return "settled"
        return "failed" if self.state in FAILED_STATES else "unfinished"


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


def count_busiest_hour(groups: Sequence[Group]) -> int:
    """How many executions the tallest bar stands for."""
    return max((sum(found.values()) for found in _count_by_hour(groups).values()), default=0)


def draw_bars(groups: Sequence[Group], now: datetime) -> list[Bar]:
    """24 hours, oldest first, scaled so that the busiest hour fills the chart."""
    counts, busiest = _count_by_hour(groups), count_busiest_hour(groups) or 1
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    hours = [start + timedelta(hours=index) for index in range(HOURS)]
    return [_make_bar(index, hour, counts.get(hour, Counter()), busiest) for index, hour in enumerate(hours)]


def _count_by_hour(groups: Sequence[Group]) -> dict[datetime, Counter[str]]:
    counts: dict[datetime, Counter[str]] = {}
    for group in groups:
        counts.setdefault(group.hour, Counter())[group.outcome] += group.number
    return counts


def _make_bar(index: int, hour: datetime, found: Counter[str], busiest: int) -> Bar:
    def height(outcome: str) -> int:
        return round(found[outcome] * CHART_HEIGHT / busiest)

    parts = (height("settled"), height("failed"), height("unfinished"))
    return Bar(f"{hour:%H:00}", index * BAR_STEP, *parts, Counter(found))

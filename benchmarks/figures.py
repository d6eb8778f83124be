"""Numbers out of samples, and how they are shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class Load:
    """What some threads did with one kind of call: seconds of every call, and calls a second of all together."""

    seconds: tuple[float, ...]
    rate: float


def compute_percentile(samples: Sequence[float], percent: int) -> float:
    """The value that `percent` of the samples do not exceed (nearest rank); ValueError without samples."""
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


def format_ms(seconds: float) -> str:
    """Milliseconds with a digit behind the point where they are few."""
    value = seconds * MILLISECONDS
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"


def format_ratio(ratio: float) -> str:
    """How many times."""
    return f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.2f}x"


def format_ratios(ratios: Sequence[float], *, digits: int = 0) -> str:
    """The median and, in brackets, the lowest and the highest."""
    low, high = f"{min(ratios):.{digits}f}", f"{max(ratios):.{digits}f}"
    return f"{format_ratio(statistics.median(ratios))} ({low}..{high})"


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the first one to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(format_row(row, widths) for row in rows)


def format_row(row: Sequence[str], widths: Sequence[int]) -> str:
    """One line of a table, indented."""
    others = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join(["", row[0].ljust(widths[0]), *others]).rstrip()


def format_aim(*, text: str, is_met: bool) -> str:
    """An aim of the project, and whether this run meets it."""
    return f"  aim: {text}: {'met' if is_met else 'MISSED'}"

"""Moments as every answer shows them."""

from datetime import UTC, datetime
from typing import overload


@overload
def format_time(moment: datetime) -> str: ...


@overload
def format_time(moment: None) -> None: ...


@overload
def format_time(moment: datetime | None) -> str | None: ...


def format_time(moment: datetime | None) -> str | None:
    """ISO-8601 in UTC with milliseconds and a `Z`; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_seconds(seconds: int | None) -> str | None:
    """The same for Unix seconds, as the chain and the index count."""
    return None if seconds is None else format_time(datetime.fromtimestamp(seconds, tz=UTC))

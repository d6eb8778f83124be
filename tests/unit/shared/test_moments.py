"""Moments in answers."""

from datetime import UTC, datetime, timedelta, timezone

from ostium_service.moments import format_seconds, format_time


def test_every_zone_is_told_in_utc_with_a_z() -> None:
    moment = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
    assert format_time(moment) == "2026-11-23T01:02:03.456Z"
    assert format_time(moment.astimezone(timezone(timedelta(hours=5)))) == "2026-11-23T01:02:03.456Z"
    assert format_time(None) is None


def test_unix_seconds() -> None:
    assert format_seconds(0) == "1970-01-01T00:00:00.000Z"
    assert format_seconds(None) is None

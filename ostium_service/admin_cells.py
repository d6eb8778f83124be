"""How lists write addresses, states and moments: short, alike on every page, the whole value as tooltip."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

GOOD, BAD, WAITING, PLAIN = "good", "bad", "wait", "plain"

TONES = {
    **dict.fromkeys(("active", "executed", "settled", "final", "mined", "insert"), GOOD),
    **dict.fromkeys(("failed", "superseded", "halted", "reverted", "replaced", "suspended", "delete"), BAD),
    **dict.fromkeys(("rejected", "cancelled", "expired", "contradicted"), BAD),
    **dict.fromkeys(("awaiting_signatures", "submitted", "prepared", "revoking", "retiring", "unknown"), WAITING),
    **dict.fromkeys(("received", "signed", "sent"), WAITING),
}
SECONDS = ((86400, "d"), (3600, "h"), (60, "min"))


def shorten(text: str, *, head: int = 8, tail: int = 6) -> SafeString | str:
    """An address or hash as its beginning and end; anything short as it is."""
    if len(text) <= head + tail + 3:
        return text
    return format_html('<span class="st-short" title="{}">{}…{}</span>', text, text[:head], text[-tail:])


def badge(state: str) -> SafeString:
    """A state as words, in the colour that it has on every page."""
    tone = TONES.get(state.lower(), PLAIN)
    return format_html('<span class="st-badge st-{}">{}</span>', tone, state.replace("_", " ").lower())


def moment(at: datetime | None, *, to: str = "second") -> SafeString | str:
    """Date and time in one line, the exact one as tooltip; the column says that it is UTC."""
    if at is None:
        return "-"
    shown = f"{at:%Y-%m-%d %H:%M}" if to == "minute" else f"{at:%Y-%m-%d %H:%M:%S}"
    return format_html('<span class="st-moment" title="{} UTC">{}</span>', f"{at:%Y-%m-%d %H:%M:%S.%f}", shown)


def ago(at: Any) -> str:
    """How long ago, in one unit; `never` for none."""
    if at is None:
        return "never"
    seconds = max(0, int((timezone.now() - at).total_seconds()))
    for size, unit in SECONDS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def lasted(start: datetime, end: datetime | None) -> str:
    """From start to end; empty while there is no end."""
    if end is None:
        return ""
    seconds = (end - start).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"

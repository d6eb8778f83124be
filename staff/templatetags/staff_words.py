"""How our pages write amounts, words and evidence."""

import json
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html

register = template.Library()

SECOND = 1000


@register.filter
def amount(value: Any) -> str:
    """An amount with thousands separated, trailing zeros dropped; a dash for none."""
    if value is None:
        return "-"
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def words(value: Any) -> str:
    """A token as words."""
    return str(value).replace("_", " ")


@register.filter
def evidence(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


@register.filter
def offset(milliseconds: int) -> str:
    """Time since the beginning: milliseconds first, then seconds."""
    if milliseconds < SECOND:
        return f"+{milliseconds} ms"
    return f"+{milliseconds / SECOND:,.1f} s"


@register.filter
def ago(moment: Any) -> str:
    """How long ago, in one unit; `never` for none."""
    if moment is None:
        return "never"
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def shorten(address: str) -> str:
    """An address as its beginning and end, the whole of it as tooltip."""
    return format_html('<span class="st-short" title="{}">{}...{}</span>', address, address[:8], address[-6:])

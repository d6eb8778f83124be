"""How our pages write amounts, words, states and evidence."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ostium_service import admin_cells
from staff.facts import Fact

register = template.Library()

SECOND = 1000
GWEI = 9
PAGES = {
    "perps executions": "Executions",
    "outbound transactions": "Transactions",
    "users": "People",
    "delegation changes": "Changed rows: delegations",
    "safe transaction changes": "Changed rows: Safe transactions",
    "grant changes": "Changed rows: grants",
    "signer changes": "Changed rows: signers",
    "execution changes": "Changed rows: executions",
    "person changes": "Changed rows: people",
    "group changes": "Changed rows: groups",
    "membership changes": "Changed rows: memberships",
    "person permission changes": "Changed rows: own permissions",
    "group permission changes": "Changed rows: group permissions",
}


@register.filter
def amount(value: Any) -> str:
    """An amount with thousands separated, trailing zeros dropped; a dash for none, what is no number as it is."""
    number = _read_number(value)
    if number is None:
        return str(value or "-")
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def money(value: Any) -> SafeString | str:
    """USDC to the cent for reading, exact in the tooltip; a dash for none."""
    number = _read_number(value)
    if number is None:
        return str(value or "-")
    return format_html('<span title="{} USDC">{}</span>', amount(number), f"{number:,.2f}")


@register.filter
def ether(value: Any) -> SafeString | str:
    """ETH to five places for reading, exact in the tooltip; a dash for none."""
    number = _read_number(value)
    if number is None:
        return str(value or "-")
    return format_html('<span title="{} ETH">{}</span>', amount(number), f"{number:.5f}")


def _read_number(value: Any) -> Decimal | None:
    """A finite number; None for anything else, since a stored reading may lack any field."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


@register.filter
def gwei(wei: int) -> str:
    """Wei as gwei."""
    return amount(Decimal(wei).scaleb(-GWEI))


@register.filter
def words(value: Any) -> str:
    """A token as words."""
    return str(value).replace("_", " ")


@register.filter
def page_name(title: Any) -> str:
    """The name that the sidebar gives a page; any other title with a capital."""
    text = str(title)
    return PAGES.get(text.lower(), text[:1].upper() + text[1:])


@register.filter
def model_name(row: Any) -> str:
    """What kind of row it is, without the word that the trail's tables carry."""
    return str(row._meta.verbose_name).removesuffix(" change")  # noqa: SLF001


@register.filter
def offset(milliseconds: int) -> str:
    """Time since the beginning: milliseconds first, then seconds."""
    if milliseconds < SECOND:
        return f"+{milliseconds} ms"
    return f"+{milliseconds / SECOND:,.1f} s"


@register.filter
def exact(moment: datetime) -> str:
    """To the millisecond, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"


@register.filter
def ago(moment: Any) -> str:
    """How long ago, in one unit; `never` for none."""
    return admin_cells.ago(moment)


@register.simple_tag
def badge(state: str) -> SafeString:
    """A state in its colour."""
    return admin_cells.badge(str(state))


@register.simple_tag
def short(text: str) -> SafeString | str:
    """An address or hash in its short form."""
    return admin_cells.shorten(text)


@register.filter
def pretty(value: Any) -> str:
    """JSON that is to be copied."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


@register.simple_tag
def out(link: str, text: Any) -> SafeString | str:
    """The text, with a link to the outside where there is one: for a click, never loaded."""
    if not link:
        return str(text)
    return format_html('<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>', link, text)


@register.inclusion_tag("staff/facts.html")
def facts_list(facts: list[Fact]) -> dict[str, Any]:
    """Labels and values, one a line."""
    return {"facts": facts}

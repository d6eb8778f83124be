"""Which delegations a command is about."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import QuerySet

from delegations.models import Delegation
from ostium_service.commands import USAGE, Item, parse_address
from ostium_service.types import Network


def add_selection(parser: ArgumentParser) -> None:
    """By id, Safe, user, delegate (all that are given must fit), or everything on a network."""
    parser.add_argument("--id", action="append", type=UUID, default=[], metavar="UUID", help="may be repeated")
    parser.add_argument("--safe", help="every live delegation of this Safe")
    parser.add_argument("--user", help="every live delegation of this user")
    parser.add_argument("--delegate", help="every live delegation to this delegate")
    parser.add_argument("--network", choices=[network.value for network in Network])
    parser.add_argument("--all", action="store_true", help="every live delegation of --network")


def select_live(options: Mapping[str, Any]) -> QuerySet[Delegation]:
    """The live delegations (PENDING or ACTIVE) that were named; CommandError 2 when nothing or too much was said."""
    named = [name for name in ("id", "safe", "user", "delegate") if options[name]]
    if options["all"] and (named or not options["network"]):
        raise CommandError("--all takes --network and nothing else", returncode=USAGE)
    if not options["all"] and not named:
        raise CommandError("name delegations by --id, --safe, --user, --delegate, or --all", returncode=USAGE)
    rows = Delegation.objects.filter(status__in=Delegation.LIVE)
    if options["network"]:
        rows = rows.filter(network=options["network"])
    if options["id"]:
        rows = rows.filter(pk__in=options["id"])
    if options["user"]:
        rows = rows.filter(user_id=options["user"])
    for name in ("safe", "delegate"):
        if options[name]:
            rows = rows.filter(**{f"{name}_address": parse_address(options[name], option=f"--{name}")})
    return rows.order_by("created_at", "id")


def describe_row(row: Delegation) -> Item:
    """Enough to recognise it by."""
    return {
        "id": str(row.pk),
        "network": row.network,
        "safe": row.safe_address,
        "user": row.user_id,
        "delegate": row.delegate_address,
        "status": row.status,
        "suspended": row.suspended,
    }


def name_row(row: Delegation) -> Item:
    """Its id and Safe."""
    return {"id": str(row.pk), "safe": row.safe_address}

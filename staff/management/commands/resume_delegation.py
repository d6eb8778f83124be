"""`resume_delegation`: lift a suspension, by another person than the one who imposed it."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from delegations import services
from delegations.management.selection import describe_row
from delegations.models import Delegation
from ostium_service.commands import FAILED, USAGE, OperatorCommand, actor_of
from staff.identity import NotConfirmed, confirm_person, require_known_before_suspension


class Command(OperatorCommand):
    """One delegation at a time: each is a decision of its own."""

    help = "Let a suspended delegation's Safe be traded for again; needs a second person and that person's code."
    lets_through = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one, who, the proof of it, and why."""
        super().add_arguments(parser)
        parser.add_argument("--id", type=UUID, required=True, metavar="UUID")
        parser.add_argument("--code", default="", help="of the actor's authenticator (required with --yes)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Resuming what is not suspended changes nothing."""
        report = self.begin(options)
        if report.acts and not options["code"]:
            raise CommandError("--yes needs --code, from the authenticator of --actor", returncode=USAGE)
        row = Delegation.objects.filter(pk=options["id"]).first()
        if row is None:
            raise CommandError("there is no such delegation", returncode=FAILED)
        before = row.suspended_by
        if report.acts:
            row = _resume(row, options)
        report.add({**describe_row(row), "suspendedBy": before})
        report.finish(
            "Resumed." if report.acts else "It would be resumed." if row.suspended else "It is not suspended."
        )


def _resume(row: Delegation, options: Mapping[str, Any]) -> Delegation:
    username, code = options["actor"], options["code"]
    try:
        # First what costs the person no code: one works once.
        require_known_before_suspension(username=username, delegation=row)
        confirm_person(username=username, code=code, permission="staff.resume_delegation")
        return services.resume_delegation(delegation_id=row.pk, actor=actor_of(options), reason=options["reason"])
    except NotConfirmed as error:
        raise CommandError(str(error), returncode=FAILED) from error
    except services.SecondPersonRequired as error:
        raise CommandError("whoever suspended it may not resume it", returncode=FAILED) from error

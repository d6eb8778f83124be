"""`resume_delegation`: lift a suspension, by another person than the one who imposed it."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from delegations import services
from delegations.management.selection import describe_row
from delegations.models import Delegation
from ostium_service.commands import FAILED, OperatorCommand, actor_of


class Command(OperatorCommand):
    """One delegation at a time: each is a decision of its own."""

    help = "Let a suspended delegation's Safe be traded for again; needs a second person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one, who, and why."""
        super().add_arguments(parser)
        parser.add_argument("--id", type=UUID, required=True, metavar="UUID")

    def handle(self, *args: Any, **options: Any) -> None:
        """Resuming what is not suspended changes nothing."""
        report = self.begin(options)
        row = Delegation.objects.filter(pk=options["id"]).first()
        if row is None:
            raise CommandError("there is no such delegation", returncode=FAILED)
        if report.acts:
            try:
                row = services.resume_delegation(
                    delegation_id=row.pk, actor=actor_of(options), reason=options["reason"]
                )
            except services.SecondPersonRequired as error:
                raise CommandError("whoever suspended it may not resume it", returncode=FAILED) from error
        report.add({**describe_row(row), "suspendedBy": row.suspended_by})
        report.finish(
            "Resumed." if report.acts else "It would be resumed." if row.suspended else "It is not suspended."
        )

"""`suspend_delegations`: stop the use of keys at once, without a signature of anybody."""

from argparse import ArgumentParser
from typing import Any

from delegations import services
from delegations.management.selection import add_selection, describe_row, select_live
from ostium_service.commands import OperatorCommand, actor_of


class Command(OperatorCommand):
    """All of them in one transaction; effective at the next signature in every process."""

    help = "Suspend delegations: their Safes are not traded for until another person resumes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which ones, who, and why."""
        super().add_arguments(parser)
        add_selection(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Suspending what is suspended changes nothing."""
        report = self.begin(options)
        rows = select_live(options)
        report.facts = {"selected": rows.count(), "suspended": 0}
        if report.acts:
            actor, reason = actor_of(options), options["reason"]
            report.facts["suspended"] = services.suspend_delegations(rows=rows, actor=actor, reason=reason)
        for row in rows.iterator():
            report.add(describe_row(row))
        report.finish("{selected} selected, {suspended} suspended now.".format(**report.facts))

"""`sync_delegations`: compare every live delegation with the chain, and correct the rows it contradicts."""

from typing import Any

from delegations import services
from delegations.management.selection import describe_row
from delegations.selectors import drifting, live_delegations
from ostium_service.commands import OperatorCommand, actor_of


class Command(OperatorCommand):
    """The worker does the same on a schedule."""

    help = "Compare live delegations with the chain now; without --yes, show what the last comparison found."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rows that the chain still contradicts afterwards are listed."""
        report = self.begin(options)
        expected = live_delegations().count()
        report.facts = {"live": expected, "checked": 0}
        if report.acts:
            report.facts["checked"] = services.sync_delegations(actor=actor_of(options))
        for row in drifting(live_delegations()).iterator():
            report.add(describe_row(row))
        missed = report.acts and report.facts["checked"] < expected
        report.finish("{live} live, {checked} compared now.".format(**report.facts), is_partial=missed)

"""`doctor`: look at everything this installation depends on, and say what is wrong."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ostium_service.commands import FAILED, PARTLY
from ostium_service.doctor import Verdict, examine_all


class Command(BaseCommand):
    """Exit code 0: all is well; 1: something failed; 2: wrong usage; 3: warnings only. Reads, and changes nothing."""

    help = "Examine database, chain, contracts, Vault, signers and delegations."
    # Its own findings tell more than the checks that would refuse to run it.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Nothing but the form of the answer."""
        parser.add_argument("--json", action="store_true", help="one JSON object for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Findings in a fixed order."""
        findings = examine_all()
        counts = {verdict: sum(1 for f in findings if f.verdict == verdict) for verdict in Verdict}
        if options["json"]:
            items = [{"name": f.name, "verdict": f.verdict, "why": f.why, "facts": f.facts or {}} for f in findings]
            self.stdout.write(json.dumps({"counts": counts, "findings": items}, default=str))
        else:
            for f in findings:
                line = f"{f.verdict:8} {f.name}  {f.why}".rstrip()
                self.stdout.write(f"{line}  {json.dumps(f.facts, default=str)}" if f.facts else line)
        if counts[Verdict.FAILED]:
            raise CommandError(f"{counts[Verdict.FAILED]} failed", returncode=FAILED)
        if counts[Verdict.WARNING]:
            raise CommandError(f"{counts[Verdict.WARNING]} warnings", returncode=PARTLY)

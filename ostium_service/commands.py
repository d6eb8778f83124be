"""What every operator's command shares: dry run by default, one report, four exit codes."""

import getpass
import json
import re
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pghistory
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from eth_utils import is_hex_address, to_checksum_address

from ostium_service.http.errors import ServiceError
from ostium_service.types import Address

T = TypeVar("T")
Item = Mapping[str, Any]

FAILED: Final = 1
USAGE: Final = 2
PARTLY: Final = 3

NO_REASON: Final = "no reason given"
PROGRESS_SECONDS: Final = 2.0
INTERRUPTED: Final = "interrupted; run the same command again to do the rest"
_USERNAME: Final = re.compile(r"[\w.@+-]{1,100}")


@dataclass
class Report:
    """What one run did. Repeating an interrupted or partly failed run does the rest: every step may be repeated."""

    command: BaseCommand
    name: str
    acts: bool
    as_json: bool
    facts: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    failures: list[Item] = field(default_factory=list)
    interrupted: bool = False

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.as_json:
            self.command.stdout.write(text)

    def add(self, item: Item) -> None:
        """One thing that was done, or would be."""
        self.items.append(item)
        self.say("  ".join(f"{name}={_show(value)}" for name, value in item.items()))

    def fail(self, item: Item, why: str) -> None:
        """One thing that could not be done."""
        failure = {**item, "error": why}
        self.failures.append(failure)
        self.say("  ".join(f"{name}={_show(value)}" for name, value in failure.items()))

    def each(self, items: Sequence[T], *, name: Callable[[T], Item], work: Callable[[T], Item]) -> None:
        """Do `work` for every item; a refusal is noted and the next one is tried, Ctrl-C ends the run in good order."""
        said = time.monotonic()
        for number, item in enumerate(items, start=1):
            try:
                self.add({**name(item), **work(item)})
            except ServiceError as error:
                self.fail(name(item), describe_error(error))
            except KeyboardInterrupt:
                self.interrupted = True
                return
            if time.monotonic() - said > PROGRESS_SECONDS:
                said = time.monotonic()
                self.command.stderr.write(f"{number} of {len(items)}")

    def finish(self, summary: str, *, is_partial: bool = False) -> None:
        """Print the end; CommandError with exit code 1 or 3 unless all was done."""
        if self.as_json:
            self.command.stdout.write(json.dumps(self._describe(), default=str))
        self.say(summary if self.acts else f"{summary} Nothing was changed: add --yes to act.")
        if self.interrupted:
            raise CommandError(INTERRUPTED, returncode=PARTLY)
        if self.failures:
            code = PARTLY if self.items else FAILED
            raise CommandError(f"{len(self.failures)} failed, {len(self.items)} done", returncode=code)
        if is_partial:
            raise CommandError("not all of it is done yet; run the same command again later", returncode=PARTLY)

    def _describe(self) -> dict[str, Any]:
        return {
            "command": self.name,
            "dryRun": not self.acts,
            "interrupted": self.interrupted,
            **self.facts,
            "items": self.items,
            "failures": self.failures,
        }


class OperatorCommand(BaseCommand):
    """Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done. Without --yes nothing is changed.

    What it changes stands in the audit trail with the person, the command and the account of the machine. Stopping
    something never waits for a name: without --actor it is the account of the machine that did it.
    """

    needs_account = True
    """Whether a named actor has to be somebody of the staff; not where the first account may not exist yet."""

    lets_through = False
    """Whether money may go through afterwards that could not before: then a person has to say so, and why."""

    acts_at_once = False
    """Whether it acts without --yes, unless --dry-run is given: what is only added takes nothing away."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What all of them take."""
        if self.acts_at_once:
            parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
            parser.add_argument("--yes", action="store_true", help="accepted, as every command does; it acts anyway")
        else:
            parser.add_argument("--yes", action="store_true", help="act; without it nothing is changed")
        parser.add_argument("--json", action="store_true", help="one JSON object for machines")
        parser.add_argument("--actor", default="", metavar="USERNAME", help="who of the staff decides this")
        parser.add_argument("--reason", default=NO_REASON, help="why; kept in the audit trail")

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run it under the person's name; CommandError 3 when Ctrl-C comes between two of its steps."""
        name = type(self).__module__.rpartition(".")[2]
        try:
            if not self._acts(options):
                return super().execute(*args, **options)
            with pghistory.context(person=options["actor"], command=name, account=_machine_account()):
                return super().execute(*args, **options)
        except KeyboardInterrupt:
            raise CommandError(INTERRUPTED, returncode=PARTLY) from None

    def begin(self, options: Mapping[str, Any]) -> Report:
        """The report of this run; CommandError 2 when it shall act for an actor or a reason that cannot be taken."""
        _survive_narrow_terminals(self)
        if self._acts(options):
            self._check_words(options["actor"], options["reason"])
        name = type(self).__module__.rpartition(".")[2]
        return Report(command=self, name=name, acts=self._acts(options), as_json=options["json"])

    def _acts(self, options: Mapping[str, Any]) -> bool:
        return not options["dry_run"] if self.acts_at_once else bool(options["yes"])

    def _check_words(self, actor: str, reason: str) -> None:
        if self.lets_through and (not actor or reason == NO_REASON):
            raise CommandError("--yes needs --actor USERNAME and --reason", returncode=USAGE)
        if not reason.strip() or (actor and not _USERNAME.fullmatch(actor)):
            raise CommandError("--actor takes a user name, --reason some words", returncode=USAGE)
        if actor and self.needs_account and not _is_staff(actor):
            raise CommandError(f"no active staff account is called {actor}", returncode=USAGE)


def actor_of(options: Mapping[str, Any]) -> str:
    """The person, spelled as the admin spells staff, so that a second person can be told from the first.

    Without one the account of the machine, which is no member of the staff.
    """
    return f"staff {options['actor']}" if options["actor"] else f"account {_machine_account() or 'unknown'}"


def parse_address(text: str, *, option: str) -> Address:
    """EIP-55 form; CommandError 2 for anything but 0x and 40 hex digits."""
    if not is_hex_address(text) or not text.startswith("0x"):
        raise CommandError(f"{option} takes 0x and 40 hex digits", returncode=USAGE)
    return Address(to_checksum_address(text))


def describe_error(error: ServiceError) -> str:
    """A catalogue error in one line."""
    details = f" {json.dumps(error.details)}" if error.details else ""
    return f"{error.code}: {error.message}{details}"


def _is_staff(username: str) -> bool:
    return get_user_model().objects.filter(username=username, is_active=True, is_staff=True).exists()


def _machine_account() -> str:
    """Who is logged in at the machine: a name on the command line is only what somebody wrote there."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _survive_narrow_terminals(command: BaseCommand) -> None:
    """A user id that the terminal's encoding lacks is written with escapes instead of ending the run half done."""
    for stream in (command.stdout, command.stderr):
        reconfigure = getattr(getattr(stream, "_out", stream), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _show(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)

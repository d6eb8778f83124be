"""`revoke_delegation`: stop at once, then take the delegate off the chain."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from delegations import services
from delegations.management.owners import describe_for_owners
from delegations.management.proposals import any_unproposed, propose, require_safe_service
from delegations.management.retirement import require_operator_token, retire
from delegations.management.selection import add_selection, describe_row, name_row, select_live
from delegations.models import Delegation, SafeTransaction
from ostium_service.commands import USAGE, Item, OperatorCommand, Report, actor_of
from ostium_service.http.errors import DelegationNotActive
from ostium_service.types import Address, Network


class Command(OperatorCommand):
    """First every delegation is suspended, in one transaction; only then the chain is asked about each."""

    help = "Suspend delegations and prepare (with --signature execute) the removal of their delegates on chain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which ones, who, why, and what owners have signed already."""
        super().add_arguments(parser)
        add_selection(parser)
        parser.add_argument("--signature", action="append", default=[], metavar="HEX", help="may be repeated")
        parser.add_argument("--propose", action="store_true", help="show it to the owners in their Safe app")
        parser.add_argument("--destroy-key", action="store_true", help="retire the delegates if nothing needs them")

    def handle(self, *args: Any, **options: Any) -> None:
        """What is suspended or prepared already stays so: a second run does the rest."""
        report = self.begin(options)
        signatures = [_parse_signature(text) for text in options["signature"]]
        token = require_operator_token() if options["destroy_key"] else ""
        selected = select_live(options)
        rows = list(selected)
        if options["propose"]:
            require_safe_service(rows)
        if signatures and len(rows) != 1:
            raise CommandError(f"--signature is for one delegation; {len(rows)} were selected", returncode=USAGE)
        report.facts = {"selected": len(rows), "suspended": 0}
        if not report.acts:
            for row in rows:
                report.add(describe_row(row))
            report.finish(f"{len(rows)} delegations would be suspended and revoked.")
            return
        actor, reason = actor_of(options), options["reason"]
        report.facts["suspended"] = services.suspend_delegations(rows=selected, actor=actor, reason=reason)
        report.say("{suspended} of {selected} suspended now: nothing more is signed for them.".format(**report.facts))
        is_proposed = options["propose"]
        report.each(rows, name=name_row, work=lambda row: _revoke(row, signatures, actor, reason, is_proposed))
        waiting = self._count_waiting(rows)
        is_partial = any_unproposed(report.items) if is_proposed else bool(signatures) and waiting > 0
        if options["destroy_key"] and not report.interrupted:
            is_partial = not self._retire(report, rows, options, token) or is_partial
        report.finish(f"{waiting} wait for their owners' signatures.", is_partial=is_partial)

    def _count_waiting(self, rows: list[Delegation]) -> int:
        ids = [row.pk for row in rows]
        return Delegation.objects.filter(pk__in=ids, status=Delegation.Status.ACTIVE).count()

    def _retire(self, report: Report, rows: list[Delegation], options: Mapping[str, Any], token: str) -> bool:
        """Retire each delegate of the selection that no other delegation needs."""
        ended = [row.pk for row in rows]
        is_complete = True
        for network, address in sorted({(Network(row.network), row.delegate) for row in rows}):
            others = Delegation.objects.filter(network=network, delegate_address=address, status__in=Delegation.LIVE)
            needed_by = others.exclude(pk__in=ended).count()
            if needed_by:
                report.add({"delegate": address, "keptFor": needed_by})
                continue
            is_complete = retire(report, network=network, address=address, options=options, token=token) and is_complete
        return is_complete


def _revoke(row: Delegation, signatures: list[bytes], actor: str, reason: str, is_proposed: bool) -> Item:
    try:
        prepared = services.request_revocation(delegation_id=row.pk, actor=actor, reason=reason)
    except DelegationNotActive:
        return {"result": "not_on_chain"}
    if not (signatures or is_proposed):
        return {"result": "to_be_signed", **describe_for_owners(prepared)}
    outcome = services.execute_signed(signed=_sign(prepared.safe_transaction, signatures), actor=actor)
    status = outcome.safe_transaction.delegation.status
    if outcome.missing:
        unsigned = {"result": "signatures_missing", "missing": outcome.missing}
        return propose(prepared, actor) if is_proposed else unsigned
    return {"result": "revoked" if status == Delegation.Status.REVOKED else "submitted", "status": status}


def _sign(row: SafeTransaction, signatures: list[bytes]) -> services.Signed:
    return services.Signed(
        user_id=row.delegation.user_id,
        network=Network(row.network),
        safe=Address(row.delegation.safe_address),
        kind=SafeTransaction.Kind.REVOKE,
        signatures=signatures,
        safe_tx_hash=row.safe_tx_hash,
        submit=SafeTransaction.Submitter.RELAY,
    )


def _parse_signature(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise CommandError("--signature takes hex digits", returncode=USAGE) from None

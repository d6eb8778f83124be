"""`rotate_delegate`: move the Safes of one delegate to another, then retire it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from delegations import services
from delegations.management.owners import describe_for_owners
from delegations.management.retirement import add_signer, find_signer, read_operator_token, retire
from delegations.management.selection import describe_row, name_row
from delegations.models import Delegation
from ostium_service.commands import FAILED, Item, OperatorCommand, actor_of, describe_error, parse_address
from ostium_service.http.errors import ServiceError
from ostium_service.types import Address, Network
from relay.services import begin_retirement


class Command(OperatorCommand):
    """Exit code 3 until every Safe has moved. Run it again to prepare what is missing and to go on."""

    help = "Prepare new delegations for a delegate's Safes; the old key only closes until all have signed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one, where to, who, and why."""
        super().add_arguments(parser)
        add_signer(parser)
        parser.add_argument("--to", help="the new delegate; default: the least loaded of the pool for each Safe")

    def handle(self, *args: Any, **options: Any) -> None:
        """The old key stops opening at once, before the first Safe is asked to move."""
        report = self.begin(options)
        signer = find_signer(options)
        network, address = Network(signer.network), Address(signer.address)
        to = parse_address(options["to"], option="--to") if options["to"] else None
        rows = list(services.active_rows(network=network, delegate=address))
        if rows:
            self._require_successor(network, address, to)
        if not report.acts:
            for row in rows:
                report.add(describe_row(row))
            report.finish(f"{len(rows)} Safes would be asked to name another delegate.")
            return
        actor, reason = actor_of(options), options["reason"]
        begin_retirement(network=network, address=address, actor=actor, reason=reason)

        def prepare(row: Delegation) -> Item:
            prepared = services.prepare_move(delegation_id=row.pk, to=to, actor=actor, reason=reason)
            return {"to": prepared.safe_transaction.delegation.delegate_address, **describe_for_owners(prepared)}

        report.each(rows, name=name_row, work=prepare)
        is_complete = False
        if not report.interrupted:
            is_complete = retire(report, network=network, address=address, options=options, token=read_operator_token())
        report.finish(f"{len(rows)} Safes still name it; their owners have to sign.", is_partial=not is_complete)

    def _require_successor(self, network: Network, address: Address, to: Address | None) -> None:
        try:
            services.require_successor(network=network, retiring=address, to=to)
        except ServiceError as error:
            raise CommandError(describe_error(error), returncode=FAILED) from error

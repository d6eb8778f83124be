"""`retire_delegate`: take a delegate out of service, and destroy its key when nothing needs it any more."""

from argparse import ArgumentParser
from typing import Any

from delegations import services
from delegations.management.retirement import add_signer, find_signer, read_operator_token, retire
from ostium_service.commands import OperatorCommand
from ostium_service.types import Address, Network


class Command(OperatorCommand):
    """Exit code 3 while something still depends on the key: run it again later."""

    help = "Let a delegate only close, then retire it for ever; with VAULT_OPERATOR_TOKEN its key is destroyed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one, who, and why."""
        super().add_arguments(parser)
        add_signer(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Each run goes as far as it can."""
        report = self.begin(options)
        signer = find_signer(options)
        network, address = Network(signer.network), Address(signer.address)
        if not report.acts:
            active = services.active_rows(network=network, delegate=address).count()
            report.add({"delegate": address, "state": signer.state, "active": active})
            report.finish("It would retire.")
            return
        is_complete = retire(report, network=network, address=address, options=options, token=read_operator_token())
        report.finish("Retired, and its key is destroyed." if is_complete else "Begun.", is_partial=not is_complete)

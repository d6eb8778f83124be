"""`fund_check`: which signers need ETH for gas, and how much."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ostium_service.commands import FAILED, PARTLY, describe_error
from ostium_service.http.errors import ServiceError
from ostium_service.money import ETHER_DECIMALS, units_string
from ostium_service.types import Network
from relay.services.funding import Purse, read_purses


class Command(BaseCommand):
    """Reads and changes nothing. Exit code 0: all have enough; 3: some need ETH; 1: the chain could not be read."""

    help = "Show what every signer has for gas and what it should be sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One network or all that are enabled."""
        parser.add_argument("--network", choices=[network.value for network in Network])
        parser.add_argument("--json", action="store_true", help="one JSON object for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Every signer that is not retired, oldest first."""
        networks = [Network(options["network"])] if options["network"] else settings.OSTIUM_NETWORKS
        try:
            purses = [purse for network in networks for purse in read_purses(network=network)]
        except ServiceError as error:
            raise CommandError(describe_error(error), returncode=FAILED) from error
        if options["json"]:
            self.stdout.write(json.dumps({"signers": [_describe(purse) for purse in purses]}))
        else:
            for purse in purses:
                self.stdout.write("  ".join(f"{name}={value}" for name, value in _describe(purse).items()))
        poor = sum(1 for purse in purses if purse.missing)
        if poor:
            raise CommandError(f"{poor} of {len(purses)} signers need ETH", returncode=PARTLY)


def _describe(purse: Purse) -> dict[str, str]:
    """Amounts in ETH, exact."""
    signer = purse.signer
    amounts = {"ether": purse.wei, "wanted": purse.wanted, "send": purse.missing}
    words = {"network": signer.network, "address": signer.address, "purpose": signer.purpose, "state": signer.state}
    return words | {name: units_string(wei, ETHER_DECIMALS) for name, wei in amounts.items()}

"""`register_delegate`: register an address whose key is in Vault already."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ostium_service.commands import FAILED, OperatorCommand, actor_of, describe_error, parse_address
from ostium_service.http.errors import ServiceError
from ostium_service.types import Network
from relay.models import Signer
from relay.services import register_signer


class Command(OperatorCommand):
    """The service's read-only token is enough: the key is read once to see that it belongs to the address."""

    help = "Register a delegate (or relayer) whose key is in Vault already."
    needs_account = False
    acts_at_once = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The network, the address, and what the key is for."""
        super().add_arguments(parser)
        parser.add_argument("--network", required=True, choices=[network.value for network in Network])
        parser.add_argument("--address", required=True)
        parser.add_argument("--purpose", default=Signer.Purpose.DELEGATE, choices=Signer.Purpose.values)

    def handle(self, *args: Any, **options: Any) -> None:
        """Register; a refusal leaves nothing registered, and twice is as good as once."""
        report = self.begin(options)
        network, purpose = Network(options["network"]), options["purpose"]
        address = parse_address(options["address"], option="--address")
        if not report.acts:
            known = Signer.objects.filter(network=network, address=address).first()
            found = {"dryRun": True, "network": network.value, "address": address}
            self.stdout.write(json.dumps(found | {"state": known.state if known else "unknown"}))
            return
        try:
            signer = register_signer(
                network=network, address=address, purpose=purpose, actor=actor_of(options), reason=options["reason"]
            )
        except ServiceError as error:
            raise CommandError(describe_error(error), returncode=FAILED) from error
        except ValueError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        found = {"dryRun": False, "network": signer.network, "address": signer.address, "purpose": signer.purpose}
        self.stdout.write(json.dumps(found))

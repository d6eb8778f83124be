"""`register_delegate`: register an address whose key is in Vault already."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from eth_utils import is_hex_address, to_checksum_address

from ostium_service.http.errors import ServiceError
from ostium_service.types import Address, Network
from relay.models import Signer
from relay.services import register_signer


class Command(BaseCommand):
    """The service's read-only token is enough: the key is read once to see that it belongs to the address."""

    help = "Register a delegate (or relayer) whose key is in Vault already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The network, the address, and what the key is for."""
        parser.add_argument("--network", required=True, choices=[network.value for network in Network])
        parser.add_argument("--address", required=True)
        parser.add_argument("--purpose", default=Signer.Purpose.DELEGATE, choices=Signer.Purpose.values)

    def handle(self, *args: Any, **options: Any) -> None:
        """Register; a refusal leaves nothing registered."""
        if not is_hex_address(options["address"]):
            raise CommandError("--address takes 0x and 40 hex digits")
        try:
            signer = register_signer(
                network=Network(options["network"]),
                address=Address(to_checksum_address(options["address"])),
                purpose=options["purpose"],
            )
        except ServiceError as error:
            raise CommandError(f"{error.code}: {error.message} {json.dumps(error.details)}") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"network": signer.network, "address": signer.address, "purpose": signer.purpose}))

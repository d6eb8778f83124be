"""`create_delegate`: make a key, write it to Vault with the operator's own token, register its address."""

import json
from argparse import ArgumentParser
from typing import Any

import environ
from django.core.management.base import BaseCommand, CommandError

from ostium_service.http.errors import ServiceError
from ostium_service.types import Network
from relay.models import Signer
from relay.services import create_delegate


class Command(BaseCommand):
    """Prints one JSON line with the address; the key itself is never shown."""

    help = "Create a delegate (or relayer) key in Vault and register its address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The network and what the key is for."""
        parser.add_argument("--network", required=True, choices=[network.value for network in Network])
        parser.add_argument("--purpose", default=Signer.Purpose.DELEGATE, choices=Signer.Purpose.values)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create and register; a refusal leaves nothing registered."""
        token = environ.FileAwareEnv().str("VAULT_OPERATOR_TOKEN", default="")
        if not token:
            raise CommandError(
                "set VAULT_OPERATOR_TOKEN (or VAULT_OPERATOR_TOKEN_FILE) to a token that may write delegate keys"
            )
        try:
            signer = create_delegate(
                network=Network(options["network"]), purpose=options["purpose"], operator_token=token
            )
        except ServiceError as error:
            raise CommandError(f"{error.code}: {error.message} {json.dumps(error.details)}") from error
        self.stdout.write(json.dumps({"network": signer.network, "address": signer.address, "purpose": signer.purpose}))

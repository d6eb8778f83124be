"""`create_delegate`: make a key, write it to Vault with the operator's own token, register its address."""

import json
from argparse import ArgumentParser
from typing import Any

import environ
from django.core.management.base import CommandError

from ostium_service.commands import FAILED, USAGE, OperatorCommand, actor_of, describe_error
from ostium_service.http.errors import ServiceError
from ostium_service.types import Network
from relay.models import Signer
from relay.services import create_delegate


class Command(OperatorCommand):
    """Prints one JSON line with the address; the key itself is never shown. Every run makes another key."""

    help = "Create a delegate (or relayer) key in Vault and register its address."
    needs_account = False
    acts_at_once = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The network and what the key is for."""
        super().add_arguments(parser)
        parser.add_argument("--network", required=True, choices=[network.value for network in Network])
        parser.add_argument("--purpose", default=Signer.Purpose.DELEGATE, choices=Signer.Purpose.values)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create and register; a refusal leaves nothing registered."""
        report = self.begin(options)
        network, purpose = Network(options["network"]), options["purpose"]
        if not report.acts:
            ours = Signer.objects.filter(network=network, purpose=purpose, state=Signer.State.ACTIVE).count()
            found = {"dryRun": True, "network": network.value, "purpose": purpose, "active": ours}
            self.stdout.write(json.dumps(found))
            return
        token = environ.FileAwareEnv().str("VAULT_OPERATOR_TOKEN", default="")
        if not token:
            raise CommandError(
                "set VAULT_OPERATOR_TOKEN (or VAULT_OPERATOR_TOKEN_FILE) to a token that may write delegate keys",
                returncode=USAGE,
            )
        try:
            signer = create_delegate(
                network=network,
                purpose=purpose,
                operator_token=token,
                actor=actor_of(options),
                reason=options["reason"],
            )
        except ServiceError as error:
            raise CommandError(describe_error(error), returncode=FAILED) from error
        found = {"dryRun": False, "network": signer.network, "address": signer.address, "purpose": signer.purpose}
        self.stdout.write(json.dumps(found))

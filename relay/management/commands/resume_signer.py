"""`resume_signer`: let a halted signer sign again after its nonces were reconciled with the chain."""

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ostium_service.commands import FAILED, OperatorCommand, actor_of, describe_error, parse_address
from ostium_service.http.errors import ServiceError
from ostium_service.types import Network
from relay.models import Signer
from relay.services.reconciling import compare_with_chain, resume_signer


class Command(OperatorCommand):
    """Shows what chain and rows say; acts only with --yes."""

    help = "Compare a signer's nonces with the chain and, with --yes, let a halted one sign again."
    lets_through = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which signer, who decides, and why."""
        super().add_arguments(parser)
        parser.add_argument("--network", required=True, choices=[network.value for network in Network])
        parser.add_argument("--address", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """One JSON line about what was found."""
        report = self.begin(options)
        network, address = Network(options["network"]), parse_address(options["address"], option="--address")
        if not Signer.objects.filter(network=network, address=address).exists():
            raise CommandError("no signer of that network has this address", returncode=FAILED)
        try:
            if report.acts:
                found = resume_signer(
                    network=network, address=address, actor=actor_of(options), reason=options["reason"]
                )
            else:
                found = compare_with_chain(network=network, address=address)
        except ServiceError as error:
            raise CommandError(describe_error(error), returncode=FAILED) from error
        except ValueError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        self.stdout.write(json.dumps({**dataclasses.asdict(found), "resumed": report.acts}))

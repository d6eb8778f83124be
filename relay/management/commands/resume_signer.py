"""`resume_signer`: let a halted signer sign again after its nonces were reconciled with the chain."""

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ostium_service.http.errors import ServiceError
from ostium_service.types import Address, Network
from relay.models import Signer
from relay.services.reconciling import compare_with_chain, resume_signer


class Command(BaseCommand):
    """Shows what chain and rows say; acts only with --yes."""

    help = "Compare a signer's nonces with the chain and, with --yes, let a halted one sign again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which signer, who decides, and why."""
        parser.add_argument("--network", required=True, choices=[network.value for network in Network])
        parser.add_argument("--address", required=True)
        parser.add_argument("--actor", default="", help="who decides this (required with --yes)")
        parser.add_argument("--reason", default="", help="why the key is trusted again (required with --yes)")
        parser.add_argument("--yes", action="store_true", help="act; without it nothing is changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """One JSON line about what was found."""
        signer = Signer.objects.filter(network=options["network"], address__iexact=options["address"]).first()
        if signer is None:
            raise CommandError("no signer of that network has this address")
        network, address = Network(signer.network), Address(signer.address)
        if options["yes"] and not (options["actor"] and options["reason"]):
            raise CommandError("--yes needs --actor and --reason")
        try:
            if options["yes"]:
                found = resume_signer(
                    network=network, address=address, actor=options["actor"], reason=options["reason"]
                )
            else:
                found = compare_with_chain(network=network, address=address)
        except ServiceError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({**dataclasses.asdict(found), "resumed": bool(options["yes"])}))

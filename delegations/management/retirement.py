"""Retiring a delegate from a command, and telling how far it has come."""

import dataclasses
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

import environ
from django.core.management.base import CommandError

from delegations import services
from ostium_service.commands import FAILED, USAGE, Report, actor_of, describe_error, parse_address
from ostium_service.http.errors import ServiceError
from ostium_service.types import Address, Network
from relay.models import Signer


def add_signer(parser: ArgumentParser) -> None:
    """Which of our signers."""
    parser.add_argument("--network", required=True, choices=[network.value for network in Network])
    parser.add_argument("--address", required=True)


def find_signer(options: Mapping[str, Any]) -> Signer:
    """CommandError 2 for no address, 1 for one that is not ours."""
    address = parse_address(options["address"], option="--address")
    signer = Signer.objects.filter(network=options["network"], address=address).first()
    if signer is None:
        raise CommandError("no signer of that network has this address", returncode=FAILED)
    return signer


def read_operator_token() -> str:
    """VAULT_OPERATOR_TOKEN or the file that VAULT_OPERATOR_TOKEN_FILE names; empty without."""
    token: str = environ.FileAwareEnv().str("VAULT_OPERATOR_TOKEN", default="")
    return token


def require_operator_token() -> str:
    """CommandError 2 without."""
    token = read_operator_token()
    if not token:
        raise CommandError(
            "set VAULT_OPERATOR_TOKEN (or VAULT_OPERATOR_TOKEN_FILE) to a token that may destroy keys", returncode=USAGE
        )
    return token


def retire(report: Report, *, network: Network, address: Address, options: Mapping[str, Any], token: str) -> bool:
    """Take one more step and report it; whether the retirement is complete, key included."""
    try:
        found = services.retire_delegate(
            network=network, address=address, actor=actor_of(options), reason=options["reason"], operator_token=token
        )
    except ServiceError as error:
        report.fail({"delegate": address}, describe_error(error))
        return False
    except ValueError as error:
        report.fail({"delegate": address}, str(error))
        return False
    report.add({"delegate" if name == "address" else name: value for name, value in dataclasses.asdict(found).items()})
    return found.is_complete

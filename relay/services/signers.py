"""Registering signers and stopping them."""

import structlog
from django.db import transaction

from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.vault import DelegateKey
from ostium_service.http import errors
from ostium_service.observability.metrics import count_security_event
from ostium_service.types import Address, Network
from relay.models import Signer, SignerEvent

logger = structlog.get_logger(__name__)


def create_delegate(*, network: Network, purpose: str, operator_token: str) -> Signer:
    """Make a key, write it to Vault with the operator's own token, read it back, and register its address.

    The key is never returned or printed. Refused with VaultUnavailable (nothing is registered; a key that was already
    written stays in Vault unused, under its own address).
    """
    key = DelegateKey.generate()
    try:
        composition.operator_vault(operator_token).write_delegate_key(network, key)
    except GatewayError as error:
        raise errors.VaultUnavailable(details={"reason": error.token}) from error
    return register_signer(network=network, address=key.address, purpose=purpose)


def register_signer(*, network: Network, address: Address, purpose: str) -> Signer:
    """Register an address whose key the service's own token can read from Vault; twice gives the same row.

    Refused with DelegateKeyMissing (not there, malformed, or another address's key) or VaultUnavailable; nothing is
    written then. A retired address is never used again: ValueError.
    """
    try:
        composition.vault().delegate_key(network, address)
    except GatewayError as error:
        raise errors.DelegateKeyMissing(details={"reason": error.token}) from error
    signer, _ = Signer.objects.get_or_create(network=network, address=address, defaults={"purpose": purpose})
    if signer.state == Signer.State.RETIRED:
        raise ValueError("a retired address is never used again")
    if signer.purpose != purpose:
        raise ValueError(f"the address is registered as {signer.purpose} already")
    return signer


def halt_signer(*, signer_id: int, reason: str) -> None:
    """Stop signing with a key that somebody else seems to use, in every process; a person has to look at it."""
    with transaction.atomic():
        signer = Signer.objects.select_for_update().get(pk=signer_id)
        if signer.state != Signer.State.ACTIVE:
            return
        signer.state = Signer.State.HALTED
        signer.halted_reason = reason[:200]
        signer.save(update_fields=["state", "halted_reason", "updated_at"])
        SignerEvent.objects.create(signer=signer, what="halted", actor="relay", reason=reason[:200])
    count_security_event("signer_halted")
    logger.error("signer_halted", signer=signer.address, network=signer.network, reason=reason)

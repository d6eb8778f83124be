"""Registering signers and stopping them."""

import structlog
from django.db import transaction

from ostium_service import composition
from ostium_service.gateways.failures import GatewayError, KeyMissing
from ostium_service.gateways.vault import DelegateKey
from ostium_service.http import errors
from ostium_service.observability.metrics import count_security_event
from ostium_service.types import Address, Network
from relay.models import Signer, SignerEvent
from relay.selectors import count_unsettled

logger = structlog.get_logger(__name__)

HALTED = "halted"


def create_delegate(
    *, network: Network, purpose: str, operator_token: str, actor: str = "", reason: str = ""
) -> Signer:
    """Make a key, write it to Vault with the operator's own token, read it back, and register its address.

    The key is never returned or printed. Refused with VaultUnavailable (nothing is registered; a key that was already
    written stays in Vault unused, under its own address).
    """
    key = DelegateKey.generate()
    try:
        composition.operator_vault(operator_token).write_delegate_key(network, key)
    except GatewayError as error:
        raise errors.VaultUnavailable(details={"reason": error.token}) from error
    # A new key has signed nothing: whatever the chain counts beyond our own rows is somebody else's.
    return register_signer(
        network=network, address=key.address, purpose=purpose, next_nonce=0, actor=actor, reason=reason
    )


def register_signer(
    *,
    network: Network,
    address: Address,
    purpose: str,
    next_nonce: int | None = None,
    actor: str = "",
    reason: str = "",
) -> Signer:
    """Register an address whose key the service's own token can read from Vault; twice gives the same row.

    `next_nonce` is None when the key may have been used before: then the chain tells it at the first use. Who and why
    is a row, for a person: `actor` is empty when no person decided it.

    Refused with DelegateKeyMissing (not there, malformed, or another address's key) or VaultUnavailable; nothing is
    written then. A retired address is never used again: ValueError.
    """
    try:
        composition.vault().delegate_key(network, address)
    except GatewayError as error:
        raise errors.DelegateKeyMissing(details={"reason": error.token}) from error
    wanted = {"purpose": purpose, "next_nonce": next_nonce}
    with transaction.atomic():
        signer, is_new = Signer.objects.get_or_create(network=network, address=address, defaults=wanted)
        if is_new and actor:
            SignerEvent.objects.create(signer=signer, what="registered", actor=actor[:150], reason=reason[:200])
    if signer.state == Signer.State.RETIRED:
        raise ValueError("a retired address is never used again")
    if signer.purpose != purpose:
        raise ValueError(f"the address is registered as {signer.purpose} already")
    return signer


def begin_retirement(*, network: Network, address: Address, actor: str, reason: str) -> Signer:
    """From the commit on the signer only closes what is open, and no Safe is asked to name it; a halted one stays so.

    Repeating it changes nothing. Signer.DoesNotExist for an address that is not ours; ValueError without an actor or a
    reason.
    """
    _require_words(actor, reason)
    with transaction.atomic():
        signer = Signer.objects.select_for_update().get(network=network, address=address)
        if signer.state == Signer.State.ACTIVE:
            _move(signer, Signer.State.RETIRING, actor=actor, reason=reason)
    return signer


def finish_retirement(*, network: Network, address: Address, actor: str, reason: str) -> Signer:
    """From the commit on the signer signs nothing, for ever. Repeating it changes nothing.

    Refused with ValueError while it is active, or while a transaction of it may still need its key. That no trader
    depends on it any more is the caller's to know.
    """
    _require_words(actor, reason)
    with transaction.atomic():
        signer = Signer.objects.select_for_update().get(network=network, address=address)
        if signer.state == Signer.State.RETIRED:
            return signer
        if signer.state == Signer.State.ACTIVE:
            raise ValueError("an active signer retires in two steps, the first of which begins its retirement")
        unsettled = count_unsettled(signer)
        if unsettled:
            raise ValueError(f"{unsettled} of its transactions are not settled yet")
        _move(signer, Signer.State.RETIRED, actor=actor, reason=reason)
    return signer


def destroy_key(*, network: Network, address: Address, operator_token: str, actor: str, reason: str) -> int:
    """Destroy every version of a retired signer's key in Vault, and see that it cannot be read; how many there were.

    Refused with ValueError for a signer that is not retired, VaultUnavailable (details say why) otherwise; then
    repeating it is safe. Who and why is a row.
    """
    _require_words(actor, reason)
    signer = Signer.objects.get(network=network, address=address)
    if signer.state != Signer.State.RETIRED:
        raise ValueError("only a retired signer's key is destroyed")
    try:
        versions = composition.operator_vault(operator_token).destroy_delegate_key(network, address)
        is_gone = _is_gone(network, address)
    except GatewayError as error:
        raise errors.VaultUnavailable(details={"reason": error.token}) from error
    if not is_gone:
        raise errors.VaultUnavailable(details={"reason": "key_still_readable"})
    SignerEvent.objects.create(
        signer=signer, what="key_destroyed", actor=actor[:150], reason=reason[:200], evidence={"versions": versions}
    )
    logger.warning("signer_key_destroyed", signer=address, network=network, versions=versions)
    return versions


def halt_signer(*, signer_id: int, reason: str) -> None:
    """Stop signing with a key that somebody else seems to use, in every process; a person has to look at it.

    A retiring one too; the event keeps what it was, for `resume_signer`.
    """
    with transaction.atomic():
        signer = Signer.objects.select_for_update().get(pk=signer_id)
        if signer.state not in {Signer.State.ACTIVE, Signer.State.RETIRING}:
            return
        evidence = {"was": signer.state}
        signer.state = Signer.State.HALTED
        signer.halted_reason = reason[:200]
        signer.save(update_fields=["state", "halted_reason", "updated_at"])
        SignerEvent.objects.create(signer=signer, what=HALTED, actor="relay", reason=reason[:200], evidence=evidence)
    count_security_event("signer_halted")
    logger.error("signer_halted", signer=signer.address, network=signer.network, reason=reason)


def halt_if_behind(*, signer_id: int, chain_nonce: int) -> bool:
    """Halt a signer whose chain nonce, which must have been read before this call, is ahead of ours; whether it is."""
    next_nonce = Signer.objects.values_list("next_nonce", flat=True).get(pk=signer_id)
    if next_nonce is None or chain_nonce <= next_nonce:
        return False
    halt_signer(signer_id=signer_id, reason=f"chain nonce {chain_nonce} is ahead of ours {next_nonce}")
    return True


def _is_gone(network: Network, address: Address) -> bool:
    try:
        composition.vault().delegate_key(network, address)
    except KeyMissing:
        return True
    return False


def _move(signer: Signer, state: Signer.State, *, actor: str, reason: str) -> None:
    signer.state = state
    signer.save(update_fields=["state", "updated_at"])
    SignerEvent.objects.create(signer=signer, what=state.value, actor=actor[:150], reason=reason[:200])
    logger.warning("signer_state", signer=signer.address, network=signer.network, state=state.value)


def _require_words(actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise ValueError("who decides, and why, must be said")

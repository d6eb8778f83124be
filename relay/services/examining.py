"""What `manage.py doctor` asks of the signers: their keys, their gas, their nonces."""

from collections.abc import Iterator

from django.conf import settings

from ostium_service import composition
from ostium_service.doctor import Finding, Verdict
from ostium_service.gateways.failures import GatewayError, KeyMissing
from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, Signer
from relay.services.funding import enough_wei


def examine_signers() -> Iterator[Finding]:
    """Every signer of the enabled networks; retired ones must have no key any more. Raises GatewayError."""
    for network in settings.OSTIUM_NETWORKS:
        signers = list(Signer.objects.filter(network=network).order_by("id"))
        if not any(signer.state == Signer.State.ACTIVE for signer in signers):
            yield Finding(f"signers_{network.value}", Verdict.WARNING, "no_active_signer")
        for signer in signers:
            yield from _examine_retired(signer) if signer.state == Signer.State.RETIRED else _examine(signer)


def _examine(signer: Signer) -> Iterator[Finding]:
    yield _examine_key(signer)
    yield from _examine_account(signer)
    if signer.state == Signer.State.HALTED:
        yield Finding("signer_state", Verdict.FAILED, "halted", _facts(signer) | {"reason": signer.halted_reason})


def _examine_key(signer: Signer) -> Finding:
    try:
        composition.vault().delegate_key(Network(signer.network), Address(signer.address)).wipe()
    except KeyMissing as error:
        return Finding("signer_key", Verdict.FAILED, error.token, _facts(signer))
    return Finding("signer_key", Verdict.OK, facts=_facts(signer))


def _examine_account(signer: Signer) -> Iterator[Finding]:
    address = Address(signer.address)
    state = composition.arbitrum(Network(signer.network)).read_state((), balances=(address,), nonces=(address,))
    balance, chain_nonce = state.balances[0], state.nonces[0]
    is_low = balance < enough_wei()
    facts = _facts(signer) | {"wei": str(balance)}
    yield Finding("signer_gas", Verdict.WARNING if is_low else Verdict.OK, "gas_low" if is_low else "", facts)
    next_nonce = signer.next_nonce
    facts = _facts(signer) | {"chainNonce": chain_nonce, "nextNonce": next_nonce}
    if next_nonce is not None and chain_nonce > next_nonce:
        yield Finding("signer_nonce", Verdict.FAILED, "chain_is_ahead", facts)
    elif next_nonce is not None and chain_nonce < next_nonce and not _has_undecided(signer):
        yield Finding("signer_nonce", Verdict.WARNING, "chain_is_behind", facts)
    else:
        yield Finding("signer_nonce", Verdict.OK, facts=facts)


def _examine_retired(signer: Signer) -> Iterator[Finding]:
    """A key that nobody needs should not be there to be stolen."""
    try:
        composition.vault().delegate_key(Network(signer.network), Address(signer.address)).wipe()
    except GatewayError:
        return
    yield Finding("signer_key", Verdict.WARNING, "retired_key_still_there", _facts(signer))


def _has_undecided(signer: Signer) -> bool:
    return signer.transactions.filter(state__in=OutboundTransaction.UNDECIDED).exists()


def _facts(signer: Signer) -> dict[str, object]:
    return {"network": signer.network, "address": signer.address, "state": signer.state}

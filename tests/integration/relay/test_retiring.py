"""A signer on its way out, on a real chain: it closes, it opens nothing, and in the end it signs nothing."""

import pytest
from django.db import transaction

from ostium_service import composition
from ostium_service.gateways.failures import KeyMissing
from ostium_service.gateways.ostium_contracts import encode_cancel_limit, encode_delegated_action
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay import services
from relay.models import OutboundTransaction, Signer, SignerEvent
from relay.services.signing import ask_gate
from sandbox.openbao import VaultAccess
from tests.integration.relay.conftest import ADDRESSES, World
from tests.integration.relay.steps import store

WHO = {"actor": "staff bob", "reason": "rotation"}


def begin(world: World) -> Signer:
    return services.begin_retirement(network=Network.TESTNET, address=world.delegate, **WHO)


def finish(world: World) -> Signer:
    return services.finish_retirement(network=Network.TESTNET, address=world.delegate, **WHO)


def test_v11_a_retiring_signer_opens_nothing_and_may_close(world: World) -> None:
    prepared = world.prepare_open()
    begin(world)
    with pytest.raises(errors.DelegationNotActive) as refusal:
        store(prepared)
    assert refusal.value.details == {"reason": "delegate_retiring"}
    assert (OutboundTransaction.objects.count(), Signer.objects.get().next_nonce) == (0, 0)
    cancel = encode_delegated_action(Address(world.trader.address), encode_cancel_limit(pair_id=0, trade_index=0))
    with transaction.atomic():
        ask_gate(network=Network.TESTNET, signer=world.delegate, to=ADDRESSES.trading, data=cancel)


def test_a_retired_signer_signs_nothing_and_its_key_is_gone(world: World, vault_dev: VaultAccess) -> None:
    prepared = world.prepare_open()
    with pytest.raises(ValueError, match="two steps"):
        finish(world)
    row = store(prepared)
    begin(world)
    with pytest.raises(ValueError, match="1 of its transactions"):
        finish(world)
    OutboundTransaction.objects.filter(pk=row.pk).update(state="SENT")
    OutboundTransaction.objects.filter(pk=row.pk).update(state="MINED")
    with pytest.raises(ValueError, match="1 of its transactions"):
        finish(world)
    OutboundTransaction.objects.filter(pk=row.pk).update(state="FINAL")
    assert [finish(world).state for _ in range(2)] == ["retired", "retired"]
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()
    with pytest.raises(errors.NetworkPaused):
        store(prepared)
    destroy = {"network": Network.TESTNET, "address": world.delegate, **WHO}
    with pytest.raises(errors.VaultUnavailable):
        services.destroy_key(**destroy, operator_token="wrong")  # type: ignore[arg-type]
    for _ in range(2):
        assert services.destroy_key(**destroy, operator_token=vault_dev.operator_token) == 1  # type: ignore[arg-type]
    with pytest.raises(KeyMissing):
        composition.vault().delegate_key(Network.TESTNET, world.delegate)
    assert list(SignerEvent.objects.values_list("what", "actor", "reason")) == [
        (what, "staff bob", "rotation") for what in ("retiring", "retired", "key_destroyed", "key_destroyed")
    ]


def test_the_key_of_a_signer_in_service_is_not_destroyed(world: World, vault_dev: VaultAccess) -> None:
    with pytest.raises(ValueError, match="only a retired"):
        services.destroy_key(
            network=Network.TESTNET, address=world.delegate, operator_token=vault_dev.operator_token, **WHO
        )
    assert composition.vault().delegate_key(Network.TESTNET, world.delegate).address == world.delegate


def test_a_halted_signer_retires_without_signing_again(world: World) -> None:
    Signer.objects.update(state="halted")
    assert begin(world).state == "halted"
    assert finish(world).state == "retired"

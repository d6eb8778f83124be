"""The pipeline from simulation to receipt, on a real chain with a key in a real Vault."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction
from eth_account import Account

from ostium_service import composition
from ostium_service.gateways.arbitrum import SendOutcome
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, Signer, TransactionAttempt
from relay.services import Prepared, SimulationReverted, broadcast, prepare, sign_and_store
from safeguards.services import suspend_grant, withdraw_grant
from sandbox import actors
from tests.integration.relay.conftest import COLLATERAL, World
from tests.integration.relay.steps import SEND_WITHIN, expire, store, story, wait


def test_a_stored_transaction_is_sent_once_and_mined(world: World) -> None:
    before = world.usdc()
    row = store(world.prepare_open())
    sent = broadcast(transaction_id=row.pk)
    again = broadcast(transaction_id=row.pk)
    assert (sent.state, again.state) == ("SENT", "SENT")
    mined = wait(row)
    assert (mined.state, mined.nonce, mined.mined_hash) == ("MINED", 0, row.tx_hash)
    assert mined.gas_used is not None and mined.gas_used < mined.gas_limit
    assert story(mined) == [
        ("", "SIGNED", "signed and stored"),
        ("SIGNED", "SENT", "broadcast"),
        ("SENT", "MINED", "receipt with status 1"),
    ]
    assert world.usdc() == before - COLLATERAL
    assert world.mined_nonces() == 1


def test_p7_a_nonce_whose_process_died_unsent_is_used_by_its_own_transaction(world: World) -> None:
    row = store(world.prepare_open())
    assert world.mined_nonces() == 0
    assert wait(row).state == "MINED"
    assert world.mined_nonces() == 1


def test_a_process_that_died_after_sending_is_followed_by_hash(world: World) -> None:
    row = store(world.prepare_open())
    raw = bytes(row.attempts.get().raw)
    assert composition.arbitrum(Network.TESTNET).send_raw(raw) is SendOutcome.ACCEPTED
    assert row.state == "SIGNED"
    assert wait(row).state == "MINED"
    assert world.mined_nonces() == 1


def test_p7_a_nonce_that_came_too_late_is_spent_by_a_self_transfer_of_its_own_row(world: World) -> None:
    before = world.usdc()
    row = store(world.prepare_open())
    expire(row)
    assert broadcast(transaction_id=row.pk).state == "SIGNED"
    ended = wait(row)
    assert ended.state == "EXPIRED"
    assert ended.mined_hash == ended.attempts.get(purpose=TransactionAttempt.Purpose.CANCEL).tx_hash
    assert world.usdc() == before
    assert world.mined_nonces() == 1
    following = wait(store(world.prepare_open()))
    assert (following.state, following.nonce) == ("MINED", 1)


def test_p6_a_later_transaction_takes_its_unsent_predecessor_along(world: World) -> None:
    first, second = store(world.prepare_open()), store(world.prepare_open())
    broadcast(transaction_id=second.pk)
    assert wait(second).state == "MINED"
    assert wait(first).state == "MINED"
    assert world.mined_nonces() == 2


def test_a_revert_is_seen_before_anything_is_signed(world: World) -> None:
    with pytest.raises(SimulationReverted) as refusal:
        world.prepare_open(collateral=1)
    assert refusal.value.revert.name == "BelowFees"
    assert not OutboundTransaction.objects.exists()


def test_a_revert_after_the_simulation_is_a_failure_by_the_receipt(world: World) -> None:
    row = store(world.prepare_open())
    actors.approve_usdc(rpc_url=world.rpc_url, account=world.trader, units=0)
    ended = wait(row)
    assert (ended.state, story(ended)[-1]) == ("REVERTED", ("SENT", "REVERTED", "receipt with status 0"))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [(suspend_grant, errors.DelegationSuspended), (withdraw_grant, errors.DelegationNotActive)],
)
def test_p19_a_grant_that_ended_between_simulation_and_signature_stops_it(
    world: World, change: type, refusal: type[errors.ServiceError]
) -> None:
    prepared = world.prepare_open()
    change(network=Network.TESTNET, trader=Address(world.trader.address))
    with pytest.raises(refusal):
        store(prepared)
    assert not OutboundTransaction.objects.exists()
    assert Signer.objects.get().next_nonce == 0


def test_signing_outside_a_transaction_is_refused(world: World) -> None:
    with pytest.raises(RuntimeError):
        sign_and_store(prepared=world.prepare_open(), send_within=SEND_WITHIN)


def test_p7_a_crash_before_the_commit_leaves_no_nonce_and_no_row(world: World) -> None:
    prepared = world.prepare_open()
    with pytest.raises(LookupError), transaction.atomic():
        sign_and_store(prepared=prepared, send_within=SEND_WITHIN)
        raise LookupError
    assert not OutboundTransaction.objects.exists()
    assert Signer.objects.get().next_nonce == 0


def test_p14_nonces_of_signatures_at_once_are_contiguous(world: World) -> None:
    prepared = [world.prepare_open(collateral=20_000_000) for _ in range(6)]

    def sign(one: Prepared) -> int:
        try:
            return store(one).nonce
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=6) as pool:
        nonces = sorted(pool.map(sign, prepared))
    assert nonces == [0, 1, 2, 3, 4, 5]


def test_an_empty_purse_is_said_before_signing(world: World) -> None:
    actors.fund_native(rpc_url=world.rpc_url, address=world.delegate, wei=1000)
    with pytest.raises(errors.DelegateGasLow):
        world.prepare_open()


def test_a_key_that_vault_does_not_have_is_said_before_signing(world: World) -> None:
    stranger = Address(Account.create().address)
    Signer.objects.create(network="testnet", address=stranger, purpose="delegate")
    actors.fund_native(rpc_url=world.rpc_url, address=stranger, wei=10**18)
    with pytest.raises((errors.DelegateKeyMissing, SimulationReverted)) as refusal:
        prepare(network=Network.TESTNET, signer=stranger, to=stranger, data=b"", kind="open")
    assert refusal.type is errors.DelegateKeyMissing

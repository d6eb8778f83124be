"""The pipeline from simulation to receipt, on a real chain with a key in a real Vault."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.utils import timezone
from eth_account import Account

from ostium_service import composition
from ostium_service.gateways.arbitrum import SendOutcome
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, Signer, TransactionAttempt
from relay.services import Prepared, SimulationReverted, broadcast, prepare, sign_and_store, wait_for_receipt
from safeguards.services import suspend_grant, withdraw_grant
from sandbox import actors
from tests.integration.relay.conftest import COLLATERAL, World

PATIENCE = 15.0


def store(prepared: Prepared, *, seconds: float = 60) -> OutboundTransaction:
    with transaction.atomic():
        return sign_and_store(prepared=prepared, deadline=timezone.now() + timedelta(seconds=seconds))


def wait(row: OutboundTransaction) -> OutboundTransaction:
    return wait_for_receipt(transaction_id=row.pk, deadline=time.monotonic() + PATIENCE)


def run(name: str, *arguments: str) -> dict[str, Any]:
    output = StringIO()
    call_command(name, *arguments, stdout=output)
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def story(row: OutboundTransaction) -> list[tuple[str, str, str]]:
    return list(row.events.values_list("from_state", "to_state", "reason"))


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


def test_a_process_that_died_after_storing_leaves_a_transaction_that_another_sends(world: World) -> None:
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


def test_too_old_to_send_spends_the_nonce_and_moves_no_money(world: World) -> None:
    before = world.usdc()
    row = store(world.prepare_open(), seconds=-1)
    assert broadcast(transaction_id=row.pk).state == "SIGNED"
    ended = wait(row)
    assert ended.state == "EXPIRED"
    assert ended.mined_hash == ended.attempts.get(purpose=TransactionAttempt.Purpose.CANCEL).tx_hash
    assert world.usdc() == before
    assert world.mined_nonces() == 1
    following = wait(store(world.prepare_open()))
    assert (following.state, following.nonce) == ("MINED", 1)


def test_a_later_transaction_takes_its_unsent_predecessor_along(world: World) -> None:
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
def test_a_grant_that_ended_between_simulation_and_signature_stops_it(
    world: World, change: type, refusal: type[errors.ServiceError]
) -> None:
    prepared = world.prepare_open()
    change(network=Network.TESTNET, trader=Address(world.trader.address))
    with pytest.raises(refusal):
        store(prepared)
    assert not OutboundTransaction.objects.exists()
    assert Signer.objects.get().next_nonce is None


def test_signing_outside_a_transaction_is_refused(world: World) -> None:
    with pytest.raises(RuntimeError):
        sign_and_store(prepared=world.prepare_open(), deadline=timezone.now())


def test_a_crash_in_the_callers_transaction_leaves_no_nonce_and_no_row(world: World) -> None:
    prepared = world.prepare_open()
    with pytest.raises(LookupError), transaction.atomic():
        sign_and_store(prepared=prepared, deadline=timezone.now())
        raise LookupError
    assert not OutboundTransaction.objects.exists()
    assert Signer.objects.get().next_nonce is None


def test_nonces_of_signatures_at_once_are_contiguous(world: World) -> None:
    prepared = [world.prepare_open(collateral=20_000_000) for _ in range(6)]

    def sign(one: Prepared) -> int:
        try:
            return store(one).nonce
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=6) as pool:
        nonces = sorted(pool.map(sign, prepared))
    assert nonces == [0, 1, 2, 3, 4, 5]


def test_foreign_use_of_the_key_halts_the_signer(world: World) -> None:
    wait(store(world.prepare_open()))
    key = composition.vault().delegate_key(Network.TESTNET, world.delegate)
    foreign = key.sign_transaction(
        {
            "chainId": 421614,
            "nonce": 1,
            "to": world.delegate,
            "value": 0,
            "data": b"",
            "gas": 21_000,
            "maxFeePerGas": 10**9,
            "maxPriorityFeePerGas": 0,
        }
    )
    arbitrum = composition.arbitrum(Network.TESTNET)
    assert arbitrum.send_raw(foreign.raw) is SendOutcome.ACCEPTED
    actors.wait_outcome(node=actors.open_node(world.rpc_url), transaction_hash=foreign.tx_hash)
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()
    signer = Signer.objects.get()
    assert (signer.state, signer.halted_reason) == ("halted", "chain nonce 2 is ahead of ours 1")
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()

    arguments = ("--network", "testnet", "--address", world.delegate.lower())
    looked_at = {
        "address": world.delegate,
        "chain_nonce": 2,
        "next_nonce": 1,
        "undecided": 0,
        "foreign": 1,
        "resumed": False,
    }
    assert run("resume_signer", *arguments) == looked_at
    with pytest.raises(CommandError, match="--actor USERNAME and --reason"):
        run("resume_signer", *arguments, "--yes")
    User.objects.create(username="ada", is_staff=True)
    resumed = run("resume_signer", *arguments, "--yes", "--actor", "ada", "--reason", "a drill with the key's copy")
    assert resumed == looked_at | {"resumed": True}
    assert [(event.what, event.actor) for event in signer.events.all()] == [
        ("halted", "relay"),
        ("resumed", "staff ada"),
    ]
    after = wait(store(world.prepare_open()))
    assert (after.state, after.nonce) == ("MINED", 2)


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

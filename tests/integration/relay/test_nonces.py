"""P4 and P20: what the chain says of a signer's nonce that our rows do not, and what becomes of the signer."""

from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from ostium_service import composition
from ostium_service.gateways.ostium_contracts import encode_cancel_limit, encode_delegated_action
from ostium_service.http import errors
from ostium_service.observability.metrics import render_metrics
from ostium_service.types import Address, Network, Wei
from relay import services
from relay.models import OutboundTransaction, Signer, TransactionAttempt, TransactionEvent
from relay.services import advance, broadcast
from relay.services.following import SPENT_BLOCKS_AGO
from relay.services.reconciling import watch_nonces
from sandbox import actors
from tests.integration.relay.conftest import ADDRESSES, World
from tests.integration.relay.steps import run, send_by_hand, store, story, use_key_elsewhere, wait
from tests.integration.relay.test_doctor import examine
from tests.support.lying_node import LyingNode
from tests.support.staff_login import log_in_staff

NONCE_TOO_LOW = {"error": {"code": -32000, "message": "nonce too low: address 0x11, tx: 0 state: 1"}}
SAFE_DEPTH = 100


def signer_state() -> tuple[str, str, int | None]:
    signer = Signer.objects.get()
    return signer.state, signer.halted_reason, signer.next_nonce


def resume(world: World) -> dict[str, object]:
    User.objects.get_or_create(username="ada", is_staff=True)
    words = ("--yes", "--actor", "ada", "--reason", "looked at it")
    return run("resume_signer", "--network", "testnet", "--address", world.delegate, *words)


def test_p4_nonce_too_low_because_our_own_bytes_are_mined(world: World) -> None:
    row = store(world.prepare_open())
    send_by_hand(world, bytes(row.attempts.get().raw), row.tx_hash)
    assert broadcast(transaction_id=row.pk).state == "UNKNOWN"
    assert advance(transaction_id=row.pk).state == "MINED"
    assert signer_state() == ("active", "", 1)
    assert world.mined_nonces() == 1


def test_p4_nonce_too_low_because_a_foreign_transaction_holds_it(world: World) -> None:
    row = store(world.prepare_open())
    use_key_elsewhere(world, nonce=0)
    # So far a node may merely be slow to tell our receipt.
    assert advance(transaction_id=row.pk).state == "UNKNOWN"
    assert signer_state()[0] == "active"
    actors.mine(rpc_url=world.rpc_url, blocks=SPENT_BLOCKS_AGO + SAFE_DEPTH)
    ended = advance(transaction_id=row.pk)
    assert (ended.state, story(ended)[-1]) == ("REPLACED", ("UNKNOWN", "REPLACED", "another hash holds the nonce"))
    assert signer_state() == ("halted", "nonce 0 was spent by a transaction that is not ours", 1)
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()
    looked_at = {"address": world.delegate, "chain_nonce": 1, "next_nonce": 1, "undecided": 0, "foreign": 1}
    assert resume(world) == {**looked_at, "resumed": True}
    after = wait(store(world.prepare_open()))
    assert (after.state, after.nonce) == ("MINED", 1)


def test_p4_a_halted_signer_is_no_end_before_the_safe_block(world: World, liar: LyingNode) -> None:
    row = store(world.prepare_open())
    use_key_elsewhere(world, nonce=0)
    actors.mine(rpc_url=world.rpc_url, blocks=SPENT_BLOCKS_AGO + 1)
    liar.lies["eth_getTransactionCount"] = lambda params, honest: "0x0" if params[1] == "safe" else honest
    assert advance(transaction_id=row.pk).state == "UNKNOWN"
    assert signer_state()[0] == "halted"
    liar.be_honest()
    actors.mine(rpc_url=world.rpc_url, blocks=SAFE_DEPTH)
    assert advance(transaction_id=row.pk).state == "REPLACED"


def test_p4_nonce_too_low_because_the_node_is_behind(world: World, liar: LyingNode) -> None:
    row = store(world.prepare_open())
    send_by_hand(world, bytes(row.attempts.get().raw), row.tx_hash)
    actors.mine(rpc_url=world.rpc_url, blocks=SPENT_BLOCKS_AGO + SAFE_DEPTH)
    liar.substitutes["eth_sendRawTransaction"] = lambda _: NONCE_TOO_LOW
    liar.lies["eth_getTransactionReceipt"] = lambda _params, _honest: None
    liar.lies["eth_getTransactionCount"] = lambda _params, _honest: "0x0"
    for _ in range(3):
        assert advance(transaction_id=row.pk).state == "UNKNOWN"
    assert signer_state() == ("active", "", 1)
    liar.be_honest()
    assert advance(transaction_id=row.pk).state == "MINED"


def use_key_often(world: World, nonces: int) -> None:
    """As if somebody else had sent that many with our key."""
    mined = world.mined_nonces()
    actors.open_node(world.rpc_url).request("anvil_setNonce", world.delegate, hex(mined + nonces))


@pytest.mark.parametrize("ahead", [1, 300])
def test_p4_the_chain_is_ahead_of_an_idle_signer(world: World, ahead: int, client: Client, settings: Settings) -> None:
    """Noticed by the worker without any request; shown in /ready, /metrics and the admin; resumed by a command."""
    wait(store(world.prepare_open()))
    prepared = world.prepare_open()
    assert watch_nonces(network=Network.TESTNET) == 1
    assert signer_state() == ("active", "", 1)
    use_key_often(world, ahead)
    assert watch_nonces(network=Network.TESTNET) == 1
    reason = f"chain nonce {1 + ahead} is ahead of ours 1"
    assert signer_state() == ("halted", reason, 1)
    for refused in (world.prepare_open, lambda: store(prepared)):
        with pytest.raises(errors.NetworkPaused) as refusal:
            refused()
        assert refusal.value.details == {"reason": "signer_halted"}
    assert OutboundTransaction.objects.count() == 1

    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["testserver"], False
    assert client.get("/ready").json()["checks"]["signers"] == "signer_halted"
    assert 'ostium_signers{state="halted"} 1.0' in render_metrics().decode()
    page = log_in_staff("root", is_superuser=True).get("/admin/relay/signer/")
    assert (page.status_code, reason in page.content.decode()) == (HTTPStatus.OK, True)

    assert resume(world)["foreign"] == ahead
    after = wait(store(world.prepare_open()))
    assert (after.state, after.nonce) == ("MINED", 1 + ahead)


def test_p4_a_write_notices_it_before_the_worker_does(world: World) -> None:
    wait(store(world.prepare_open()))
    use_key_elsewhere(world, nonce=1)
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()
    assert signer_state() == ("halted", "chain nonce 2 is ahead of ours 1", 1)
    arguments = ("--network", "testnet", "--address", world.delegate.lower())
    looked_at = {"address": world.delegate, "chain_nonce": 2, "next_nonce": 1, "undecided": 0, "foreign": 1}
    assert run("resume_signer", *arguments) == {**looked_at, "resumed": False}
    assert signer_state()[0] == "halted"
    with pytest.raises(CommandError, match="--actor USERNAME and --reason"):
        run("resume_signer", *arguments, "--yes")
    assert resume(world) == {**looked_at, "resumed": True}
    events = Signer.objects.get().events
    assert list(events.values_list("what", "actor")) == [("halted", "relay"), ("resumed", "staff ada")]


def test_p4_a_retiring_signer_halts_too_and_goes_on_retiring(world: World) -> None:
    wait(store(world.prepare_open()))
    services.begin_retirement(network=Network.TESTNET, address=world.delegate, actor="bob", reason="rotation")
    use_key_often(world, 1)
    cancel = encode_delegated_action(Address(world.trader.address), encode_cancel_limit(pair_id=0, trade_index=0))
    assert watch_nonces(network=Network.TESTNET) == 1
    assert signer_state()[0] == "halted"
    resume(world)
    assert signer_state() == ("retiring", "", 2)
    with pytest.raises(services.SimulationReverted):
        services.prepare(
            network=Network.TESTNET, signer=world.delegate, to=ADDRESSES.trading, data=cancel, kind="cancel_order"
        )


def test_p4_a_new_key_that_was_used_elsewhere_first_is_noticed(world: World) -> None:
    use_key_elsewhere(world, nonce=0)
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()
    assert signer_state() == ("halted", "chain nonce 1 is ahead of ours 0", 0)


def test_p4_a_halted_signer_signs_no_higher_fee(world: World) -> None:
    row = store(world.prepare_open())
    key = composition.vault().delegate_key(Network.TESTNET, world.delegate)
    services.signers.halt_signer(signer_id=row.signer_id, reason="a drill")
    fee = Wei(row.attempts.get().max_fee_per_gas * 2)
    assert services.signing.sign_replacement(transaction=row, key=key, max_fee=fee) is None
    assert row.attempts.count() == 1


def restore_backup(*, next_nonce: int) -> None:
    """As a restore does: rows of the lost hour are gone, and no trigger is asked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        lost = OutboundTransaction.objects.filter(nonce__gte=next_nonce)
        TransactionAttempt.objects.filter(transaction__in=lost).delete()
        TransactionEvent.objects.filter(transaction__in=lost).delete()
        lost.delete()
        Signer.objects.update(next_nonce=next_nonce)


@pytest.mark.parametrize("kept", [0, 1])
def test_p20_after_a_restore_the_key_is_held_until_it_is_reconciled(world: World, kept: int) -> None:
    for _ in range(3):
        wait(store(world.prepare_open(collateral=20_000_000)))
    restore_backup(next_nonce=kept)
    code, found = examine()
    assert (code, found["signer_nonce"]) == (1, ("failed", "chain_is_ahead"))
    with pytest.raises(errors.NetworkPaused):
        world.prepare_open()
    assert signer_state() == ("halted", f"chain nonce 3 is ahead of ours {kept}", kept)
    assert OutboundTransaction.objects.count() == kept
    resume(world)
    after = wait(store(world.prepare_open(collateral=20_000_000)))
    assert (after.state, after.nonce, world.mined_nonces()) == ("MINED", 3, 4)
    assert examine()[1]["signer_nonce"] == ("ok", "")

"""Suspensions and deadlines after a signature, blocks that vanish, and what the database refuses."""

import pytest
from django.db import ProgrammingError, connection, transaction

from ostium_service.types import Address, Network
from relay.models import OutboundTransaction, TransactionEvent
from relay.services import broadcast
from relay.services.confirming import check_recent_blocks, confirm_transactions
from safeguards.services import suspend_grant
from sandbox import actors
from tests.integration.relay.conftest import World
from tests.integration.relay.steps import expire, store, story, wait


def test_p19_a_suspension_between_signature_and_send_spends_the_nonce(world: World) -> None:
    before = world.usdc()
    row = store(world.prepare_open())
    suspend_grant(network=Network.TESTNET, trader=Address(world.trader.address))
    assert broadcast(transaction_id=row.pk).state == "SIGNED"
    ended = wait(row)
    assert (ended.state, ended.given_up) == ("CANCELLED", "delegation_suspended")
    assert world.usdc() == before
    assert world.mined_nonces() == 1


def forget_block(world: World, mined: OutboundTransaction, *, at_least: int) -> None:
    """Reorganise the chain, at least that deep, and deep enough for the transaction's block to be gone."""
    assert mined.block_number is not None
    latest = actors.open_node(world.rpc_url).head().number
    actors.take_back_from(rpc_url=world.rpc_url, block=min(mined.block_number, latest - at_least + 1))


@pytest.mark.parametrize("depth", [1, 3])
def test_p12_a_vanished_block_puts_the_row_back(world: World, depth: int) -> None:
    actors.mine(rpc_url=world.rpc_url, blocks=5)  # what the trader set up stays
    mined = wait(store(world.prepare_open()))
    first_block = mined.block_hash
    forget_block(world, mined, at_least=depth)
    assert check_recent_blocks(network=Network.TESTNET) == 1
    back = OutboundTransaction.objects.get()
    assert (back.state, back.block_number, back.mined_hash, back.vanished) == ("SENT", None, "", 1)
    again = wait(back)
    assert (again.state, again.nonce) == ("MINED", mined.nonce)
    assert again.block_hash != first_block
    assert [reason for _, _, reason in story(again)][-2:] == ["its block has vanished", "receipt with status 1"]
    assert world.mined_nonces() == 1


def test_a_safe_block_makes_the_row_final(world: World) -> None:
    mined = wait(store(world.prepare_open()))
    assert confirm_transactions(network=Network.TESTNET) == 0
    actors.mine(rpc_url=world.rpc_url, blocks=100)
    assert confirm_transactions(network=Network.TESTNET) == 1
    final = OutboundTransaction.objects.get()
    assert (final.state, final.block_hash) == ("FINAL", mined.block_hash)
    assert final.confirmed_at is not None
    assert confirm_transactions(network=Network.TESTNET) == 0


@pytest.mark.parametrize(("before", "after"), [("MINED", "SIGNED"), ("MINED", "EXPIRED"), ("SENT", "FINAL")])
def test_the_database_refuses_an_unknown_move(world: World, before: str, after: str) -> None:
    row = store(world.prepare_open())
    OutboundTransaction.objects.filter(pk=row.pk).update(state="SENT")
    if before == "MINED":
        OutboundTransaction.objects.filter(pk=row.pk).update(state="MINED")
    with pytest.raises(ProgrammingError, match="does not move"), transaction.atomic():
        OutboundTransaction.objects.filter(pk=row.pk).update(state=after)


def test_the_database_keeps_the_call_and_the_story(world: World) -> None:
    row = store(world.prepare_open())
    with pytest.raises(ProgrammingError, match="keeps its signer"), transaction.atomic():
        OutboundTransaction.objects.filter(pk=row.pk).update(nonce=7)
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        TransactionEvent.objects.all().delete()
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update relay_transactionattempt set raw = ''")


def test_p15_a_deadline_that_passes_between_signature_and_send_expires(world: World) -> None:
    row = store(world.prepare_open())
    expire(row)
    assert broadcast(transaction_id=row.pk).state == "SIGNED"
    ended = wait(row)
    assert (ended.state, ended.given_up) == ("EXPIRED", "deadline")

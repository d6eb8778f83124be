"""Conclusions that turn out wrong are drawn again: another outcome in another block, a receipt after all."""

import pytest

from ostium_service.types import Network
from relay.models import OutboundTransaction
from relay.services import SimulationReverted
from relay.services.confirming import confirm_transactions, reconsider_replaced
from relay.states import move
from sandbox import actors
from tests.integration.relay.conftest import World
from tests.integration.relay.steps import send_by_hand, store, story, wait
from tests.support.lying_node import LyingNode

SAFE_DEPTH = 100
RECEIPT = "eth_getTransactionReceipt"
OTHER_BLOCK = "0x" + "ab" * 32


def test_p12_a_call_that_ended_otherwise_in_its_new_block_is_followed_again(world: World, liar: LyingNode) -> None:
    mined = wait(store(world.prepare_open()))
    actors.mine(rpc_url=world.rpc_url, blocks=SAFE_DEPTH)
    liar.lies[RECEIPT] = lambda _params, honest: honest and {**honest, "status": "0x0", "blockHash": OTHER_BLOCK}
    assert confirm_transactions(network=Network.TESTNET) == 1
    back = OutboundTransaction.objects.get()
    assert (back.state, back.vanished, back.mined_hash) == ("SENT", 1, "")
    failed = wait(back)
    assert (failed.state, failed.block_hash) == ("REVERTED", OTHER_BLOCK)
    liar.be_honest()
    assert confirm_transactions(network=Network.TESTNET) == 1
    again = wait(OutboundTransaction.objects.get())
    assert (again.state, again.vanished, again.block_hash) == ("MINED", 2, mined.block_hash)


def test_p4_what_was_taken_for_replaced_comes_back_with_its_receipt(world: World) -> None:
    row = store(world.prepare_open())
    assert move(transaction=row, to="REPLACED", reason="another hash holds the nonce").state == "REPLACED"
    assert reconsider_replaced(network=Network.TESTNET) == 0
    send_by_hand(world, bytes(row.attempts.get().raw), row.tx_hash)
    assert (reconsider_replaced(network=Network.TESTNET), reconsider_replaced(network=Network.TESTNET)) == (1, 0)
    ended = wait(OutboundTransaction.objects.get())
    assert (ended.state, ended.vanished) == ("MINED", 1)
    assert [reason for _, _, reason in story(ended)][-2:] == [
        "a receipt of ours has shown after all",
        "receipt with status 1",
    ]


def test_a_call_that_burns_too_much_gas_is_not_paid_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.services.preparing.MAX_GAS", 100_000)
    with pytest.raises(SimulationReverted) as caught:
        world.prepare_open()
    assert (caught.value.revert.name, OutboundTransaction.objects.count()) == ("gas_above_ceiling", 0)

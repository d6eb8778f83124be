"""R3, R7 and P13: nodes that lie about receipts, are behind or lose bytes, and a signer that cannot pay."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.crypto import keccak
from pytest_django import Settings

from ostium_service.http import errors
from ostium_service.types import Network
from relay.models import OutboundTransaction, Signer
from relay.services import advance, broadcast
from relay.services.confirming import check_recent_blocks, confirm_transactions
from relay.services.following import PREDECESSOR_PATIENCE, RESEND_AFTER
from relay.services.sending import newest_attempt
from sandbox import actors
from sandbox.shaping import Endpoint
from tests.integration.relay.conftest import World, configure
from tests.integration.relay.steps import expire, send_by_hand, store, story, wait
from tests.support.lying_node import Lie, LyingNode

SAFE_DEPTH = 100
BEHIND = 50
RECEIPT, COUNT, SEND = "eth_getTransactionReceipt", "eth_getTransactionCount", "eth_sendRawTransaction"


def change(**fields: Any) -> Lie:
    """The honest receipt with other fields."""
    return lambda _params, honest: honest and {**honest, **fields}


def leave_out(name: str) -> Lie:
    return lambda _params, honest: honest and {key: value for key, value in honest.items() if key != name}


LIES: dict[str, Lie] = {
    "no status": leave_out("status"),
    "status as text": change(status="1"),
    "status null": change(status=None),
    "status 2": change(status="0x2"),
    "another transaction's": change(transactionHash="0x" + "ab" * 32),
    "no block number": change(blockNumber=None),
    "no block hash": change(blockHash=None),
    "null": lambda _params, _honest: None,
    "text": lambda _params, _honest: "0x1",
    "another's logs": lambda _params, honest: (
        honest and {**honest, "logs": [{**log, "transactionHash": "0x" + "ab" * 32} for log in honest["logs"]]}
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_r3_a_receipt_that_is_none_decides_nothing(world: World, liar: LyingNode, lie: Lie) -> None:
    row = store(world.prepare_open())
    send_by_hand(world, bytes(row.attempts.get().raw), row.tx_hash)
    liar.lies[RECEIPT] = lie
    assert not advance(transaction_id=row.pk).is_decided
    liar.be_honest()
    ended = advance(transaction_id=row.pk)
    assert (ended.state, ended.mined_hash) == ("MINED", row.tx_hash)
    assert world.mined_nonces() == 1


def is_behind(world: World, liar: LyingNode) -> None:
    """From now on the node tells the chain as it was, and knows no receipt of anything since."""
    node = actors.open_node(world.rpc_url)
    head = int(node.request("eth_blockNumber"), 16)
    old = hex(max(head - BEHIND, 0))
    block = node.request("eth_getBlockByNumber", old, False)
    count = node.request(COUNT, world.delegate, old)

    def tell_block(params: list[Any], honest: Any) -> Any:
        if params[0] in {"latest", "safe"}:
            return block
        return None if int(params[0], 16) > int(old, 16) else honest

    liar.lies |= {
        "eth_getBlockByNumber": tell_block,
        COUNT: lambda _params, _honest: count,
        RECEIPT: lambda _params, _honest: None,
    }


def test_r7_a_node_fifty_blocks_behind_lowers_no_nonce_and_undoes_nothing(world: World, liar: LyingNode) -> None:
    """A null receipt of one node is not "not mined", and an old nonce is not ours."""
    before = world.usdc()
    first = wait(store(world.prepare_open(collateral=20_000_000)))
    is_behind(world, liar)
    assert check_recent_blocks(network=Network.TESTNET) == 0
    second = store(world.prepare_open(collateral=20_000_000))
    assert (second.nonce, Signer.objects.get().next_nonce) == (1, 2)
    assert broadcast(transaction_id=second.pk).state == "SENT"
    assert advance(transaction_id=second.pk).state == "SENT"
    liar.be_honest()
    assert wait(second).state == "MINED"
    first.refresh_from_db()
    assert (first.state, first.vanished, Signer.objects.get().state) == ("MINED", 0, "active")
    assert (world.usdc(), world.mined_nonces()) == (before - 40_000_000, 2)


def test_r7_bytes_that_a_node_behind_does_not_show_are_sent_again_and_mined_once(world: World, liar: LyingNode) -> None:
    row = store(world.prepare_open())
    broadcast(transaction_id=row.pk)
    actors.wait_outcome(node=actors.open_node(world.rpc_url), transaction_hash=row.tx_hash)
    send_again_now(row)
    liar.lies[RECEIPT] = lambda _params, _honest: None
    assert advance(transaction_id=row.pk).state == "SENT"
    expire(row)
    send_again_now(row)
    advance(transaction_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.given_up) == ("SENT", "deadline")
    liar.be_honest()
    assert wait(row).state == "MINED"
    assert world.mined_nonces() == 1


def send_again_now(row: OutboundTransaction) -> None:
    """As if the last send had been long ago."""
    stored = OutboundTransaction.objects.get(pk=row.pk)
    assert stored.sent_at is not None
    OutboundTransaction.objects.filter(pk=row.pk).update(sent_at=stored.sent_at - 2 * RESEND_AFTER)


def test_r7_a_receipt_that_comes_and_goes_is_no_reorganisation(world: World, liar: LyingNode) -> None:
    """The block still stands at its height, so only the node's own index is in trouble."""
    mined = wait(store(world.prepare_open()))
    told = story(mined)
    liar.lies[RECEIPT] = lambda _params, _honest: None
    assert check_recent_blocks(network=Network.TESTNET) == 0
    actors.mine(rpc_url=world.rpc_url, blocks=SAFE_DEPTH)
    assert confirm_transactions(network=Network.TESTNET) == 1
    mined.refresh_from_db()
    assert (mined.state, mined.vanished, story(mined)) == ("MINED", 0, told)
    liar.be_honest()
    assert confirm_transactions(network=Network.TESTNET) == 1
    mined.refresh_from_db()
    assert mined.state == "FINAL"


@pytest.fixture
def black_hole(world: World, settings: Settings) -> Iterator[LyingNode]:
    """A submit endpoint that says yes to everything and hands nothing on."""
    with LyingNode(world.rpc_url).serve(Endpoint.SUBMIT) as endpoint:
        endpoint.substitutes[SEND] = lambda params: {"result": "0x" + keccak(hexstr=params[0]).hex()}
        configure(settings, "SUBMIT_RPC_URL", endpoint.url)
        yield endpoint


@pytest.mark.parametrize("is_late", [False, True])
def test_r7_bytes_that_the_submit_endpoint_took_and_lost_reach_the_chain_by_the_node(
    world: World, black_hole: LyingNode, is_late: bool
) -> None:
    row = store(world.prepare_open())
    assert broadcast(transaction_id=row.pk).state == "SENT"
    send_again_now(row)
    assert world.mined_nonces() == 0
    if is_late:
        expire(row)
    assert wait(row).state == ("EXPIRED" if is_late else "MINED")
    assert world.mined_nonces() == 1


def test_p13_an_empty_purse_in_the_middle_of_a_queue_burns_no_nonce_and_heals_by_itself(world: World) -> None:
    rows = [store(world.prepare_open(collateral=20_000_000)) for _ in range(3)]
    assert wait(rows[0]).state == "MINED"
    actors.fund_native(rpc_url=world.rpc_url, address=world.delegate, wei=1000)
    for row in rows[1:]:
        assert broadcast(transaction_id=row.pk).state == "SIGNED"
        assert advance(transaction_id=row.pk).state == "SIGNED"
    with pytest.raises(errors.DelegateGasLow):
        world.prepare_open()
    assert (Signer.objects.get().next_nonce, world.mined_nonces()) == (3, 1)
    expire(rows[2])
    assert advance(transaction_id=rows[2].pk).state == "SIGNED"
    actors.fund_native(rpc_url=world.rpc_url, address=world.delegate, wei=10**18)
    assert wait(rows[2]).state == "EXPIRED"
    assert wait(rows[1]).state == "MINED"
    after = wait(store(world.prepare_open(collateral=20_000_000)))
    assert (after.state, after.nonce, world.mined_nonces()) == ("MINED", 3, 4)
    assert newest_attempt(rows[1]).purpose == "call"


def test_p18_a_queue_before_a_silent_node_costs_each_of_its_rows_two_sends(world: World, liar: LyingNode) -> None:
    """Nothing behind the first that is not taken can be taken, so nobody waits for the time-outs of the whole queue."""
    rows = [store(world.prepare_open(collateral=20_000_000)) for _ in range(5)]
    OutboundTransaction.objects.update(created_at=rows[0].created_at - 2 * PREDECESSOR_PATIENCE)
    sent: list[str] = []

    def keep_silent(params: list[Any]) -> dict[str, Any]:
        sent.append(params[0])
        return {"error": {"code": -32000, "message": "queue full"}}

    liar.substitutes[SEND] = keep_silent
    advance(transaction_id=rows[-1].pk)
    hands = [row.attempts.get().raw for row in (rows[0], rows[-1])]
    assert sent == ["0x" + bytes(raw).hex() for raw in hands]
    liar.be_honest()
    assert [wait(row).state for row in reversed(rows)] == ["MINED"] * 5
    assert world.mined_nonces() == 5

"""P9 to P11: fees that outgrow a signature, and what else is signed under the same nonce, whichever of it is mined."""

from collections.abc import Iterator

import pytest

from ostium_service import composition
from ostium_service.types import Network, Wei
from relay.models import OutboundTransaction, Signer, TransactionAttempt
from relay.services import advance
from relay.services.sending import send
from relay.services.signing import sign_cancellation, sign_replacement
from sandbox import actors
from sandbox.chain import Chain
from tests.integration.relay.conftest import COLLATERAL, World
from tests.integration.relay.steps import expire, send_by_hand, store, story, wait

GWEI = 10**9
BASE_FEE = 20_000_000


@pytest.fixture
def base_fee(chain: Chain) -> Iterator[Chain]:
    """The chain, whose base fee a test may change."""
    yield chain
    chain.set_base_fee(BASE_FEE)
    actors.mine(rpc_url=chain.rpc_url, blocks=1)


def set_base_fee(chain: Chain, wei: int) -> None:
    """From the next blocks on. Empty blocks let it fall by an eighth each until the chain's keeper raises it again."""
    chain.set_base_fee(wei)
    actors.mine(rpc_url=chain.rpc_url, blocks=2)


def test_p9_a_fee_that_was_outgrown_is_raised_under_the_same_nonce(world: World, base_fee: Chain) -> None:
    row = store(world.prepare_open())
    set_base_fee(base_fee, GWEI // 2)
    mined = wait(row)
    first, second = row.attempts.order_by("id")
    assert (mined.state, mined.nonce, mined.mined_hash) == ("MINED", 0, second.tx_hash)
    assert second.max_fee_per_gas >= first.max_fee_per_gas * 1.1
    assert world.mined_nonces() == 1


def test_p9_beyond_the_ceiling_it_waits_and_is_sent_when_the_fee_falls(world: World, base_fee: Chain) -> None:
    row = store(world.prepare_open())
    set_base_fee(base_fee, 100 * GWEI)
    for _ in range(3):
        assert advance(transaction_id=row.pk).state == "SIGNED"
    assert row.attempts.count() == 1
    set_base_fee(base_fee, BASE_FEE)
    assert wait(row).state == "MINED"


def test_p9_beyond_the_ceiling_it_waits_until_its_deadline_and_expires(world: World, base_fee: Chain) -> None:
    """No bump beyond the deadline; its nonce is spent once the fee allows a self-transfer, and no trade is made."""
    before = world.usdc()
    row = store(world.prepare_open())
    set_base_fee(base_fee, 100 * GWEI)
    assert advance(transaction_id=row.pk).state == "SIGNED"
    expire(row)
    for _ in range(3):
        assert advance(transaction_id=row.pk).state == "SIGNED"
    assert row.attempts.count() == 1
    set_base_fee(base_fee, BASE_FEE)
    ended = wait(row)
    assert (ended.state, ended.given_up, ended.attempts.count()) == ("EXPIRED", "deadline", 2)
    assert (world.usdc(), world.mined_nonces()) == (before, 1)


def sign_by_hand(world: World, row: OutboundTransaction, *, times: int, purpose: str = "call") -> TransactionAttempt:
    """A replacement or cancellation that a process signed and stored, and did not live to send."""
    key = composition.vault().delegate_key(Network.TESTNET, world.delegate)
    fee = Wei(row.attempts.latest("id").max_fee_per_gas * times)
    if purpose == "call":
        made = sign_replacement(transaction=row, key=key, max_fee=fee)
    else:
        made = sign_cancellation(transaction=row, key=key, max_fee=fee, why="deadline")
    assert made is not None
    return made


@pytest.mark.parametrize("mined", [0, 1, 2])
def test_p10_whichever_of_original_and_replacements_is_mined_is_the_result(world: World, mined: int) -> None:
    before = world.usdc()
    row = store(world.prepare_open())
    for times in (2, 3):
        sign_by_hand(world, row, times=times)
    attempts = list(row.attempts.order_by("id"))
    send_by_hand(world, bytes(attempts[mined].raw), attempts[mined].tx_hash)
    ended = advance(transaction_id=row.pk)
    assert (ended.state, ended.mined_hash, ended.tx_hash) == ("MINED", *[attempts[mined].tx_hash] * 2)
    assert (ended.attempts.count(), world.mined_nonces(), Signer.objects.get().next_nonce) == (3, 1, 1)
    assert world.usdc() == before - COLLATERAL


def test_p11_a_cancellation_asked_twice_is_the_same_bytes(world: World) -> None:
    row = store(world.prepare_open())
    first = sign_by_hand(world, row, times=2, purpose="cancel")
    again = sign_by_hand(world, row, times=1, purpose="cancel")
    assert (first.pk, bytes(first.raw)) == (again.pk, bytes(again.raw))
    expire(row)
    assert wait(row).mined_hash == first.tx_hash


def test_p11_a_cancellation_that_is_mined_within_its_own_step_ends_the_row_by_its_reason(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = store(world.prepare_open())
    expire(row)

    def send_and_see_it_mined(stored: OutboundTransaction) -> OutboundTransaction:
        sent = send(stored)
        tx_hash = stored.attempts.latest("id").tx_hash
        actors.wait_outcome(node=actors.open_node(world.rpc_url), transaction_hash=tx_hash)
        return sent

    monkeypatch.setattr("relay.services.following.send", send_and_see_it_mined)
    ended = advance(transaction_id=row.pk)
    assert (ended.state, ended.given_up) == ("EXPIRED", "deadline")


def test_p11_a_cancellation_after_the_call_was_mined_is_refused(world: World) -> None:
    row = store(world.prepare_open())
    assert wait(row).state == "MINED"
    key = composition.vault().delegate_key(Network.TESTNET, world.delegate)
    assert sign_cancellation(transaction=row, key=key, max_fee=Wei(GWEI), why="deadline") is None
    assert row.attempts.count() == 1


def test_p11_the_call_may_be_mined_after_its_cancellation_was_signed(world: World) -> None:
    """Then the trade was made, and the row says so, whatever had been decided about it."""
    before = world.usdc()
    row = store(world.prepare_open())
    call = row.attempts.get()
    sign_by_hand(world, row, times=2, purpose="cancel")
    send_by_hand(world, bytes(call.raw), call.tx_hash)
    ended = advance(transaction_id=row.pk)
    assert (ended.state, ended.given_up, ended.mined_hash) == ("MINED", "deadline", call.tx_hash)
    assert story(ended)[-1] == ("SIGNED", "MINED", "receipt with status 1")
    assert (world.usdc(), world.mined_nonces()) == (before - COLLATERAL, 1)


def test_p11_a_cancellation_that_the_fee_outgrew_is_replaced(world: World, base_fee: Chain) -> None:
    row = store(world.prepare_open())
    expire(row)
    first = sign_by_hand(world, row, times=2, purpose="cancel")
    set_base_fee(base_fee, 4 * GWEI)
    ended = wait(row)
    second = ended.attempts.filter(purpose="cancel").latest("id")
    assert (ended.state, ended.mined_hash) == ("EXPIRED", second.tx_hash)
    assert second.max_fee_per_gas > first.max_fee_per_gas
    assert world.mined_nonces() == 1

"""P15, P17, P19: what passes, or is withdrawn, between preparation, signature and send, whatever the time of day."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.clock import database_now
from relay.models import OutboundTransaction, Signer
from relay.services import begin_retirement, broadcast
from safeguards.services import suspend_grant
from sandbox.processes import wait_until
from tests.integration.relay.conftest import World
from tests.integration.relay.hosts import is_somebody_waiting, other_host
from tests.integration.relay.steps import SEND_WITHIN, expire, store, wait
from tests.support.lying_node import LyingNode

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_p17_a_host_whose_clock_is_an_hour_off_neither_expires_nor_sends_late(
    world: World, monkeypatch: pytest.MonkeyPatch, step: timedelta
) -> None:
    """Deadlines are made and read by the database's clock, waiting is measured by the monotonic one."""
    honest = timezone.now
    signed_elsewhere = store(world.prepare_open())
    monkeypatch.setattr(timezone, "now", lambda: honest() + step)
    here = store(world.prepare_open())
    for row in (signed_elsewhere, here):
        assert wait(row).state == "MINED"
        stored = OutboundTransaction.objects.get(pk=row.pk)
        left = stored.deadline - stored.created_at
        assert timedelta(seconds=50) < left <= SEND_WITHIN
        assert stored.sent_at is not None and stored.decided_at is not None
        assert stored.created_at <= stored.sent_at <= stored.decided_at <= database_now()
    overdue = store(world.prepare_open())
    expire(overdue)
    assert wait(overdue).state == "EXPIRED"


def test_p15_a_deadline_that_passes_between_preparation_and_signature_takes_no_nonce(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = world.prepare_open()
    stood_still = time.monotonic() + SEND_WITHIN.total_seconds()
    monkeypatch.setattr(time, "monotonic", lambda: stood_still)
    with pytest.raises(errors.ExecutionExpired) as refusal:
        store(prepared)
    assert refusal.value.details == {"reason": "prepared_too_long_ago"}
    monkeypatch.setattr(time, "monotonic", lambda: prepared.made_at + 31)
    with pytest.raises(errors.VaultUnavailable) as other:
        store(prepared)
    assert (other.value.details, other.value.retryable) == ({"reason": "key_expired"}, True)
    assert (OutboundTransaction.objects.count(), Signer.objects.get().next_nonce) == (0, 0)


def test_p15_the_deadline_counts_from_the_preparation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = world.prepare_open()
    monkeypatch.setattr(time, "monotonic", lambda: prepared.made_at + 20)
    row = store(prepared)
    left = row.deadline - database_now()
    assert timedelta(seconds=35) < left <= timedelta(seconds=40)


def test_p19_a_suspension_stops_bytes_whose_answer_was_lost(world: World, liar: LyingNode) -> None:
    """UNKNOWN bytes are not helped out any more; whichever of call and self-transfer is taken, the row says it."""
    before = world.usdc()
    row = store(world.prepare_open())
    liar.substitutes["eth_sendRawTransaction"] = lambda _: {"error": {"code": -32000, "message": "queue full"}}
    assert broadcast(transaction_id=row.pk).state == "UNKNOWN"
    suspend_grant(network=Network.TESTNET, trader=Address(world.trader.address))
    liar.be_honest()
    ended = wait(row)
    assert (ended.state, ended.given_up) == ("CANCELLED", "delegation_suspended")
    assert (world.usdc(), world.mined_nonces()) == (before, 1)


def test_p19_a_retirement_that_begins_while_the_lock_is_awaited_stops_an_opening(world: World) -> None:
    """The gate is asked before the signer is locked; what it judged by is compared under the lock."""
    prepared = world.prepare_open()
    begun = threading.Event()

    def sign() -> None:
        with other_host():
            begun.wait(10)
            store(prepared)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sign)
        with transaction.atomic():
            Signer.objects.select_for_update().get()
            begun.set()
            wait_until(is_somebody_waiting, seconds=10, purpose="the signature's wait for the lock")
            begin_retirement(network=Network.TESTNET, address=world.delegate, actor="bob", reason="rotation")
        with pytest.raises(errors.DelegationNotActive):
            waiting.result()
    assert (OutboundTransaction.objects.count(), Signer.objects.get().next_nonce) == (0, 0)

"""Node, submit endpoint and Vault that fail in the middle of a write."""

import signal
from collections.abc import Iterator
from http import HTTPStatus

import pytest
import requests
from django.utils import timezone

from positions.models import PerpsExecution
from relay.models import OutboundTransaction, Signer
from sandbox import actors
from sandbox.sequencer import SEND
from sandbox.story import Story
from tests.faults.conftest import ETHER
from tests.faults.rig import IS_WHOLE, Rig
from tests.support.services import wait_for

SERVER_ERROR = 500
STAMMERS = [(500, ""), (503, "<html>"), (429, "{}"), (200, '{"jsonrpc":'), (0, "")]


@pytest.fixture(scope="module")
def story(rig: Rig) -> Story:
    return rig.make_delegated()


@pytest.fixture(autouse=True)
def healed(rig: Rig) -> Iterator[None]:
    yield
    rig.order_deaths()
    rig.signal_worker(signal.SIGCONT)
    for proxy in (rig.rpc, rig.submit, rig.vault):
        proxy.heal()


def chain_nonce(rig: Rig) -> int:
    [nonce] = rig.chain_nonces().values()
    return nonce


def test_p2_response_lost_after_the_node_took_it(rig: Rig, story: Story) -> None:
    before, trades = chain_nonce(rig), rig.open_trades(story)
    for proxy in (rig.submit, rig.rpc):
        proxy.fail(status=0, times=1, method=SEND, after_serving=True)
    call = rig.open(story)
    assert call.send().status_code == HTTPStatus.OK
    done = rig.settle(call)
    row = OutboundTransaction.objects.get(mined_hash=done["txHash"])
    assert [event.to_state for event in row.events.order_by("id")][:2] == ["SIGNED", "UNKNOWN"]
    assert (chain_nonce(rig), rig.open_trades(story)) == (before + 1, trades + 1)


def test_p3_submit_endpoint_took_it_silently_and_the_node_says_nonce_too_low(rig: Rig, story: Story) -> None:
    before = chain_nonce(rig)
    rig.submit.fail(status=0, times=1, method=SEND, after_serving=True)
    sent = rig.rpc.count(SEND)
    call = rig.open(story)
    assert call.send().status_code == HTTPStatus.OK
    rig.settle(call)
    assert rig.rpc.count(SEND) > sent
    assert chain_nonce(rig) == before + 1


def test_p6_a_later_nonce_sends_its_dead_predecessor_first(rig: Rig, story: Story) -> None:
    before, trades = chain_nonce(rig), rig.open_trades(story)
    rig.signal_worker(signal.SIGSTOP)
    rig.order_deaths("web:bytes_stored")
    first, second = rig.open(story), rig.open(story)
    with pytest.raises(requests.ConnectionError):
        first.send()
    assert chain_nonce(rig) == before
    assert second.send().status_code == HTTPStatus.OK
    rig.settle(second)
    rig.signal_worker(signal.SIGCONT)
    rig.settle(first)
    assert (chain_nonce(rig), rig.open_trades(story)) == (before + 2, trades + 2)


def test_p13_no_gas_takes_no_nonce_and_heals_by_itself(rig: Rig, story: Story) -> None:
    before = Signer.objects.get().next_nonce
    [delegate] = rig.delegates
    actors.fund_native(rpc_url=rig.sandbox.rpc_url, address=delegate, wei=0)
    call = rig.open(story)
    try:
        assert call.send().json()["error"]["code"] == "DELEGATE_GAS_LOW"
        assert Signer.objects.get().next_nonce == before
    finally:
        actors.fund_native(rpc_url=rig.sandbox.rpc_url, address=delegate, wei=ETHER)
    rig.settle(call)


def test_p15_deadline_passed_before_the_first_send_spends_the_nonce_without_a_trade(rig: Rig, story: Story) -> None:
    before, trades = chain_nonce(rig), rig.open_trades(story)
    rig.signal_worker(signal.SIGSTOP)
    rig.order_deaths("web:bytes_stored")
    call = rig.open(story)
    with pytest.raises(requests.ConnectionError):
        call.send()
    OutboundTransaction.objects.filter(state="SIGNED").update(deadline=timezone.now())
    rig.signal_worker(signal.SIGCONT)
    execution = PerpsExecution.objects.latest("created_at")
    wait_for(
        lambda: PerpsExecution.objects.get(pk=execution.pk).state == "EXPIRED",
        seconds=40,
        purpose="the execution's end",
    )
    error = call.send().json()["error"]
    assert error["code"] == "EXECUTION_EXPIRED"
    assert (chain_nonce(rig), rig.open_trades(story)) == (before + 1, trades)


@pytest.mark.parametrize(("status", "body"), STAMMERS if IS_WHOLE else STAMMERS[-2:])
def test_r6_a_stammering_node_delays_a_write_and_no_more(rig: Rig, story: Story, status: int, body: str) -> None:
    trades = rig.open_trades(story)
    rig.rpc.fail(status=status, body=body, times=1)
    call = rig.open(story)
    rig.settle(call)
    assert rig.open_trades(story) == trades + 1
    rig.settle(rig.trade(story, "/v1/positions/close", **rig.position(story)))


def test_v1_without_vault_nothing_is_signed_and_reads_go_on(rig: Rig, story: Story) -> None:
    before = Signer.objects.get().next_nonce
    rig.vault.fail(status=SERVER_ERROR)
    call = rig.open(story)
    response = call.send()
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert (response.json()["error"]["code"], response.json()["error"]["retryable"]) == ("VAULT_UNAVAILABLE", True)
    assert rig.positions(story)
    assert Signer.objects.get().next_nonce == before
    rig.vault.heal()
    rig.settle(call)

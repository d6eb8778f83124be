"""Broadcasts: one attempt an endpoint, and certainty only where there is some."""

from collections.abc import Callable
from typing import Any

import pytest

from ostium_service.gateways.arbitrum import Arbitrum, SendOutcome
from ostium_service.gateways.failures import Refused, System, Unreachable
from tests.unit.gateways.scripted_node import RAW, RAW_HASH, Node


def error(message: str, code: int = -32000) -> dict[str, Any]:
    """A node's refusal."""
    return {"code": code, "message": message}


A, K, U = SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN, SendOutcome.UNKNOWN
SLOW = Unreachable(System.SUBMIT, "too_slow")
DOWN = Unreachable(System.SUBMIT, "no_connection", unsent=True)


@pytest.mark.parametrize(
    ("submit", "rpc", "outcome", "asked_rpc"),
    [
        (RAW_HASH, None, A, 0),
        (error("already known"), None, K, 0),
        (error("nonce too low"), None, SendOutcome.NONCE_TOO_LOW, 0),
        (error("insufficient funds for gas * price + value"), None, SendOutcome.INSUFFICIENT_FUNDS, 0),
        (SLOW, RAW_HASH, A, 1),
        (SLOW, error("already known"), K, 1),
        (SLOW, error("nonce too low: address 0x1, tx: 1 state: 2"), U, 1),
        (SLOW, error("insufficient funds"), U, 1),
        (SLOW, SLOW, U, 1),
        (DOWN, error("nonce too low"), SendOutcome.NONCE_TOO_LOW, 1),
        (DOWN, error("max fee per gas less than block base fee"), SendOutcome.FEE_TOO_LOW, 1),
        (DOWN, DOWN, U, 1),
        ("0x" + "00" * 32, error("nonce too low"), U, 1),
        (error("something new"), RAW_HASH, A, 1),
        (error("sequencer busy"), error("nonce too high"), U, 1),
    ],
)
def test_p3_submit_first_then_the_node_while_in_doubt(
    connect: Callable[..., Arbitrum], submit: Any, rpc: Any, outcome: SendOutcome, asked_rpc: int
) -> None:
    node, sequencer = Node(eth_sendRawTransaction=rpc), Node(eth_sendRawTransaction=submit)
    assert connect(node, sequencer).send_raw(RAW) is outcome
    assert sequencer.posts == [["eth_sendRawTransaction"]]
    assert node.posts == [["eth_sendRawTransaction"]] * asked_rpc
    assert {request["params"][0] for request in node.requests + sequencer.requests} == {"0x" + RAW.hex()}


def test_without_a_submit_endpoint_the_node_is_asked_once(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_sendRawTransaction=SLOW)
    assert connect(node).send_raw(RAW) is U
    assert node.posts == [["eth_sendRawTransaction"]]


def test_r6_an_http_refusal_is_unknown(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_sendRawTransaction=Refused(System.RPC, "http_error"))
    assert connect(node).send_raw(RAW) is U


@pytest.mark.parametrize(
    ("submit", "rpc", "outcome"),
    [
        (RAW_HASH, RAW_HASH, A),
        (RAW_HASH, error("nonce too low"), A),
        (error("nonce too low"), error("already known"), K),
        (SLOW, RAW_HASH, A),
        (error("nonce too low"), error("nonce too low"), SendOutcome.NONCE_TOO_LOW),
        (error("nonce too low"), error("nonce too high"), U),
        (DOWN, error("insufficient funds"), U),
        (SLOW, DOWN, U),
    ],
)
def test_r7_bytes_that_may_be_lost_go_to_every_endpoint(
    connect: Callable[..., Arbitrum], submit: Any, rpc: Any, outcome: SendOutcome
) -> None:
    """What one of them took is taken; a refusal counts when all of them say it."""
    node, sequencer = Node(eth_sendRawTransaction=rpc), Node(eth_sendRawTransaction=submit)
    assert connect(node, sequencer).send_raw(RAW, everywhere=True) is outcome
    assert node.posts == sequencer.posts == [["eth_sendRawTransaction"]]


def test_a_single_endpoint_is_everywhere(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_sendRawTransaction=error("nonce too low"))
    assert connect(node).send_raw(RAW, everywhere=True) is SendOutcome.NONCE_TOO_LOW

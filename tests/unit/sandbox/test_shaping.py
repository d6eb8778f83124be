"""Failures, latencies and counts of the sandbox's endpoints."""

import pytest

from sandbox.shaping import Endpoint, Failure, Shaper


def test_counts_requests_and_methods() -> None:
    shaper = Shaper()
    shaper.enter(endpoint=Endpoint.RPC, methods=("eth_call", "eth_call", "eth_chainId"))
    shaper.enter(endpoint=Endpoint.FEED)
    assert shaper.calls() == {"rpc": 1, "eth_call": 2, "eth_chainId": 1, "feed": 1}

    shaper.reset_calls()

    assert shaper.calls() == {}


def test_a_failure_a_number_of_times() -> None:
    shaper = Shaper()
    failure = Failure(endpoint=Endpoint.FEED, status=500, body="x", times=2)
    shaper.set_failure(failure)

    answers = [shaper.enter(endpoint=Endpoint.FEED) for _ in range(3)]

    assert [answer and (answer.status, answer.body) for answer in answers] == [(500, "x"), (500, "x"), None]


def test_a_failure_of_one_method_leaves_the_others() -> None:
    shaper = Shaper()
    shaper.set_failure(Failure(endpoint=Endpoint.RPC, status=502, times=1, method="eth_sendRawTransaction"))

    assert shaper.enter(endpoint=Endpoint.RPC, methods=("eth_call",)) is None
    assert shaper.enter(endpoint=Endpoint.FEED) is None
    assert shaper.enter(endpoint=Endpoint.RPC, methods=("eth_call", "eth_sendRawTransaction")) is not None
    assert shaper.enter(endpoint=Endpoint.RPC, methods=("eth_sendRawTransaction",)) is None


def test_taken_back_and_reset() -> None:
    shaper = Shaper()
    shaper.set_failure(Failure(endpoint=Endpoint.FEED, status=500))
    shaper.set_failure(Failure(endpoint=Endpoint.SUBGRAPH, status=500))
    shaper.clear_failure(Endpoint.FEED)
    shaper.clear_failure(Endpoint.FEED)
    assert shaper.enter(endpoint=Endpoint.FEED) is None
    assert shaper.enter(endpoint=Endpoint.SUBGRAPH) is not None

    shaper.reset()

    assert shaper.enter(endpoint=Endpoint.SUBGRAPH) is None
    assert shaper.calls() == {"subgraph": 1}


def test_a_negative_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        Shaper().set_latency(endpoint=Endpoint.FEED, milliseconds=-1)

"""Clients whose transport is scripted."""

from collections.abc import Callable
from typing import Any

import pytest

from ostium_service.gateways import arbitrum as module
from ostium_service.gateways.arbitrum import Arbitrum
from ostium_service.gateways.resilience import Policy
from ostium_service.types import Network
from tests.unit.gateways.scripted_node import Node


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Arbitrum]:
    """An Arbitrum whose endpoints are the given nodes, the submit endpoint last."""

    def build(rpc: Node, submit: Node | None = None) -> Arbitrum:
        nodes = [submit, rpc]

        def open_next(**named: Any) -> Node:
            node = nodes.pop()
            assert node is not None
            return node(**named)

        monkeypatch.setattr(module, "HttpClient", open_next)
        policy = Policy(attempts=2, pause_seconds=0.0)
        return Arbitrum(Network.TESTNET, rpc_url="rpc", submit_url="submit" if submit else "", policy=policy)

    return build

"""A trader in front of the whole service, and a caller that signs."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from ostium_service import composition
from sandbox.openbao import VaultAccess
from tests.fixtures import SandboxUrls
from tests.integration.positions.conftest import Desk, clear_queue, make_desk
from tests.support.callers import SignedCaller
from tests.support.wiring import point_service


@pytest.fixture
def slow_desk(
    transactional_db: None, settings: Settings, sandbox: SandboxUrls, vault_dev: VaultAccess
) -> Iterator[Desk]:
    """A trader with an active delegation, at a node that a test can make slow; BTC stands at 90,000."""
    point_service(
        settings,
        rpc_url=sandbox.shaped_rpc_url,
        vault=vault_dev,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
    )
    sandbox.control.set_keeper(delay_seconds=0)
    clear_queue()
    made = make_desk(sandbox, vault_dev)
    made.set_price(0, "90000")
    yield made
    composition.reset()


@pytest.fixture
def signed(client: Client) -> SignedCaller:
    """A backend that signs its calls."""
    return SignedCaller(client)


@pytest.fixture
def desk(transactional_db: None, settings: Settings, sandbox: SandboxUrls, vault_dev: VaultAccess) -> Iterator[Desk]:
    """A trader with an active delegation; BTC stands at 90,000 without a spread."""
    point_service(
        settings,
        rpc_url=sandbox.rpc_url,
        vault=vault_dev,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
    )
    sandbox.control.set_keeper(delay_seconds=0)
    clear_queue()
    made = make_desk(sandbox, vault_dev)
    made.set_price(0, "90000")
    yield made
    composition.reset()


@pytest.fixture
def caller(client: Client) -> SignedCaller:
    return SignedCaller(client)

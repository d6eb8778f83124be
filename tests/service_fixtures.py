"""A running service with one delegated Safe, whose processes a test may kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from ostium_service import composition
from ostium_service.types import Network
from relay.models import Signer
from relay.services import create_delegate
from sandbox import actors
from sandbox.environment import Endpoints, make_secrets
from sandbox.openbao import VaultAccess
from sandbox.story import Stage, Story
from tests.fixtures import SandboxUrls
from tests.support.services import Services, test_database_url
from tests.support.wiring import point_service


@pytest.fixture
def services(
    transactional_db: None, settings: Settings, sandbox: SandboxUrls, vault_dev: VaultAccess, tmp_path: Path
) -> Iterator[Services]:
    """No process yet; a delegate is registered, has its key in Vault and gas."""
    point_service(settings, rpc_url=sandbox.rpc_url, vault=vault_dev)
    signer = create_delegate(
        network=Network.TESTNET, purpose=Signer.Purpose.DELEGATE, operator_token=vault_dev.operator_token
    )
    actors.fund_native(rpc_url=sandbox.rpc_url, address=signer.address, wei=10**18)
    endpoints = Endpoints(
        database_url=test_database_url(),
        rpc_url=sandbox.rpc_url,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
        vault_addr=vault_dev.addr,
    )
    running = Services(endpoints=endpoints, vault=vault_dev, secrets=make_secrets(), logs=tmp_path)
    yield running
    running.stop()
    composition.reset()


@pytest.fixture
def delegated(services: Services) -> Iterator[Story]:
    """A funded Safe that named our delegate through the running service; the processes are stopped again."""
    services.start_web()
    services.start_worker()
    stage = Stage(service_url=services.url, hmac_secret=services.secrets.hmac, rpc_url=services.endpoints.rpc_url)
    story = Story(stage, lambda _line: None)
    story.fund_a_safe()
    story.appoint_the_delegate()
    services.stop()
    yield story

"""What the upper tiers run against, each started once a session and ended with it: all real, all on loopback."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.chain import Chain, start_chain
from sandbox.control import SandboxControl
from sandbox.deploy import deploy
from sandbox.openbao import OpenBaoServer, VaultAccess
from sandbox.postgres import PostgresServer
from sandbox.server import SandboxServer


@dataclass(frozen=True, slots=True)
class SandboxUrls:
    """The running sandbox. `shaped_rpc_url` is the chain behind the latency and failures that `control` sets."""

    rpc_url: str
    shaped_rpc_url: str
    subgraph_url: str
    prices_url: str
    control: SandboxControl


@pytest.fixture(scope="session")
def service_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the started services write."""
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def postgres_url(service_logs: Path) -> Iterator[str]:
    """DATABASE_URL of a PostgreSQL 16 with an empty database; the environment's own when it names one."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    server = PostgresServer(directory=service_logs / "postgres", log_path=service_logs / "postgres.log")
    server.start()
    try:
        yield server.create_database(name="ostium")
    finally:
        server.delete()


@pytest.fixture(scope="session")
def vault_dev(service_logs: Path) -> Iterator[VaultAccess]:
    """An OpenBao with the service's role and an operator's token (addr, role_id, secret_id, operator_token)."""
    server = OpenBaoServer(log_path=service_logs / "openbao.log")
    access = server.start()
    try:
        yield access
    finally:
        server.stop()


@pytest.fixture(scope="session")
def chain(service_logs: Path) -> Iterator[Chain]:
    """A node with the venue and Safe deployed, a block every quarter second; shared, so use accounts of your own."""
    running = start_chain(log_path=service_logs / "anvil.log")
    try:
        deploy(running.rpc_url)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def sandbox_server(chain: Chain) -> Iterator[SandboxUrls]:
    """Feed, subgraph, keeper and control API over `chain`, for the whole session."""
    server = SandboxServer(rpc_url=chain.rpc_url)
    server.start()
    control = SandboxControl(server.url)
    try:
        yield SandboxUrls(
            rpc_url=chain.rpc_url,
            shaped_rpc_url=server.rpc_url,
            subgraph_url=server.subgraph_url,
            prices_url=server.url,
            control=control,
        )
    finally:
        control.close()
        server.stop()


@pytest.fixture
def sandbox(sandbox_server: SandboxUrls) -> Iterator[SandboxUrls]:
    """The session's sandbox as at its start: what a test sets (prices, keeper, lag, failures) ends with it."""
    sandbox_server.control.reset()
    try:
        yield sandbox_server
    finally:
        sandbox_server.control.reset()

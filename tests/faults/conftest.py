"""The rig of a module, and the recovery times for the end of a run."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from environ import FileAwareEnv
from psycopg import sql
from pytest_django import DjangoDbBlocker

from sandbox import actors
from sandbox.environment import Endpoints, build_command_environment, make_secrets
from sandbox.faultproxy import FaultProxy, HttpUpstream
from sandbox.openbao import VaultAccess
from sandbox.postgres import PostgresServer
from sandbox.sequencer import Sequencer
from sandbox.shaping import Endpoint
from sandbox.tcpproxy import TcpProxy
from tests.faults.rig import Rig
from tests.fixtures import SandboxUrls
from tests.support.services import ROOT, Services

ETHER = 10**18
TEMPLATE = "migrated"
RECOVERIES: dict[str, float] = {}
"""Seconds from each death to the outcome, by test."""
NOTES: list[str] = []
"""Lines for the end of the run."""


@pytest.fixture(scope="session")
def fault_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that these tests may stop, with a migrated database to copy."""
    folder = tmp_path_factory.mktemp("fault-postgres")
    server = PostgresServer(directory=folder / "data", log_path=folder / "postgres.log")
    server.start()
    environment = build_command_environment(
        database_url=server.create_database(name=TEMPLATE), service_secrets=make_secrets()
    )
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    yield server
    server.delete()


@pytest.fixture(scope="module")
def own_database(fault_postgres: PostgresServer, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """URL of an empty database of the module, to which Django's own connection is pointed meanwhile."""
    name = f"rig_{uuid4().hex}"
    with psycopg.connect(fault_postgres.database_url(name="postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, TEMPLATE))))
    url = fault_postgres.database_url(name=name)
    kept = dict(connection.settings_dict)
    with django_db_blocker.unblock():
        point_django(FileAwareEnv.db_url_config(url))
        yield url
        point_django(kept)


def point_django(database: Mapping[str, object]) -> None:
    """Let this process's connection lead elsewhere."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    names = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
    connection.settings_dict.update({name: database[name] for name in names})


@pytest.fixture(scope="module")
def proxies(sandbox_server: SandboxUrls, vault_dev: VaultAccess) -> Iterator[tuple[FaultProxy, FaultProxy, FaultProxy]]:
    """Node and submit endpoint with the sequencer's rules, and Vault."""
    made = (
        FaultProxy(endpoint=Endpoint.RPC, upstream=Sequencer(sandbox_server.rpc_url)),
        FaultProxy(endpoint=Endpoint.SUBMIT, upstream=Sequencer(sandbox_server.rpc_url, is_submit_endpoint=True)),
        FaultProxy(endpoint=Endpoint.VAULT, upstream=HttpUpstream(vault_dev.addr)),
    )
    for proxy in made:
        proxy.start()
    yield made
    for proxy in made:
        proxy.stop()


@pytest.fixture(scope="module")
def make_rig(
    own_database: str,
    sandbox_server: SandboxUrls,
    vault_dev: VaultAccess,
    proxies: tuple[FaultProxy, FaultProxy, FaultProxy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[int], Rig]]:
    """A rig with that many delegates; no process of it runs yet."""
    sandbox_server.control.reset()
    made: list[Rig] = []

    def make(delegates: int) -> Rig:
        made.append(
            build_rig(own_database, sandbox_server, vault_dev, proxies, tmp_path_factory.mktemp("rig"), delegates)
        )
        return made[-1]

    yield make
    for rig in made:
        rig.services.stop()
        rig.database.stop()
    sandbox_server.control.reset()


@pytest.fixture(scope="module")
def rig(make_rig: Callable[[int], Rig]) -> Rig:
    """One delegate; web and worker run."""
    made = make_rig(1)
    made.start_web()
    made.start_worker()
    return made


def build_rig(
    database_url: str,
    sandbox: SandboxUrls,
    vault: VaultAccess,
    proxies: tuple[FaultProxy, FaultProxy, FaultProxy],
    folder: Path,
    delegates: int,
) -> Rig:
    rpc, submit, vault_proxy = proxies
    real = urlsplit(database_url)
    database = TcpProxy(str(real.hostname), int(real.port or 0))
    database.start()
    endpoints = Endpoints(
        database_url=real._replace(netloc=real.netloc.replace(f":{real.port}", f":{database.port}")).geturl(),
        rpc_url=rpc.url,
        submit_url=submit.url,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
        vault_addr=vault_proxy.url,
    )
    services = Services(endpoints=endpoints, vault=vault, secrets=make_secrets(), logs=folder)
    orders = folder / "deaths"
    orders.touch()
    addresses = [make_delegate(services, sandbox.rpc_url) for _ in range(delegates)]
    return Rig(sandbox, services, database, rpc, submit, vault_proxy, orders, addresses)


def make_delegate(services: Services, rpc_url: str) -> str:
    """A key in Vault, registered and with gas."""
    address = str(
        json.loads(
            services.run_command(
                "create_delegate", "--network", "testnet", "--yes", "--actor", "test", "--reason", "another delegate"
            )
        )["address"]
    )
    actors.fund_native(rpc_url=rpc_url, address=address, wei=ETHER)
    return address


@pytest.fixture
def recovery(request: pytest.FixtureRequest) -> Callable[[float], None]:
    """Notes how long after the given moment (`time.monotonic()`) the outcome was there."""

    def note(since: float) -> None:
        RECOVERIES[request.node.name] = time.monotonic() - since

    return note


@pytest.fixture
def note() -> Callable[[str], None]:
    """Keeps a line for the end of the run."""
    return NOTES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of the run."""
    if RECOVERIES:
        times = sorted(RECOVERIES.values())
        slowest = max(RECOVERIES, key=lambda name: RECOVERIES[name])
        half, longest = times[len(times) // 2], times[-1]
        NOTES.append(f"recovery after {len(times)} kills: p50 {half:.1f} s, max {longest:.1f} s ({slowest})")
    if NOTES:
        terminalreporter.section("figures of the faults")
        for line in NOTES:
            terminalreporter.line(line)

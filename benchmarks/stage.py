"""A service on a local Ostium of the benchmark's own: started for one run, ended and removed with it.

The web processes see every outside system through the added latency; the worker sees them directly, so that what is
recorded was asked by the request that is being measured.
"""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

import requests

from benchmarks.recording import RecordingShaper, VaultDoor
from sandbox.actors import ETHER, fund_native
from sandbox.chain import Chain, start_chain
from sandbox.control import SandboxControl
from sandbox.deploy import deploy
from sandbox.environment import (
    Endpoints,
    ServiceSecrets,
    build_command_environment,
    build_operator_environment,
    build_service_environment,
    make_secrets,
)
from sandbox.openbao import OpenBaoServer, VaultAccess
from sandbox.postgres import PostgresServer
from sandbox.processes import LOOPBACK, ChildProcess, SandboxError, find_free_port, start_child, wait_until
from sandbox.server import SandboxServer
from sandbox.stackfile import ROOT

WEB_PROCESSES = 2
START_SECONDS = 60.0
COMMAND_SECONDS = 90.0
KEEPER_SECONDS = 0.2
"""How long the local oracle takes to settle; nothing that is measured waits for it."""


@dataclass
class Stage:
    """Everything that runs. `rpc_url` is the bare node; what is under `shaped` goes through the added latency."""

    directory: Path
    secrets: ServiceSecrets
    direct: Endpoints
    shaped: Endpoints
    vault: VaultAccess
    door: VaultDoor
    shaper: RecordingShaper
    control: SandboxControl
    ending: contextlib.ExitStack
    port: int = field(default_factory=find_free_port)
    web: ChildProcess | None = None
    worker: ChildProcess | None = None

    @property
    def service_url(self) -> str:
        """Where the web processes listen."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def rpc_url(self) -> str:
        """The node itself, without latency."""
        return self.direct.rpc_url

    def start_web(self, *, processes: int = WEB_PROCESSES, endpoints: Endpoints | None = None) -> ChildProcess:
        """Fresh web processes in place of those before; they answer `/health`, and have asked nobody for data yet.

        `endpoints` instead of what is behind the added latency.
        """
        if self.web is not None:
            self.web.stop()
        metrics = Path(tempfile.mkdtemp(prefix="metrics-", dir=self.directory))
        environment = build_service_environment(
            endpoints=endpoints or self.shaped,
            vault=replace(self.vault, addr=self.door.url),
            service_secrets=self.secrets,
            port=self.port,
            metrics=metrics,
        ) | {"WEB_CONCURRENCY": str(processes)}
        self.web = self._spawn("web", ["-m", "gunicorn", "ostium_service.wsgi"], environment)
        self.web.wait_ready(lambda: answers_health(self.service_url), seconds=START_SECONDS)
        return self.web

    def start_worker(self, *, endpoints: Endpoints | None = None) -> ChildProcess:
        """The worker that follows executions, in place of the one before; `endpoints` instead of the bare ones."""
        if self.worker is not None:
            self.worker.stop()
        environment = build_service_environment(
            endpoints=endpoints or self.direct,
            vault=self.vault,
            service_secrets=self.secrets,
            port=self.port,
            metrics=None,
        )
        self.worker = self._spawn("worker", ["manage.py", "procrastinate", "worker"], environment)
        return self.worker

    def create_delegate(self) -> str:
        """A delegate of the service with its key in Vault and ether for gas; returns its address."""
        environment = build_operator_environment(endpoints=self.direct, vault=self.vault, service_secrets=self.secrets)
        output = run_command(
            ["create_delegate", "--network", "testnet", "--yes", "--actor", "benchmark", "--reason", "a benchmark"],
            environment,
            directory=self.directory,
        )
        address = str(json.loads(output.strip().splitlines()[-1])["address"])
        fund_native(rpc_url=self.rpc_url, address=address, wei=ETHER)
        return address

    def _spawn(self, name: str, arguments: Sequence[str], environment: dict[str, str]) -> ChildProcess:
        child = start_child(
            name=name,
            command=[sys.executable, *arguments],
            environment=environment,
            log_path=self.directory / f"{name}.log",
            directory=ROOT,
        )
        self.ending.callback(child.stop)
        return child


def answers_health(url: str) -> bool:
    """Whether a web process answers there."""
    try:
        return requests.get(f"{url}/health", timeout=3).status_code == HTTPStatus.OK
    except requests.RequestException:
        return False


def run_command(arguments: Sequence[str], environment: dict[str, str], *, directory: Path) -> str:
    """A management command to its end; returns its output. SandboxError with the last line of its complaint."""
    child = start_child(
        name=arguments[0],
        command=[sys.executable, "manage.py", *arguments],
        environment=environment,
        log_path=directory / f"{arguments[0]}.log",
        directory=ROOT,
    )
    try:
        wait_until(lambda: not child.is_running, seconds=COMMAND_SECONDS, purpose=f"manage.py {arguments[0]}")
        if child.exit_status != 0:
            raise SandboxError(f"manage.py {arguments[0]} failed: {child.last_log_line()}")
        return child.log_path.read_text()
    finally:
        child.stop()


@contextlib.contextmanager
def open_stage(report: Callable[[str], object]) -> Iterator[Stage]:
    """Start everything; end and remove it after the block. SandboxError with one line when a part does not start."""
    with contextlib.ExitStack() as ending:
        directory = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="ostium-benchmark-")))
        report("starting PostgreSQL, OpenBao, the local Ostium and the service")
        stage = start_stage(directory=directory, ending=ending)
        stage.create_delegate()
        stage.start_web()
        stage.start_worker()
        yield stage


def start_stage(*, directory: Path, ending: contextlib.ExitStack) -> Stage:
    """What the service needs, side by side; every part is ended by `ending`, also when another one fails."""
    secrets = make_secrets()
    with ThreadPoolExecutor(max_workers=3) as pool:
        database = pool.submit(start_database, directory, ending, secrets)
        vault = pool.submit(start_vault, directory, ending)
        venue = pool.submit(start_venue, directory, ending)
        database_url, access, server = database.result(), vault.result(), venue.result()
    shaper = RecordingShaper()
    server.world.shaper = shaper
    door = VaultDoor(addr=access.addr, shaper=shaper)
    ending.callback(door.stop)
    control = SandboxControl(server.url)
    ending.callback(control.close)
    control.set_keeper(delay_seconds=KEEPER_SECONDS)
    direct = Endpoints(
        database_url=database_url,
        rpc_url=server.world.node.rpc_url,
        subgraph_url=server.subgraph_url,
        prices_url=server.url,
        vault_addr=access.addr,
    )
    shaped = replace(direct, rpc_url=server.rpc_url, vault_addr=door.url)
    return Stage(directory, secrets, direct, shaped, access, door, shaper, control, ending)


def start_database(directory: Path, ending: contextlib.ExitStack, secrets: ServiceSecrets) -> str:
    """An empty, migrated database; returns its URL."""
    server = PostgresServer(directory=directory / "postgres", log_path=directory / "postgres.log")
    ending.callback(server.delete)
    server.start()
    url = server.create_database(name="ostium")
    environment = build_command_environment(database_url=url, service_secrets=secrets)
    run_command(["migrate", "--verbosity", "0"], environment, directory=directory)
    return url


def start_vault(directory: Path, ending: contextlib.ExitStack) -> VaultAccess:
    """OpenBao with the service's role."""
    server = OpenBaoServer(log_path=directory / "openbao.log")
    ending.callback(server.stop)
    return server.start()


def start_venue(directory: Path, ending: contextlib.ExitStack) -> SandboxServer:
    """Chain, contracts, keeper, feed and subgraph."""
    chain: Chain = start_chain(log_path=directory / "anvil.log")
    ending.callback(chain.stop)
    deploy(chain.rpc_url)
    server = SandboxServer(rpc_url=chain.rpc_url)
    ending.callback(server.stop)
    server.start()
    return server

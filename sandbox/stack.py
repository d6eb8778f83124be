"""The supervisor behind `make run`: everything the service needs, the service itself, and the end of all of it.

What does not depend on one another starts side by side. Whatever happens after the first child has started, `stop`
ends every process group; a supervisor that was killed leaves a note by which the next start does the same.
"""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import requests

from sandbox.actors import ETHER, fund_native
from sandbox.chain import Chain, start_chain
from sandbox.deploy import deploy
from sandbox.environment import (
    Endpoints,
    ServiceSecrets,
    build_command_environment,
    build_operator_environment,
    build_service_environment,
    make_secrets,
)
from sandbox.family import Family
from sandbox.openbao import OpenBaoServer, VaultAccess
from sandbox.postgres import PostgresServer
from sandbox.processes import (
    LOOPBACK,
    SandboxError,
    read_start_time,
    require_free_port,
    wait_until,
)
from sandbox.second_factor import keep_second_factor
from sandbox.server import SandboxServer
from sandbox.stackfile import (
    HOME,
    RUN_DIRECTORY,
    RunningProcess,
    RunningStack,
    end_leftovers,
    read_stack,
    remove_stack,
    write_stack,
)

DEFAULT_PORT = 5002
STAFF_NAME = "staff"
DELEGATE_ETHER = 1
READY_SECONDS = 60.0
WATCH_SECONDS = 0.3


class Stack:
    """One run of everything. `start` returns when the service is ready; `stop` may be called at any time."""

    def __init__(self, *, port: int = DEFAULT_PORT, report: Callable[[str], object]) -> None:
        """Nothing runs yet. `report` gets a line about each part that is up."""
        self.port = port
        self.secrets: ServiceSecrets = make_secrets()
        self.delegate = ""
        # Known once the service is ready; every later note about a child repeats it.
        self._endpoints: Endpoints | None = None
        self._report = report
        self._started_at = time.monotonic()
        self._is_ours = False
        self._family = Family(on_change=self._write_down)
        self._postgres = PostgresServer(
            directory=HOME / "sandbox" / "postgres", log_path=RUN_DIRECTORY / "postgres.log"
        )
        self._openbao = OpenBaoServer(log_path=RUN_DIRECTORY / "openbao.log")

    @property
    def service_url(self) -> str:
        """Where the API and the admin are."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> RunningStack:
        """Start everything; SandboxError with one line when something is missing, taken or does not come up.

        The caller stops the stack, also after an error.
        """
        refuse_second_stack()
        require_free_port(port=self.port, purpose="service")
        with ThreadPoolExecutor(max_workers=3, thread_name_prefix="start") as pool:
            database = pool.submit(self._start_database)
            vault = pool.submit(self._start_vault)
            server = pool.submit(self._start_venue)
            try:
                endpoints, access = self._connect(database.result(), vault.result(), server.result())
            except BaseException:
                # The other starts end by themselves once what they wait for is gone.
                self.stop()
                raise
        self._start_service(endpoints=endpoints, vault=access)
        self._endpoints = endpoints
        stack = self._describe(processes=self._family.processes)
        write_stack(stack)
        return stack

    def watch(self, stopping: threading.Event) -> None:
        """Return when `stopping` is set; SandboxError when a part ends by itself."""
        while not stopping.wait(WATCH_SECONDS):
            self._family.require_running()

    def run_story(self) -> int:
        """The main job against this stack, in the same terminal; its exit status."""
        return self._family.run_attached([sys.executable, "-m", "sandbox.story"], name="story")

    def stop(self) -> None:
        """End everything in reverse order of its start; safe to call again."""
        self._family.stop()
        if self._is_ours:
            remove_stack()

    # --- the parts

    def _start_database(self) -> str:
        self._family.keep(self._postgres)
        self._postgres.start()
        self._family.note(self._postgres.child)
        url = self._postgres.create_database(name="ostium")
        self._report_ready("PostgreSQL")
        self._family.run_command(
            ["migrate", "--verbosity", "0"],
            environment=build_command_environment(database_url=url, service_secrets=self.secrets),
        )
        self._report_ready("database migrated")
        return url

    def _start_vault(self) -> VaultAccess:
        self._family.keep(self._openbao)
        access = self._openbao.start()
        self._family.note(self._openbao.child)
        self._report_ready("OpenBao (the Vault API)")
        return access

    def _start_venue(self) -> SandboxServer:
        chain: Chain = start_chain(log_path=RUN_DIRECTORY / "anvil.log")
        self._family.keep(chain)
        self._family.note_process(RunningProcess("Anvil", chain.pid, chain.started_at))
        deploy(chain.rpc_url)
        server = SandboxServer(rpc_url=chain.rpc_url)
        self._family.keep(server)
        server.start()
        self._report_ready("local Ostium: chain, contracts, keeper, prices, subgraph")
        return server

    def _connect(self, database_url: str, vault: VaultAccess, server: SandboxServer) -> tuple[Endpoints, VaultAccess]:
        endpoints = Endpoints(
            database_url=database_url,
            rpc_url=server.world.node.rpc_url,
            subgraph_url=server.subgraph_url,
            prices_url=server.url,
            vault_addr=vault.addr,
        )
        return endpoints, vault

    def _start_service(self, *, endpoints: Endpoints, vault: VaultAccess) -> None:
        """Web first, since it takes longest to be ready; delegate and staff are made meanwhile."""
        metrics = RUN_DIRECTORY / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        common = {"endpoints": endpoints, "vault": vault, "service_secrets": self.secrets}
        web_environment = build_service_environment(**common, port=self.port, metrics=metrics)  # type: ignore[arg-type]
        self._family.spawn(
            name="web",
            command=[sys.executable, "-m", "gunicorn", "ostium_service.wsgi", "--bind", f"{LOOPBACK}:{self.port}"],
            environment=web_environment,
        )
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="service") as pool:
            delegate = pool.submit(self._create_delegate, endpoints, vault)
            staff = pool.submit(self._create_staff, endpoints)
            self.delegate = delegate.result()
            staff.result()
        fund_native(rpc_url=endpoints.rpc_url, address=self.delegate, wei=DELEGATE_ETHER * ETHER)
        self._report_ready(f"delegate {self.delegate}")
        self._family.spawn(
            name="worker",
            command=[sys.executable, "manage.py", "procrastinate", "worker"],
            environment=build_service_environment(**common, port=self.port, metrics=None),  # type: ignore[arg-type]
        )
        wait_until(self._is_service_ready, seconds=READY_SECONDS, purpose=f"/ready of the service ({self._log('web')})")
        self._report_ready("service, web and worker")

    def _create_delegate(self, endpoints: Endpoints, vault: VaultAccess) -> str:
        environment = build_operator_environment(endpoints=endpoints, vault=vault, service_secrets=self.secrets)
        output = self._family.run_command(
            ["create_delegate", "--network", "testnet", "--yes", "--actor", STAFF_NAME, "--reason", "a local stack"],
            environment=environment,
        )
        return str(json.loads(output.strip().splitlines()[-1])["address"])

    def _create_staff(self, endpoints: Endpoints) -> None:
        environment = build_command_environment(database_url=endpoints.database_url, service_secrets=self.secrets)
        environment["STAFF_PASSWORD"] = self.secrets.staff_password
        output = self._family.run_command(["enrol_staff", STAFF_NAME, "--superuser"], environment=environment)
        keep_second_factor(uri=str(json.loads(output.strip().splitlines()[-1])["otpauth"]))

    def _is_service_ready(self) -> bool:
        self._family.require_running()
        try:
            return requests.get(f"{self.service_url}/ready", timeout=3).status_code == HTTPStatus.OK
        except requests.RequestException:
            return False

    def _write_down(self, processes: tuple[RunningProcess, ...]) -> None:
        self._is_ours = True
        write_stack(self._describe(processes=processes))

    def _describe(self, *, processes: tuple[RunningProcess, ...]) -> RunningStack:
        endpoints = self._endpoints
        return RunningStack(
            supervisor=RunningProcess("supervisor", os.getpid(), read_start_time(os.getpid())),
            processes=processes,
            is_ready=endpoints is not None,
            service_url=self.service_url,
            hmac_secret=self.secrets.hmac,
            rpc_url=endpoints.rpc_url if endpoints else "",
            control_url=endpoints.prices_url if endpoints else "",
            subgraph_url=endpoints.subgraph_url if endpoints else "",
            database_url=endpoints.database_url if endpoints else "",
            vault_addr=endpoints.vault_addr if endpoints else "",
            delegate=self.delegate,
        )

    def _report_ready(self, what: str) -> None:
        self._report(f"{time.monotonic() - self._started_at:5.1f} s  {what}")

    def _log(self, name: str) -> str:
        return str(RUN_DIRECTORY / f"{name}.log")


def refuse_second_stack() -> None:
    """SandboxError while another supervisor of this checkout runs; what a killed one left is ended first."""
    found = read_stack()
    if found and found.supervisor.is_alive:
        raise SandboxError(f"the sandbox runs already (pid {found.supervisor.pid}, {found.service_url})")
    end_leftovers()

"""Web and worker processes of the service, started and killed by tests."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import requests
from django.db import connection

from sandbox.environment import (
    Endpoints,
    ServiceSecrets,
    build_operator_environment,
    build_service_environment,
)
from sandbox.openbao import VaultAccess
from sandbox.processes import LOOPBACK, ChildProcess, find_free_port, start_child, wait_until

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30.0
WORKER = ("manage.py", "procrastinate", "worker")


def test_database_url() -> str:
    """The URL of Django's test database, for processes that share it with the test."""
    own = connection.settings_dict
    user, host, port, name = own["USER"], own["HOST"], own["PORT"], own["NAME"]
    return f"postgres://{user}:{own['PASSWORD']}@{host}:{port}/{name}"


@dataclass
class Services:
    """The processes of one test, all on one database, with their logs in one folder."""

    endpoints: Endpoints
    vault: VaultAccess
    secrets: ServiceSecrets
    logs: Path
    port: int = field(default_factory=find_free_port)
    children: list[ChildProcess] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the web process listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def start_web(
        self, *, module: str = "ostium_service.wsgi", options: Sequence[str] = ("--workers", "1"), **extra: str
    ) -> ChildProcess:
        """gunicorn, ready to answer; `extra` is added to its environment."""
        command = [sys.executable, "-m", "gunicorn", f"{module}:application", "--bind", f"{LOOPBACK}:{self.port}"]
        child = self._start("web", [*command, *options], **extra)
        child.wait_ready(self._is_ready, seconds=READY_SECONDS)
        return child

    def start_worker(self, *, program: Sequence[str] = WORKER, **extra: str) -> ChildProcess:
        """The procrastinate worker."""
        return self._start("worker", [sys.executable, *program], **extra)

    def run_command(self, *arguments: str) -> str:
        """A management command with an operator's rights, and what it printed."""
        environment = build_operator_environment(
            endpoints=self.endpoints, vault=self.vault, service_secrets=self.secrets
        )
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout

    def stop(self) -> None:
        """End every process."""
        for child in reversed(self.children):
            child.stop()
        self.children.clear()

    def _start(self, name: str, command: list[str], **extra: str) -> ChildProcess:
        environment = build_service_environment(
            endpoints=self.endpoints, vault=self.vault, service_secrets=self.secrets, port=self.port, metrics=None
        )
        log_path = self.logs / f"{len(self.children)}-{name}-{time.monotonic_ns()}.log"
        child = start_child(
            name=name, command=command, environment=environment | extra, log_path=log_path, directory=ROOT
        )
        self.children.append(child)
        return child

    def _is_ready(self) -> bool:
        try:
            return requests.get(self.url + "/ready", timeout=3).status_code == HTTPStatus.OK
        except requests.RequestException:
            return False


def wait_for(condition: Callable[[], bool], *, seconds: float, purpose: str) -> None:
    """Await a condition; fails the test when it does not come."""
    wait_until(condition, seconds=seconds, purpose=purpose)

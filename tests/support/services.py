"""Web and worker processes of the service, started and killed by tests."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import requests
from django.db import connection

from sandbox.environment import Endpoints, ServiceSecrets, build_service_environment
from sandbox.openbao import VaultAccess
from sandbox.processes import LOOPBACK, ChildProcess, find_free_port, start_child, wait_until

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 30.0


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

    def start_web(self, *, kill_at: str = "") -> ChildProcess:
        """gunicorn, ready to answer; with `kill_at` it dies at that point of the next write."""
        module = "tests.faults.killing_wsgi" if kill_at else "ostium_service.wsgi"
        command = [sys.executable, "-m", "gunicorn", f"{module}:application", "--bind", f"{LOOPBACK}:{self.port}"]
        child = self._start("web", [*command, "--workers", "1"], KILL_AT=kill_at)
        child.wait_ready(self._is_ready, seconds=READY_SECONDS)
        return child

    def start_worker(self) -> ChildProcess:
        """The procrastinate worker."""
        return self._start("worker", [sys.executable, "manage.py", "procrastinate", "worker"])

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

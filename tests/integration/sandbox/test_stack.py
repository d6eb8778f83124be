"""`python -m sandbox up`: what it says and starts, and that nothing of it is left, however it ends."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
import requests

from sandbox.postgres import PostgresServer
from sandbox.processes import find_free_port, wait_until
from sandbox.second_factor import compute_code
from sandbox.stackfile import ROOT

pytestmark = pytest.mark.timeout(180)
START_SECONDS = 90.0
STOP_SECONDS = 40.0


class Supervisor:
    """A supervisor with a home and a port of its own."""

    def __init__(self, home: Path) -> None:
        """Nothing runs yet."""
        self.home = home
        self.port = find_free_port()
        self.output = home / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it with an environment that carries a secret of the shell."""
        environment = {**os.environ, "SANDBOX_HOME": str(self.home), "PRIVATE_KEY": "a-key-of-the-shell"}
        environment.pop("DATABASE_URL", None)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--port", str(self.port), "up", "--no-story"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> "subprocess.Popen[bytes]":
        """The process."""
        assert self.process is not None
        return self.process

    def note(self) -> dict[str, Any]:
        """stack.json as it stands; empty when there is none."""
        try:
            found: dict[str, Any] = json.loads((self.home / "run" / "stack.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def await_note(self, wanted: str) -> dict[str, Any]:
        """The note once it holds a process of that name, or is ready."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            found = self.note()
            if found.get("supervisor", {}).get("pid") != self.running.pid:
                # The note of a killed one before it.
                found = {}
            names = {entry["name"] for entry in found.get("processes", ())}
            if wanted in names or (wanted == "ready" and found.get("is_ready")):
                return found
            assert self.running.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)

    def family(self) -> list[psutil.Process]:
        """Everything it started, gunicorn's and PostgreSQL's own children included."""
        return psutil.Process(self.running.pid).children(recursive=True)

    def end(self, number: int) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.running.send_signal(number)
        return self.running.wait(timeout=STOP_SECONDS)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """One that is ended with the test, whatever the test did."""
    made = Supervisor(tmp_path)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.process.send_signal(signal.SIGTERM)
            made.process.wait(timeout=STOP_SECONDS)
        PostgresServer(directory=tmp_path / "sandbox" / "postgres", log_path=tmp_path / "postgres.log").delete()


def alive(processes: list[psutil.Process]) -> list[str]:
    """Command lines of those that still run; a zombie does not."""
    found = []
    for process in processes:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()) or process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def test_up_serves_and_ctrl_c_leaves_nothing(supervisor: Supervisor) -> None:
    supervisor.start()
    note = supervisor.await_note("ready")
    family = supervisor.family()

    assert requests.get(f"{note['service_url']}/ready", timeout=10).status_code == 200
    assert {entry["name"] for entry in note["processes"]} == {
        *("PostgreSQL", "OpenBao", "Anvil", "web", "worker"),
        *("manage-migrate", "manage-create_delegate", "manage-enrol_staff"),
    }
    assert (supervisor.home / "run" / "stack.json").stat().st_mode & 0o777 == 0o600
    assert len(alive(family)) >= 8
    wait_until(lambda: "login" in supervisor.output.read_text(), seconds=20, purpose="the printed login")
    check_login(supervisor.output.read_text(), service_url=note["service_url"], home=supervisor.home)
    check_environments(family, note=note)

    status = supervisor.end(signal.SIGINT)

    assert (status, alive(family)) == (0, [])
    assert supervisor.note() == {}
    assert supervisor.output.read_text().rstrip().endswith("stopping\nstopped")


def check_login(output: str, *, service_url: str, home: Path) -> None:
    """The printed login opens the admin, with the second factor's code of the moment."""
    uri = (home / "run" / "staff-otpauth").read_text()
    secret = base64.b32decode(parse_qs(urlsplit(uri).query)["secret"][0])
    found = re.search(r"login (\S+), password (\S+)", output)
    assert found is not None, output
    with requests.Session() as session:
        page = session.get(f"{service_url}/admin/login/", timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None, page.status_code
        answer = session.post(
            f"{service_url}/admin/login/?next=/admin/",
            data={
                "username": found[1],
                "password": found[2],
                "otp_token": compute_code(secret=secret, at=time.time()),
                "csrfmiddlewaretoken": token[1],
            },
            timeout=10,
            allow_redirects=False,
        )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def check_environments(family: list[psutil.Process], *, note: dict[str, Any]) -> None:
    """Web and worker hold the service's own secrets; nobody holds the operator's token or the shell's key."""
    environments = {process.pid: process.environ() for process in family if process.is_running()}
    values = [value for environment in environments.values() for value in environment.values()]
    assert "a-key-of-the-shell" not in values
    assert not [name for environment in environments.values() for name in environment if name == "VAULT_OPERATOR_TOKEN"]
    pids = {entry["name"]: entry["pid"] for entry in note["processes"]}
    holding = {name: note["hmac_secret"] in environments[pids[name]].values() for name in ("web", "worker")}
    assert holding == {"web": True, "worker": True}
    for name in ("PostgreSQL", "OpenBao", "Anvil"):
        assert not {key for key in environments[pids[name]] if key.startswith(("HMAC", "DJANGO", "VAULT", "OSTIUM"))}


def test_a_second_one_is_refused_and_a_killed_one_is_cleaned_up(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start()
    supervisor.await_note("ready")
    family = supervisor.family()
    second = Supervisor(tmp_path)
    second.output = tmp_path / "second"

    second.start()
    assert second.running.wait(timeout=30) == 1
    assert second.output.read_text().startswith("error: the sandbox runs already (pid ")

    supervisor.running.kill()
    supervisor.running.wait()
    assert alive(family) != []
    second.start()
    try:
        second.await_note("ready")
        assert alive(family) == []
    finally:
        again = second.family()
        assert second.end(signal.SIGTERM) == 0
    assert alive(again) == []


def test_a_part_that_dies_ends_the_rest(supervisor: Supervisor) -> None:
    supervisor.start()
    note = supervisor.await_note("ready")
    family = supervisor.family()
    (worker,) = [entry["pid"] for entry in note["processes"] if entry["name"] == "worker"]

    os.kill(worker, signal.SIGKILL)

    assert supervisor.running.wait(timeout=STOP_SECONDS) == 1
    assert "error: worker ended with status -9" in supervisor.output.read_text()
    assert alive(family) == []


@pytest.mark.parametrize("moment", ["OpenBao", "manage-migrate", "web"])
def test_an_interrupted_start_leaves_nothing(supervisor: Supervisor, moment: str) -> None:
    supervisor.start()
    supervisor.await_note(moment)
    family = supervisor.family()

    status = supervisor.end(signal.SIGTERM)

    assert (status, alive(family), supervisor.note()) == (0, [], {})


def test_a_taken_port_is_one_clear_line(supervisor: Supervisor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", supervisor.port))
        taken.listen()
        supervisor.start()
        status = supervisor.running.wait(timeout=30)

    assert (status, supervisor.output.read_text()) == (
        1,
        f"error: port {supervisor.port} for the service is in use; free it and start again\n",
    )

"""The embedded PostgreSQL: starts, starts again over what a killed parent left, and leaves nothing running."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from sandbox.postgres import PostgresServer, choose_account
from sandbox.processes import SandboxError, wait_until
from sandbox.stackfile import ROOT


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A cluster of this test's own."""
    made = PostgresServer(directory=tmp_path / "cluster", log_path=tmp_path / "postgres.log")
    try:
        yield made
    finally:
        made.delete()


def family_of(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def is_gone(process: psutil.Process) -> bool:
    """Whether the process ended; a zombie has."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def query(url: str, statement: str) -> tuple[object, ...]:
    """One row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    found: tuple[object, ...] = row
    return found


def test_a_fresh_database_each_time_and_nothing_left(server: PostgresServer) -> None:
    server.start()
    url = server.create_database(name="ostium")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (x int)")
        assert server.ensure_database(name="ostium") == url
        assert query(url, "SELECT count(*) FROM kept") == (0,)
    assert server.create_database(name="ostium") == url
    assert query(url, "SELECT to_regclass('kept')") == (None,)
    assert query(url, "SELECT current_setting('server_version_num')::int / 10000, inet_server_addr()::text") == (
        16,
        "127.0.0.1/32",
    )
    processes = family_of(server.child.pid)
    assert len(processes) > 3

    server.stop()

    assert all(is_gone(process) for process in processes)
    server.stop()


def test_data_survive_a_stop(server: PostgresServer) -> None:
    server.start()
    with psycopg.connect(server.ensure_database(name="ostium"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    server.stop()

    server.start()

    assert query(server.ensure_database(name="ostium"), "SELECT x FROM kept") == (7,)


def test_a_server_left_by_a_killed_parent_is_replaced(tmp_path: Path, server: PostgresServer) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from sandbox.postgres import PostgresServer\n"
        "server = PostgresServer(directory=Path(sys.argv[1]), log_path=Path(sys.argv[2])); server.start()\n"
        "print(server.child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "cluster"), str(tmp_path / "first.log")]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = family_of(int(killed.stdout))

    server.start()

    wait_until(lambda: all(is_gone(process) for process in left), seconds=5, purpose="the end of the first server")
    assert query(server.ensure_database(name="ostium"), "SELECT 1") == (1,)


def test_a_stale_pid_file_of_a_dead_server_is_no_obstacle(tmp_path: Path, server: PostgresServer) -> None:
    server.start()
    pid = server.child.pid
    os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: not server.child.is_running, seconds=5, purpose="the kill")
    with pytest.raises(SandboxError, match="PostgreSQL ended with status -9"):
        server.child.require_running()

    server.start()

    assert server.child.pid != pid
    assert query(server.ensure_database(name="ostium"), "SELECT 1") == (1,)


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        blocked = PostgresServer(directory=tmp_path / "cluster", log_path=tmp_path / "postgres.log", port=port)
        try:
            with pytest.raises(SandboxError, match=f"^port {port} for the database is in use"):
                blocked.start()
        finally:
            blocked.delete()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_root_steps_down(server: PostgresServer) -> None:
    account = choose_account()
    assert account is not None
    server.start()

    assert {process.uids().effective for process in family_of(server.child.pid)} == {account.uid}
    assert {process.gids().effective for process in family_of(server.child.pid)} == {account.gid}


def test_an_ordinary_user_runs_it_in_place(tmp_path: Path) -> None:
    """As root this becomes an ordinary user by a user namespace, which keeps the access to the checkout."""
    become = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    if become and subprocess.run([*become, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine allows no user namespaces")
    script = (
        "import os, sys; from pathlib import Path; from sandbox.postgres import PostgresServer\n"
        "home = Path(sys.argv[1]); server = PostgresServer(directory=home / 'c', log_path=home / 'log')\n"
        "server.start(); url = server.create_database(name='ostium'); server.stop()\n"
        "print(os.geteuid() > 0, url != '', (home / 'c/data/PG_VERSION').read_text())"
    )

    done = subprocess.run(
        [*become, sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.split()) == (0, ["True", "True", "16"]), done.stderr

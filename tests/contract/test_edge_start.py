"""A half-configured web server ends at once and says why; /ready knows the database from its absence."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from ostium_service import probes
from ostium_service.http.health import Readiness

ROOT = Path(__file__).parents[2]
COMPLETE = {
    "DJANGO_DEBUG": "false",
    "DJANGO_SECRET_KEY": "k" * 50,
    "DJANGO_ALLOWED_HOSTS": "localhost",
    "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/none",
    "HMAC_SECRET": "h" * 32,
    "OSTIUM_NETWORKS": "testnet",
    "VAULT_ADDR": "https://127.0.0.1:1",
    "VAULT_TOKEN": "hvs.planted",
    "PORT": "0",
    "WEB_CONCURRENCY": "1",
}


@pytest.fixture
def node_of_another_chain() -> Iterator[str]:
    """Answers every JSON-RPC request, single or batch, with the chain id of Ethereum mainnet."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            many = asked if isinstance(asked, list) else [asked]
            answers = [{"jsonrpc": "2.0", "id": one["id"], "result": "0x1"} for one in many]
            body = json.dumps(answers if isinstance(asked, list) else answers[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    node = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=node.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{node.server_port}"
    node.shutdown()
    node.server_close()


def _start(**changes: str) -> subprocess.CompletedProcess[str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "ostium_service.wsgi:application"],
        cwd=ROOT,
        env={**keep, **COMPLETE, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"HMAC_SECRET": ""}, "ostium.E001"),
        ({"DJANGO_SECRET_KEY": "short"}, "ostium.E004"),
        ({"DJANGO_DEBUG": "true", "OSTIUM_NETWORKS": "testnet,mainnet"}, "ostium.E010"),
        ({"OSTIUM_TESTNET_RPC_URL": "http://rpc.example"}, "ostium.E033"),
    ],
)
def test_a_half_configured_server_ends_and_says_why(changes: dict[str, str], number: str) -> None:
    ended = _start(**changes)
    assert ended.returncode == 3
    assert "The service refuses to start" in ended.stderr
    assert number in ended.stderr
    assert "hvs.planted" not in ended.stderr


def test_a_node_of_another_chain_ends_the_server(node_of_another_chain: str) -> None:
    ended = _start(OSTIUM_TESTNET_RPC_URL=node_of_another_chain)
    assert ended.returncode == 3
    assert "ostium.E020: OSTIUM_TESTNET_RPC_URL does not answer for testnet (chain id 421614)" in ended.stderr


@pytest.fixture
def readiness() -> Readiness:
    ready = Readiness(budget=10.0, cache=0.0)
    ready.register("database", probes.probe_database)
    ready.register("migrations", probes.probe_migrations)
    return ready


@pytest.mark.django_db(transaction=True)
def test_ready_knows_an_unmigrated_database(readiness: Readiness) -> None:
    assert readiness.check() == {"database": "ok", "migrations": "ok"}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'relay' RETURNING app, name, applied")
        rows = cursor.fetchall()
    try:
        assert readiness.check() == {"database": "ok", "migrations": "migrations_missing"}
    finally:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", rows)
    assert readiness.check() == {"database": "ok", "migrations": "ok"}


@pytest.fixture
def no_pool() -> Iterator[None]:
    """Connections go to where the settings point now, and afterwards to the tests' database again."""
    cast("DatabaseWrapper", connection).close_pool()
    yield
    connection.close()
    cast("DatabaseWrapper", connection).close_pool()


@pytest.mark.django_db(transaction=True)
def test_ready_knows_a_database_that_is_away(
    no_pool: None, readiness: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
        patch.setitem(connections.settings["default"], "PORT", "1")
        assert readiness.check() == {"database": "failed", "migrations": "failed"}

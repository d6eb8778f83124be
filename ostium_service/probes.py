"""What /ready asks. Each probe returns when its system answers and raises otherwise; none is time-boxed here."""

from functools import cache, partial

from django.conf import settings
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ostium_service import composition
from ostium_service.http.health import register_probe
from ostium_service.types import Network


class MigrationsMissing(Exception):
    """The database's schema is older than this code; `manage.py migrate` has not run."""

    token = "migrations_missing"  # noqa: S105  a state's name, shown by /ready


def register_probes() -> None:
    """Hand the probes of this installation to the readiness: database, migrations, Vault, one RPC per network."""
    register_probe("database", probe_database)
    register_probe("migrations", probe_migrations)
    register_probe("vault", probe_vault)
    for network in settings.OSTIUM_NETWORKS:
        register_probe(f"rpc_{network.value}", partial(probe_rpc, network=network))


def probe_database() -> None:
    """One round trip. The connection is this thread's own, so it is closed again."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def probe_migrations() -> None:
    """MigrationsMissing unless every migration of the installed apps is recorded as applied."""
    try:
        applied = MigrationRecorder(connection).applied_migrations().keys()
    finally:
        connection.close()
    # A squashed migration counts as applied when all that it replaces are.
    for key, migration in _known_migrations().items():
        if key not in applied and not (migration.replaces and all(old in applied for old in migration.replaces)):
            raise MigrationsMissing(key)


def probe_vault() -> None:
    """Vault is unsealed and lets us in."""
    composition.vault().health()


def probe_rpc(*, network: Network) -> None:
    """The network's node answers, with the network's own chain id."""
    composition.arbitrum(network).verify_chain_id()


@cache
def _known_migrations() -> dict[tuple[str, str], Migration]:
    return dict(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)

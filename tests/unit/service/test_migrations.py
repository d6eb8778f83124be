"""B7: old and new code run on the same rows during a deploy, and no migration stops the tables that every write needs.

The linter of migrations: on a hot table that exists already only what old code survives and what takes no long lock.
"""

from collections.abc import Iterator

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

HOT = {
    "positions": {"perpsexecution", "executionevent"},
    "relay": {"outboundtransaction", "transactionattempt", "transactionevent", "signer"},
    "safeguards": {"grant"},
}
KNOWN = {("relay", "0003_retiring_signers"), ("positions", "0003_vanished")}
"""Reviewed by hand: a table of a few rows, and one from before the first release."""


def find_risks(app: str, migration: migrations.Migration) -> Iterator[str]:
    """What in a migration would lock a hot table for long, or break the code of the version before."""
    made = {op.name_lower for op in migration.operations if isinstance(op, migrations.CreateModel)}
    for operation in migration.operations:
        model = str(getattr(operation, "model_name", None) or getattr(operation, "name", "")).lower()
        if model in HOT[app] - made and not isinstance(operation, migrations.CreateModel):
            risk = describe_risk(operation)
            if risk:
                yield f"{app}.{migration.name}: {operation.describe()}: {risk}"
        if isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently) and migration.atomic:
            yield f"{app}.{migration.name}: a concurrent index needs atomic = False"


def describe_risk(operation: Operation) -> str:
    if isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently):
        return ""
    if isinstance(operation, migrations.AddField):
        field = operation.field
        return "" if field.null or field.has_db_default() else "old code inserts rows without it: null or db_default"
    if isinstance(operation, migrations.AlterField):
        return "an index by AddIndexConcurrently" if getattr(operation.field, "db_index", False) else ""
    if isinstance(operation, migrations.AddIndex):
        return "stops writes while it is built: AddIndexConcurrently"
    if isinstance(operation, migrations.AddConstraint):
        return "reads the whole table under a lock: AddConstraintNotValid, then ValidateConstraint"
    if isinstance(operation, migrations.RemoveConstraint | migrations.AlterModelOptions):
        return ""
    return "expand first: what old code uses goes in a later version"


@pytest.mark.parametrize("app", HOT)
def test_b7_no_migration_stops_or_breaks_what_runs(app: str) -> None:
    loader = MigrationLoader(None)
    own = [item for key, item in loader.disk_migrations.items() if key[0] == app and key not in KNOWN]
    assert own
    assert [risk for migration in own for risk in find_risks(app, migration)] == []


@pytest.mark.parametrize(
    ("operation", "is_risky"),
    [
        (migrations.RemoveField("PerpsExecution", "reason"), True),
        (migrations.RenameField("PerpsExecution", "reason", "why"), True),
        (migrations.DeleteModel("PerpsExecution"), True),
        (migrations.AlterModelOptions("PerpsExecution", {}), False),
    ],
)
def test_b7_the_linter_sees(operation: Operation, is_risky: bool) -> None:
    migration = type("Migration", (migrations.Migration,), {"operations": [operation]})("0099_made_up", "positions")
    assert bool(list(find_risks("positions", migration))) is is_risky

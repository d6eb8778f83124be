"""Empties Django's tables after a test that commits, several times faster than Django's own `flush`."""

from functools import cache

from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase

KEPT = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
"""What the migrations write: every `flush` would write the 200 permissions anew, and lose the groups of the staff."""


def empty_tables(case: TransactionTestCase) -> None:
    """Stands in for `TransactionTestCase._fixture_teardown`: one TRUNCATE for each database of the test."""
    for alias in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        found = connections[alias]
        found.ops.execute_sql_flush(found.ops.sql_flush(no_style(), list_tables(alias)))


@cache
def list_tables(alias: str) -> list[str]:
    """Django's tables but those that are kept; no test makes or drops one."""
    found = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    return [name for name in found if name not in KEPT]

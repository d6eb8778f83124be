"""What services need of the database beyond the ORM.

Giving the connection back, running a unit again whole, and several rows in one round trip.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import structlog
from django.db import OperationalError, connection, models, transaction
from django.db.models.sql import InsertQuery, UpdateQuery

P = ParamSpec("P")
T = TypeVar("T")
logger = structlog.get_logger(__name__)

RETRIED_STATES = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout: the server says that nothing of the unit happened."""

ATTEMPTS = 4


def release_connection() -> None:
    """Give the thread's connection back to the pool, unless a transaction is open on it.

    Called before waiting for the network; the next query takes a connection again. Inside a transaction there is
    nothing to give back, and no service calls the outside there (R2).
    """
    if not connection.in_atomic_block:
        connection.close()


class Writes:
    """Rows to be written in one round trip, in their order, where others wait for a lock that this transaction holds.

    After each of several statements the thread would wait for a processor and the interpreter again, lock in hand. Only
    inside a transaction: an error of any row is raised by `run` and undoes all of them. Several statements in one call
    need parameters bound by the client, which is Django's default.
    """

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._parameters: list[Any] = []

    def insert(self, row: models.Model) -> None:
        """A new row. A key that the database gives is not brought back; a default that it gives is read on demand."""
        meta = row._meta  # noqa: SLF001  Django documents it
        query = InsertQuery(type(row))
        has_key = row.pk is not None
        query.insert_values([f for f in meta.local_concrete_fields if has_key or f is not meta.pk], [row])
        for statement, parameters in query.get_compiler(connection=connection).as_sql():
            self._add(statement, parameters)
        for field in meta.db_returning_fields:
            if field is not meta.pk:
                row.__dict__.pop(field.attname, None)
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001  as `save` does

    def update(self, row: models.Model, *names: str) -> None:
        """These fields of a row that is locked, and so is there."""
        fields = [cast("models.Field[Any, Any]", row._meta.get_field(name)) for name in names]  # noqa: SLF001
        query = UpdateQuery(type(row))
        query.add_q(models.Q(pk=row.pk))
        query.add_update_fields([(field, None, field.pre_save(row, add=False)) for field in fields])
        self._add(*query.get_compiler(connection=connection).as_sql())

    def run(self) -> None:
        """Send them."""
        with connection.cursor() as cursor:
            cursor.execute("; ".join(self._statements), self._parameters)

    def _add(self, statement: str, parameters: Any) -> None:
        self._statements.append(statement)
        self._parameters.extend(parameters)


def in_one_unit(function: Callable[P, T]) -> Callable[P, T]:
    """Run the function in one transaction, and again from its start when the server says that it undid all of it.

    Only for functions whose whole effect is in the database. A connection lost at the commit is not retried: whether
    the commit was made is for the caller to read. Inside an open transaction it is part of that unit.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.in_atomic_block:
            return function(*args, **kwargs)
        for attempt in range(1, ATTEMPTS):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) not in RETRIED_STATES:
                    raise
                logger.warning("unit_run_again", unit=function.__name__, attempt=attempt)
        with transaction.atomic():
            return function(*args, **kwargs)

    return run

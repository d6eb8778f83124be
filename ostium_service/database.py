"""What services need of the database beyond the ORM: giving the connection back, and running a unit again whole."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection, transaction

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

"""The clock of the relay's rows is PostgreSQL's: hosts whose own clocks disagree still agree on a deadline.

Time-outs within one process are measured with `time.monotonic()`, which no step of a clock moves.
"""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's present moment, in the middle of a transaction too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now

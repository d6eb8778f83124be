"""A ledger of any size: rows as the service writes them, copied by PostgreSQL itself from one set of each.

The columns are read from the database, so a column that is added later keeps the copied row's value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

TRADERS: Final = 4_999
HEAVY_SHARE: Final = 5
"""Every fifth execution belongs to one trader."""
USER_SAFES: Final = 20
"""Safes of one user: the heavy trader and ordinary ones."""
UNFINISHED: Final = 300
FIRST_UNFINISHED: Final = 10_000_000
SPACING_SECONDS: Final = 30
BATCH: Final = 100_000
USER: Final = "ledger-user"
CALL_DATA_BYTES: Final = 200
"""A third of an order's call data, so that a million rows are soon written."""
REQUEST: Final = {"market": "BTC/USD", "side": "long", "collateral": "50", "leverage": "10", "orderType": "market"}
TABLES: Final = (
    "relay_outboundtransaction",
    "relay_transactionattempt",
    "relay_transactionevent",
    "perps_executions",
    "perps_execution_events",
)

NUMBER: Final = "rows.number"
MOMENT: Final = f"now() - {NUMBER} * interval '{SPACING_SECONDS} seconds'"
ORDINARY: Final = f"'0x1' || lpad(mod({NUMBER}, {TRADERS})::text, 39, '0')"
TRADER: Final = f"CASE mod({NUMBER}, {HEAVY_SHARE}) WHEN 0 THEN %(heavy)s ELSE {ORDINARY} END"
UNDECIDED: Final = f"(CASE mod({NUMBER}, 10) WHEN 0 THEN 'SIGNED' WHEN 1 THEN 'SENT' ELSE 'MINED' END)"


@dataclass(frozen=True, slots=True)
class Copies:
    """What differs from row to row, as SQL by column; the rest is as in the row that is copied."""

    table: str
    columns: Mapping[str, str]


def trader_of(number: int) -> str:
    """The trader of an execution that is not the heavy trader's; digits only, so that no case can be wrong."""
    return f"0x1{number % TRADERS:039d}"


def hash_of(word: str) -> str:
    """SQL for 32 bytes that depend on the row, as a chain's hash is written."""
    return f"'0x' || md5('{word}a' || {NUMBER}) || md5('{word}b' || {NUMBER})"


def key_of(word: str) -> str:
    """SQL for a row's UUID."""
    return f"md5('{word}' || {NUMBER})::uuid"


def list_copies(*, is_finished: bool) -> Sequence[Copies]:
    """Executions with their transaction, attempt and both stories."""
    decided = {"block_number": NUMBER, "mined_hash": hash_of("tx"), "decided_at": MOMENT, "confirmed_at": MOMENT}
    transaction = {"id": key_of("tx"), "nonce": NUMBER, "created_at": MOMENT, "sent_at": MOMENT}
    execution = {
        "id": key_of("ex"),
        "transaction_id": key_of("tx"),
        "trader_address": TRADER,
        "idempotency_key": f"'key-' || {NUMBER}",
        "tx_hash": hash_of("tx"),
        "order_id": f"(800000 + {NUMBER})::text",
        "created_at": MOMENT,
        "checked_at": MOMENT,
    }
    if is_finished:
        transaction |= decided | {"state": "'FINAL'"}
    else:
        transaction |= {"state": UNDECIDED, "block_number": NUMBER, "confirmed_at": "NULL"}
        execution |= {"state": UNDECIDED, "result": "NULL", "ended_at": "NULL"}
    story = {"at": MOMENT}
    attempt = {"transaction_id": key_of("tx"), "tx_hash": hash_of("tx"), "created_at": MOMENT}
    return (
        Copies("relay_outboundtransaction", transaction),
        Copies("relay_transactionattempt", attempt),
        Copies("relay_transactionevent", story | {"transaction_id": key_of("tx")}),
        Copies("perps_executions", execution),
        Copies("perps_execution_events", story | {"execution_id": key_of("ex")}),
    )


def copy_rows(*, url: str, original: str, heavy: str, start: int, stop: int, is_finished: bool) -> None:
    """Copy the execution `original` and all that hangs on it under the numbers from `start` up to before `stop`.

    The indexes are taken away meanwhile when there are many rows; statistics are fresh afterwards.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        # Foreign keys are not checked: the rows are copies of ones that were.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '256MB'")
        # A checkpoint every few seconds would write the same pages again and again.
        connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        connection.execute("SELECT pg_reload_conf()")
        indexes = drop_indexes(connection) if stop - start > BATCH else []
        for first in range(start, stop, BATCH):
            values = {"original": original, "heavy": heavy, "first": first, "last": min(first + BATCH, stop) - 1}
            for copies in list_copies(is_finished=is_finished):
                connection.execute(build_statement(connection, copies), values)
        for definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")


def build_statement(connection: "psycopg.Connection[Any]", copies: Copies) -> bytes:
    """INSERT ... SELECT over a series of numbers."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_identity = 'NO'",
        [copies.table],
    )
    names = [str(name) for (name,) in found]
    values = [copies.columns.get(name, sql.Identifier("was", name).as_string(connection)) for name in names]
    statement = sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM {} was, generate_series({}) AS rows(number) WHERE {}"
    ).format(
        sql.Identifier(copies.table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ".join(values)),
        sql.Identifier(copies.table),
        sql.SQL("%(first)s::bigint, %(last)s::bigint"),
        sql.SQL(choose_original(copies.table)),
    )
    return statement.as_bytes(connection)


def choose_original(table: str) -> str:
    """SQL that finds the copied rows of a table."""
    transaction = "(SELECT transaction_id FROM perps_executions WHERE id = %(original)s)"
    return {
        "relay_outboundtransaction": f"was.id = {transaction}",
        "relay_transactionattempt": f"was.transaction_id = {transaction}",
        "relay_transactionevent": f"was.transaction_id = {transaction}",
        "perps_executions": "was.id = %(original)s",
        "perps_execution_events": "was.execution_id = %(original)s",
    }[table]


def drop_indexes(connection: "psycopg.Connection[Any]") -> list[str]:
    """Drop every index that is not a constraint's; the statements that make them again."""
    found = connection.execute(
        "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s) AND NOT EXISTS"
        " (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)",
        [list(TABLES)],
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [str(definition) for _, definition in found]

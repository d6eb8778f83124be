"""How long the signer's row is locked while a crowd opens through one signer, as PostgreSQL itself sees it.

The server logs every statement with its end and its duration. A lock is granted when the SELECT ... FOR UPDATE of the
signer's row ends, and given back when the same session's COMMIT (or ROLLBACK) does; both moments are the server's, in
whole milliseconds, so that nothing in the service takes part in the measurement.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from benchmarks.crowd import THREADS, make_crowd, open_at_once, wait_for_pending
from benchmarks.figures import compute_percentile, format_aim, format_ms, format_table
from benchmarks.sequencer import put_sequencer_before
from benchmarks.stage import Stage
from benchmarks.throughput import OPENS_EACH, SAFES

AIM_SECONDS = 0.01
CALM = 2
"""Callers at a time who leave each other a processor."""
LINE = re.compile(r"(\d+\.\d+) (\d+) LOG:  duration: (\d+\.\d+) ms  [^:]*: (.*)")
LOCKS = re.compile(r'FROM "relay_signer".* FOR UPDATE')
ENDS = ("COMMIT", "ROLLBACK")
FLUSH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Lock:
    """Seconds that a lock was waited for and held, and the session's statements meanwhile with the server's part."""

    waited: float
    held: float = 0.0
    statements: int = 0
    in_server: float = 0.0


def measure_locks(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures for a crowd and for two callers at a time; whether the aim is met for both."""
    stage.shaper.set_all_latencies(milliseconds=0)
    with put_sequencer_before(stage):
        safes = [story.safe for story in make_crowd(stage, delegates=[stage.create_delegate()], safes=SAFES)]
        calm = _measure(stage, write, safes, traders=safes, threads=CALM)
        crowded = _measure(stage, write, safes, traders=safes * OPENS_EACH, threads=THREADS)
    return calm and crowded


def _measure(
    stage: Stage, write: Callable[[str], object], safes: Sequence[str], *, traders: Sequence[str], threads: int
) -> bool:
    log = stage.directory / "postgres.log"
    set_logging(stage, "0")
    begin = log.stat().st_size
    fired = open_at_once(stage, traders, threads=threads)
    wait_for_pending(stage.rpc_url, safes)
    set_logging(stage, "-1")
    found = list(read_locks(read_lines(log, begin)))
    failed = len(fired.failures)
    write(
        f"locks: {len(found)} locks of one signer's row in {len(traders)} opens, {threads} at a time, {failed} failed"
    )
    rows = [["the signer's row", "p50", "p99", "most"]]
    for name, seconds in (
        ("waited for", [lock.waited for lock in found]),
        ("held, from grant to commit", [lock.held for lock in found]),
        ("of that in PostgreSQL", [lock.in_server for lock in found]),
    ):
        rows.append([name, *(format_ms(compute_percentile(seconds, percent)) for percent in (50, 99, 100))])
    write(format_table(rows))
    write(f"  statements under the lock, the commit included: {max(lock.statements for lock in found)} at most")
    held = [lock.held for lock in found]
    is_met = compute_percentile(held, 99) < AIM_SECONDS and len(found) >= len(traders)
    write(format_aim(text=f"held under {format_ms(AIM_SECONDS)} at p99", is_met=is_met))
    return is_met


def set_logging(stage: Stage, milliseconds: str) -> None:
    """Log statements that take at least so long; "-1" logs none."""
    with psycopg.connect(stage.direct.database_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_line_prefix = '%n %p '")
        connection.execute(f"ALTER SYSTEM SET log_min_duration_statement = {int(milliseconds)}")
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(FLUSH_SECONDS)


def read_lines(log: Path, begin: int) -> list[str]:
    """What the server wrote since."""
    with log.open(errors="replace") as lines:
        lines.seek(begin)
        return lines.readlines()


def read_locks(lines: Iterable[str]) -> Iterator[Lock]:
    """Every lock of a signer's row in the log, by session."""
    granted: dict[str, tuple[float, Lock]] = {}
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        moment, session, seconds, statement = found[1], found[2], float(found[3]) / 1000, found[4]
        if session in granted:
            since, lock = granted[session]
            lock = replace(lock, statements=lock.statements + 1, in_server=lock.in_server + seconds)
            granted[session] = since, lock
            if statement.startswith(ENDS):
                del granted[session]
                yield replace(lock, held=float(moment) - since)
        elif LOCKS.search(statement):
            granted[session] = float(moment), Lock(waited=seconds)

"""Follows the chain and keeps what the subgraph knows: one snapshot per look that saw something new.

Everything in a snapshot comes from events and storage of the chain. A reorganised or reverted chain (tests do that)
is noticed by the hash of the last block read, and the index is built again from the start.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sandbox.entities import ENTITIES
from sandbox.index_orders import OrderIndex
from sandbox.index_pairs import read_meta_data, read_pairs
from sandbox.node import BlockHead, Node
from sandbox.processes import SandboxError

POLL_SECONDS = 0.1
PAIR_REFRESH_SECONDS = 5.0
KEPT_SNAPSHOTS = 6000
"""About ten minutes of blocks at four a second; a longer lag shows the oldest that is left."""

REPLACED_TABLES = ("Pair", "Group", "Fee", "MetaData")
FOLLOWED = ("trading", "callbacks", "priceUpKeep")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The index as of one block. Rows are replaced, never changed, so a snapshot stays true."""

    head: BlockHead
    observed_at: float
    tables: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)

    def rows(self, name: str) -> Mapping[str, Row]:
        """An entity's rows by id."""
        return self.tables.get(name, {})


class Indexer:
    """The index and the thread that keeps it; readers take snapshots and never wait for the thread."""

    def __init__(self, node: Node, *, poll_seconds: float = POLL_SECONDS) -> None:
        """Nothing is read before `start` or `catch_up`."""
        self._node = node
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self._tables: dict[str, dict[str, Row]] = {}
        self._orders = OrderIndex(node=node, tables=self._tables)
        self._last: BlockHead | None = None
        self._pairs_read_at = 0.0
        self._snapshots: deque[Snapshot] = deque(maxlen=KEPT_SNAPSHOTS)
        self._lag_seconds = 0.0
        self._lag_blocks = 0
        self.last_error: str | None = None

    def start(self) -> None:
        """Read what is there, then follow in a thread of its own."""
        self.catch_up()
        self._thread = threading.Thread(target=self._follow, name="sandbox-indexer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; safe to call again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None

    def set_lag(self, *, seconds: float = 0.0, blocks: int = 0) -> None:
        """How far `served` stays behind what the chain shows; both conditions hold when both are set."""
        self._lag_seconds, self._lag_blocks = seconds, blocks

    def latest(self) -> Snapshot:
        """What the chain shows now; SandboxError before the first look."""
        try:
            return self._snapshots[-1]
        except IndexError:
            raise SandboxError("the index has not read the chain yet") from None

    def served(self) -> Snapshot:
        """What the subgraph shows: `latest`, less the lag."""
        latest = self.latest()
        if not self._lag_seconds and not self._lag_blocks:
            return latest
        newest_time = time.monotonic() - self._lag_seconds
        newest_block = latest.head.number - self._lag_blocks
        kept = list(self._snapshots)
        for snapshot in reversed(kept):
            if snapshot.observed_at <= newest_time and snapshot.head.number <= newest_block:
                return snapshot
        return kept[0]

    def catch_up(self) -> Snapshot:
        """Read everything up to the chain's head now and return that; SandboxError when the node fails."""
        with self._writing:
            heads = self._node.heads([self._last.number] if self._last else [])
            head, known = heads[0], heads[1] if self._last else None
            if head is None:
                raise SandboxError("the chain has no blocks")
            if self._last and (known is None or known.hash != self._last.hash):
                self._forget()
            if self._last is None or head.number > self._last.number:
                self._read_or_begin_anew(head)
            return self.latest()

    def _follow(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            try:
                self.catch_up()
                self.last_error = None
            except SandboxError as error:
                # The node may be restarting or gone for good; the next look tells.
                self.last_error = str(error)

    def _forget(self) -> None:
        """The old snapshot is shown until the new one is whole, as an index that lags would."""
        self._tables.clear()
        self._last = None

    def _read_or_begin_anew(self, head: BlockHead) -> None:
        """What was applied by halves, as when the chain is reorganised meanwhile, is built again from the start."""
        try:
            self._read_up_to(head)
        except SandboxError:
            self._forget()
            raise

    def _read_up_to(self, head: BlockHead) -> None:
        first_block = self._last.number + 1 if self._last else 0
        if not self._tables:
            self._tables.update({name: {} for name in ENTITIES})
        logs = self._node.logs(first_block=first_block, last_block=head.number, contracts=FOLLOWED)
        blocks = sorted({entry.block_number for entry in logs})
        times = {found.number: found for found in self._node.heads(blocks)[1:] if found} if blocks else {}
        for transaction_hash, group in groupby(logs, key=lambda entry: entry.transaction_hash):
            entries = list(group)
            if entries[0].block_number not in times:
                raise SandboxError("the chain was reorganised while it was read")
            self._orders.apply(entries=entries, block=times[entries[0].block_number], transaction_hash=transaction_hash)
        self._refresh_pairs(head=head, changed=bool(logs))
        self._last = head
        tables = {name: dict(rows) for name, rows in self._tables.items()} if logs else self._reusable_tables()
        if first_block == 0:
            self._snapshots.clear()
        self._snapshots.append(Snapshot(head=head, observed_at=time.monotonic(), tables=tables))

    def _refresh_pairs(self, *, head: BlockHead, changed: bool) -> None:
        """Parameters may be changed by an administrator without any event, so they are read from time to time too."""
        now = time.monotonic()
        if not changed and now - self._pairs_read_at < PAIR_REFRESH_SECONDS:
            return
        self._pairs_read_at = now
        for name, rows in read_pairs(node=self._node, block=head.number, tables=self._tables).items():
            self._tables[name] = dict(rows)
        self._tables["MetaData"] = dict(read_meta_data(node=self._node, block=head.number, tables=self._tables))

    def _reusable_tables(self) -> Mapping[str, Mapping[str, Row]]:
        """Without events only the pair tables moved, and those are replaced as a whole: the rest can be shared."""
        if not self._snapshots:
            return {name: dict(rows) for name, rows in self._tables.items()}
        return {**self._snapshots[-1].tables, **{name: self._tables[name] for name in REPLACED_TABLES}}

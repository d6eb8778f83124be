"""The sandbox's keeper: answers price requests after a delay and fires limits, stops and liquidations.

It decides only when to act. Whether an order executes, and at which price, the contracts decide from the report.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.indexer import Indexer, Snapshot
from sandbox.node import Node, NodeError, read
from sandbox.prices import PriceScript, Quote
from sandbox.processes import SandboxError
from sandbox.triggers import Trigger, find_triggers

POLL_SECONDS = 0.1
DEFAULT_DELAY_SECONDS = 1.0
RETRY_SECONDS = 3.0
"""Between two firings for the same order: an attempt that the contract cancelled is not repeated at every look."""

LARGEST_REASON = 15
NO_PRICE = -1


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """A request that waits for its answer; `due` in monotonic seconds."""

    order_id: int
    feed_id: str
    due: float
    transaction_hash: str


@dataclass(slots=True)
class KeeperOrders:
    """What the keeper was told to do. `cancel_next` holds the reasons for the next requests, in order."""

    delay_seconds: float = DEFAULT_DELAY_SECONDS
    is_silent: bool = False
    is_automating: bool = True
    cancel_all: int | None = None
    cancel_next: list[int] = field(default_factory=list)


class Keeper:
    """One thread over one chain. All public methods may be called from any thread."""

    def __init__(
        self, *, node: Node, indexer: Indexer, prices: PriceScript, poll_seconds: float = POLL_SECONDS
    ) -> None:
        """Nothing happens before `start`; requests made earlier than that are answered too."""
        self._node = node
        self._indexer = indexer
        self._prices = prices
        self._poll_seconds = poll_seconds
        self._account = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._orders = KeeperOrders()
        self._next_block = 0
        self._seen_head: tuple[int, str] = (0, "")
        self._waiting: dict[int, PriceRequest] = {}
        self._fired: dict[Trigger, float] = {}
        self.last_error: str | None = None

    def start(self) -> None:
        """Begin to act; NodeError when the chain's contracts name no keeper account."""
        self._account = self._node.read(read("priceUpKeep", "keeper"))
        self._thread = threading.Thread(target=self._run, name="sandbox-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; safe to call again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None

    def reset(self) -> None:
        """Back to: answer after a second, automate, cancel nothing."""
        with self._lock:
            self._orders = KeeperOrders()

    def set_delay(self, seconds: float) -> None:
        """How long requests seen from now on wait for their answer; ValueError when negative."""
        if seconds < 0:
            raise ValueError("a delay is not negative")
        with self._lock:
            self._orders.delay_seconds = seconds

    def set_silent(self, is_silent: bool) -> None:
        """Answer nothing and fire nothing, or resume; requests made meanwhile are answered on resuming."""
        with self._lock:
            self._orders.is_silent = is_silent

    def set_automation(self, is_automating: bool) -> None:
        """Fire limits, stops, TP, SL, liquidations and day-trade closes, or leave them."""
        with self._lock:
            self._orders.is_automating = is_automating

    def cancel_next(self, *, reason: int, count: int = 1) -> None:
        """Answer the next `count` requests by cancelling them (reason 1..15, else ValueError)."""
        require_reason(reason)
        with self._lock:
            self._orders.cancel_next.extend([reason] * count)

    def cancel_all(self, reason: int | None) -> None:
        """Answer every request by cancelling it, until None."""
        if reason is not None:
            require_reason(reason)
        with self._lock:
            self._orders.cancel_all = reason

    def state(self) -> dict[str, Any]:
        """What it was told and what waits, for the control API."""
        with self._lock:
            orders = self._orders
            return {
                "delaySeconds": orders.delay_seconds,
                "isSilent": orders.is_silent,
                "isAutomating": orders.is_automating,
                "cancelAll": orders.cancel_all,
                "cancelNext": list(orders.cancel_next),
                "waiting": sorted(self._waiting),
                "lastError": self.last_error,
            }

    def _run(self) -> None:
        while not self._stopping.wait(self._poll_seconds):
            try:
                self._look()
                self.last_error = None
            except SandboxError as error:
                # The node may be restarting or gone for good; the next look tells.
                self.last_error = str(error)

    def _look(self) -> None:
        snapshot = self._indexer.latest()
        self._notice_requests(snapshot)
        with self._lock:
            silent, automating = self._orders.is_silent, self._orders.is_automating
        if silent:
            return
        now = time.monotonic()
        due = [request for request in self._waiting.values() if request.due <= now]
        for request in due:
            del self._waiting[request.order_id]
        sent = [self._answer(request) for request in sorted(due, key=lambda item: item.order_id)]
        if automating:
            sent += self._fire_due(snapshot)
        self._confirm(sent)

    def _notice_requests(self, snapshot: Snapshot) -> None:
        """Requests are taken from the index's pending orders: a reverted chain then forgets them by itself."""
        orders = snapshot.rows("Order")
        for order_id in [number for number in self._waiting if not is_pending(orders.get(str(number)))]:
            del self._waiting[order_id]
        with self._lock:
            due = time.monotonic() + self._orders.delay_seconds
        for row in orders.values():
            order_id = int(row["id"])
            if not row["isPending"]:
                continue
            known = self._waiting.get(order_id)
            if known is None or known.transaction_hash != row["initiatedTx"]:
                feed_id = str(snapshot.rows("Pair")[row["pair"]]["feed"])
                self._waiting[order_id] = PriceRequest(order_id, feed_id, due, row["initiatedTx"])

    def _answer(self, request: PriceRequest) -> str:
        reason = self._take_reason()
        if reason is not None:
            return self._send("priceUpKeep", "forceCancel", request.order_id, reason)
        quote = self._prices.quote_for_feed(request.feed_id)
        mid, bid, ask = quote.scaled()
        return self._send(
            "priceUpKeep",
            "settle",
            request.order_id,
            mid,
            bid,
            ask,
            quote.is_market_open,
            quote.is_day_trading_closed,
        )

    def _take_reason(self) -> int | None:
        with self._lock:
            if self._orders.cancel_next:
                return self._orders.cancel_next.pop(0)
            return self._orders.cancel_all

    def _fire_due(self, snapshot: Snapshot) -> list[str]:
        now = time.monotonic()
        self._fired = {trigger: at for trigger, at in self._fired.items() if now - at < RETRY_SECONDS}
        quotes: Mapping[str, Quote] = {
            str(quote.instrument.pair_id): quote
            for quote in self._prices.quotes()
            if quote.instrument.pair_id is not None
        }
        due = [item for item in find_triggers(snapshot=snapshot, quotes=quotes) if item not in self._fired]
        self._fired.update(dict.fromkeys(due, now))
        return [
            self._send(
                "trading",
                "executeAutomationOrder",
                trigger.kind,
                trigger.trader,
                trigger.pair,
                trigger.index,
                snapshot.head.timestamp,
            )
            for trigger in due
        ]

    def _send(self, contract: str, function: str, *arguments: Any) -> str:
        target = self._node.contracts[contract]
        data = target.encode(function, *arguments)
        return self._node.send(sender=self._account, to=target.address, data=data)

    def _confirm(self, sent: Sequence[str]) -> None:
        """Wait until all are mined, so that the next look sees their effect; a revert is kept as the last error."""
        receipts = [self._node.wait_receipt(transaction_hash) for transaction_hash in sent]
        if receipts:
            self._indexer.catch_up()
        reverted = [receipt["transactionHash"] for receipt in receipts if int(receipt["status"], 16) != 1]
        if reverted:
            raise NodeError(f"reverted: {', '.join(reverted)}")


def is_pending(row: Mapping[str, Any] | None) -> bool:
    """Whether an order row still waits for its answer."""
    return row is not None and bool(row["isPending"])


def require_reason(reason: int) -> None:
    """ValueError for anything but a cancel reason of the contracts (1..15)."""
    if not 1 <= reason <= LARGEST_REASON:
        raise ValueError(f"cancel reasons are 1 to {LARGEST_REASON}")

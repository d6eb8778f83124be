"""P1: kill -9 after each step of each write. Afterwards one transaction, one effect, and the repeated request knows it.

From the point `broadcast_sent` on this is I5 and I7 too: a process died after doing what it could not answer, and
the repeated request is told from the stored row. The matrix is the product of two lists. `FAULT_MATRIX=whole` (make
faults) runs all of it, a plain run a slice in which every operation and every point occurs.
"""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, product

import pytest
import requests

from positions.models import PerpsExecution
from relay.models import OutboundTransaction, Signer
from sandbox.node import read
from sandbox.story import PRICE, ZERO_ADDRESS, Story
from tests.faults.killing import POINTS as KNOWN_POINTS
from tests.faults.rig import IS_WHOLE, Rig, SignedCall
from tests.support.services import wait_for

RECOVERY_SECONDS = 30.0


@dataclass(frozen=True)
class Write:
    """A signed write, the answer it has to come to, and whether the chain shows its effect exactly once."""

    call: SignedCall
    wanted: str
    has_effect: Callable[[], bool]


def plan_open(rig: Rig, story: Story) -> Write:
    wanted = rig.open_trades(story) + 1
    return Write(rig.open(story), "settled", lambda: rig.open_trades(story) == wanted)


def plan_close(rig: Rig, story: Story) -> Write:
    slot = rig.position(story)
    wanted = rig.open_trades(story) - 1
    return Write(rig.trade(story, "/v1/positions/close", **slot), "settled", lambda: rig.open_trades(story) == wanted)


def plan_update(rig: Rig, story: Story) -> Write:
    slot = rig.position(story)
    target = int(rig.bitcoin() * Decimal("0.95")) - time.time_ns() % 1000
    place = (story.safe, slot["pairId"], slot["tradeIndex"])

    def has_effect() -> bool:
        return bool(story.node.read(read("tradingStorage", "getOpenTrade", *place))["sl"] == target * int(PRICE))

    return Write(rig.trade(story, "/v1/positions/update-sl", slPrice=str(target), **slot), "settled", has_effect)


def plan_cancellation(rig: Rig, story: Story) -> Write:
    """Of a limit order far under the market, which the keeper leaves alone."""
    order = rig.open(story, orderType="limit", triggerPrice=str(int(rig.bitcoin()) // 2))
    order_id = rig.settle(order)["orderId"]
    wanted = rig.resting_orders(story) - 1
    call = rig.trade(story, "/v1/orders/cancel", orderId=order_id)
    return Write(call, "settled", lambda: rig.resting_orders(story) == wanted)


def plan_appointment(rig: Rig, _story: Story) -> Write:
    fresh = rig.make_safe()
    rig.idle.append(fresh)
    return Write(rig.execution(fresh, "delegations"), "ACTIVE", lambda: names(fresh, rig.delegates[0]))


def plan_revocation(rig: Rig, _story: Story) -> Write:
    story = rig.idle.pop() if rig.idle else rig.make_delegated()
    return Write(rig.execution(story, "delegations/revoke"), "REVOKED", lambda: names(story, ZERO_ADDRESS))


def names(story: Story, delegate: str) -> bool:
    return bool(story.node.read(read("trading", "delegations", story.safe)) == delegate)


OPERATIONS = {
    "open": plan_open,
    "close": plan_close,
    "update_sl": plan_update,
    "cancel": plan_cancellation,
    "appoint": plan_appointment,
    "revoke": plan_revocation,
}
POINTS = [point for point in KNOWN_POINTS if point != "sweep"]
WORKER_POINTS = ["broadcast_sent", "broadcast_answered", "receipt_seen", "settlement_seen"]
CELLS = list(product(OPERATIONS, POINTS))
WORKER_CELLS = list(product(OPERATIONS, WORKER_POINTS))
SLICE = list(zip(cycle(OPERATIONS), POINTS, strict=False))
WORKER_SLICE = [("open", "receipt_seen")]


@pytest.fixture(scope="module")
def story(rig: Rig) -> Story:
    return rig.make_delegated()


@pytest.fixture
def stopped_worker(rig: Rig) -> Iterator[Callable[[], None]]:
    """The worker stands still, so that the web process is the one to reach the point; the call lets it go on."""
    rig.signal_worker(signal.SIGSTOP)
    yield lambda: rig.signal_worker(signal.SIGCONT)
    rig.signal_worker(signal.SIGCONT)
    rig.order_deaths()


def test_slice_has_every_operation_and_every_point() -> None:
    assert {operation for operation, _ in SLICE} == set(OPERATIONS)
    assert {point for _, point in SLICE} == set(POINTS)


@pytest.mark.parametrize(("operation", "point"), CELLS if IS_WHOLE else SLICE)
def test_p1_web_killed(
    operation: str,
    point: str,
    rig: Rig,
    story: Story,
    recovery: Callable[[float], None],
    request: pytest.FixtureRequest,
) -> None:
    write = OPERATIONS[operation](rig, story)
    before = Tally.read(rig)
    resume = request.getfixturevalue("stopped_worker")
    die_in_web(rig, write, f"web:{point}")
    died = time.monotonic()
    resume()
    rig.settle(write.call, wanted=write.wanted)
    recovery(died)
    assert time.monotonic() - died < RECOVERY_SECONDS
    before.require_one_more(rig)
    assert write.has_effect()


@pytest.mark.parametrize(("operation", "point"), WORKER_CELLS if IS_WHOLE else WORKER_SLICE)
def test_p1_web_killed_then_worker_killed(
    operation: str,
    point: str,
    rig: Rig,
    story: Story,
    recovery: Callable[[float], None],
    request: pytest.FixtureRequest,
) -> None:
    write = OPERATIONS[operation](rig, story)
    before = Tally.read(rig)
    resume = request.getfixturevalue("stopped_worker")
    die_in_web(rig, write, "web:bytes_stored", f"worker:{point}")
    resume()
    assert rig.worker is not None
    worker = rig.worker
    wait_for(lambda: not worker.is_running, seconds=RECOVERY_SECONDS, purpose=f"the worker's death at {point}")
    died = time.monotonic()
    rig.start_worker()
    rig.settle(write.call, wanted=write.wanted)
    recovery(died)
    assert time.monotonic() - died < RECOVERY_SECONDS
    before.require_one_more(rig)
    assert write.has_effect()


def die_in_web(rig: Rig, write: Write, own: str, *others: str) -> None:
    """Send the request to a process that dies at its point."""
    rig.order_deaths(own, *others)
    with pytest.raises(requests.ConnectionError):
        write.call.send()
    assert rig.pending_deaths() == list(others)


@dataclass(frozen=True)
class Tally:
    """What is counted before a write and has to be one more, or none less, after it."""

    nonce: int
    stored: int
    unfinished: int

    @classmethod
    def read(cls, rig: Rig) -> "Tally":
        [nonce] = rig.chain_nonces().values()
        unfinished = PerpsExecution.objects.exclude(state__in=["SETTLED", "REJECTED"]).count()
        return cls(nonce, OutboundTransaction.objects.count(), unfinished)

    def require_one_more(self, rig: Rig) -> None:
        """One transaction in the ledger, one on the chain, the next nonce in order, and nothing left unfinished."""
        assert Tally.read(rig) == Tally(self.nonce + 1, self.stored + 1, self.unfinished)
        assert Signer.objects.get().next_nonce == self.nonce + 1
        # An approval may be concluded from the chain itself; the transaction's own row follows by the sweep.
        undecided = OutboundTransaction.objects.filter(state__in=OutboundTransaction.UNDECIDED)
        wait_for(lambda: not undecided.exists(), seconds=RECOVERY_SECONDS, purpose="the end of every transaction")
        states = set(OutboundTransaction.objects.values_list("state", flat=True))
        assert states <= {"MINED", "FINAL"}

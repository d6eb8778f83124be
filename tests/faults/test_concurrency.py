"""Many opens at once through few delegates, before a sequencer without a mempool: all settle, none is refused."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest
from django.db import connection

from positions.models import PerpsExecution
from relay.models import OutboundTransaction, Signer
from sandbox.story import Story
from tests.faults.rig import IS_WHOLE, Rig, SignedCall

SAFES = 20 if IS_WHOLE else 6
DELEGATES = [1, 4] if IS_WHOLE else [1]
OPENS_EACH = 5
CALLERS = 25


def appoint_all(rig: Rig) -> list[Story]:
    """Safes spread evenly over the delegates."""

    def appoint(story: Story, delegate: str) -> None:
        prepared = story.ask("/v1/delegations/prepare", {"delegateAddress": delegate})
        story.execute("/v1/delegations/execute", prepared, wanted="ACTIVE")

    # One after another: all of them are paid for by the same account of the node.
    safes = [rig.make_safe() for _ in range(SAFES)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(appoint, safes, cycle(rig.delegates)))
    return safes


def fire(calls: Sequence[SignedCall]) -> list[tuple[int, bool]]:
    """All of them at once; the status and the `success` of each first answer."""

    def send(call: SignedCall) -> tuple[int, bool]:
        response = call.send()
        return response.status_code, response.json()["success"]

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(send, calls))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("delegates", DELEGATES)
def test_every_open_settles_with_contiguous_nonces(
    delegates: int, make_rig: Callable[[int], Rig], note: Callable[[str], None]
) -> None:
    rig = make_rig(delegates)
    rig.start_web()
    rig.start_worker()
    safes = appoint_all(rig)
    calls = [rig.open(story) for story in safes for _ in range(OPENS_EACH)]

    started = time.monotonic()
    answers = fire(calls)
    elapsed = time.monotonic() - started
    assert answers == [(200, True)] * len(calls)

    with ThreadPoolExecutor(CALLERS) as pool:
        settled = list(pool.map(rig.settle, calls))
    note(f"{delegates} delegate(s), {len(safes)} Safes: {len(calls)} opens in {elapsed:.1f} s")
    assert len({data["txHash"] for data in settled}) == len(calls)
    assert [rig.open_trades(story) for story in safes] == [OPENS_EACH] * len(safes)
    mine = PerpsExecution.objects.filter(trader_address__in=[story.safe for story in safes])
    assert list(mine.values_list("state", flat=True)) == ["SETTLED"] * len(calls)
    require_contiguous(rig)
    rig.services.stop()
    connection.close()


def require_contiguous(rig: Rig) -> None:
    """Every nonce up to the chain's was one stored, mined transaction of ours."""
    for address, on_chain in rig.chain_nonces().items():
        signer = Signer.objects.get(address=address)
        rows = OutboundTransaction.objects.filter(signer=signer).order_by("nonce")
        assert list(rows.values_list("nonce", flat=True)) == list(range(on_chain))
        assert set(rows.values_list("state", flat=True)) <= {"MINED", "FINAL"}
        assert signer.next_nonce == on_chain

"""How a trader's slots are read: in two rounds, whatever their number."""

from collections.abc import Sequence
from threading import Barrier

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.ostium_contracts import ARB_BLOCK_NUMBER, MAX_TRADES_PER_PAIR, OPEN_TRADES_COUNT
from ostium_service.types import Address, Network
from positions.services.scanning import scan_positions

TRADER = Address("0x1111111111111111111111111111111111111111")
PAIRS, SLOTS = range(10), 10
EMPTY_TRADE, EMPTY_INFO = bytes(32 * 10), bytes(32 * 7)


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


class FakeNode:
    """Counts on all pairs, and slots that turn out empty; answers the slots once all their requests are there."""

    def __init__(self, together: int) -> None:
        self.sizes: list[int] = []
        self._barrier = Barrier(together, timeout=10)

    def call_many(self, calls: Sequence[Call]) -> list[bytes]:
        self.sizes.append(len(calls))
        if calls[0].data == ARB_BLOCK_NUMBER.encode():
            return [self._count(call) for call in calls]
        self._barrier.wait()
        return [EMPTY_TRADE if number % 2 == 0 else EMPTY_INFO for number in range(len(calls))]

    def _count(self, call: Call) -> bytes:
        if call.data[:4] == OPEN_TRADES_COUNT.selector:
            return word(SLOTS)
        return word(SLOTS if call.data[:4] == MAX_TRADES_PER_PAIR.selector else 77)


def test_the_slots_of_a_hundred_positions_are_asked_for_at_once() -> None:
    node = FakeNode(together=3)
    with composition.override(arbitrum=node):
        scan = scan_positions(network=Network.TESTNET, trader=TRADER, pair_ids=PAIRS)
    assert (scan.positions, scan.block) == ((), 77)
    assert sorted(node.sizes) == [12, 20, 90, 90]


def test_nothing_held_is_known_after_the_first_round() -> None:
    node = FakeNode(together=1)
    with composition.override(arbitrum=node):
        assert scan_positions(network=Network.TESTNET, trader=TRADER, pair_ids=[]).positions == ()
    assert node.sizes == [2]

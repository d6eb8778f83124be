"""A chain of its own for the contract tests: a block per transaction, and every test undone after it."""

from collections.abc import Iterator

import pytest
from eth_account.signers.local import LocalAccount

from sandbox.chain import start_chain
from sandbox.deploy import deploy
from tests.integration.sandbox.venue import E18, LIMIT, Order, Venue


@pytest.fixture(scope="session")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The RPC URL of a node with everything deployed."""
    running = start_chain(block_time=None, log_path=tmp_path_factory.mktemp("anvil") / "anvil.log")
    try:
        deploy(running.rpc_url)
        yield running.rpc_url
    finally:
        running.stop()


@pytest.fixture
def venue(devnet: str) -> Iterator[Venue]:
    """The venue as deployed; whatever the test does to it is reverted."""
    found = Venue(devnet)
    snapshot = found.node.request("evm_snapshot")
    try:
        yield found
    finally:
        assert found.node.request("evm_revert", snapshot) is True


@pytest.fixture
def trader(venue: Venue) -> LocalAccount:
    """Somebody with 50,000 USDC, all of it approved."""
    return venue.create_trader()


@pytest.fixture
def limit(venue: Venue, trader: LocalAccount) -> Order:
    """A resting long limit at 90000 with tp and sl, at index 0."""
    order = Order(kind=LIMIT, slippage=0, tp=95_000 * E18, sl=89_000 * E18, builder=("0x" + "0b" * 20, 50_000))
    assert venue.place(trader, order) == 0
    return order

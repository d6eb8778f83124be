"""The index and the keeper notice a chain that was taken back, and forget what is no longer true."""

from sandbox.chain import refuse_foreign_chain
from sandbox.world import World
from tests.integration.sandbox.venue import Order, Venue


def test_a_reverted_chain_is_read_again(venue: Venue) -> None:
    world = World(venue.rpc_url)
    before = world.indexer.catch_up()
    snapshot = venue.node.request("evm_snapshot")
    first = venue.create_trader()
    order_id = venue.place(first, Order())
    assert list(world.indexer.catch_up().rows("Order")) == [str(order_id)]

    venue.node.request("evm_revert", snapshot)
    second = venue.create_trader()
    again = venue.place(second, Order())
    after = world.indexer.catch_up()

    assert again == order_id
    assert [row["trader"] for row in after.rows("Order").values()] == [second.address.lower()]
    assert before.rows("Order") == {}
    refuse_foreign_chain(venue.node)


def test_a_snapshot_does_not_change_afterwards(venue: Venue) -> None:
    world = World(venue.rpc_url)
    trader = venue.create_trader()
    order_id = venue.place(trader, Order())
    pending = world.indexer.catch_up()

    venue.settle(order_id, Order().price)
    settled = world.indexer.catch_up()

    assert pending.rows("Order")[str(order_id)]["isPending"] is True
    assert pending.rows("Trade") == {}
    assert settled.rows("Order")[str(order_id)]["isPending"] is False
    assert list(settled.rows("Trade")) == [str(order_id)]


def test_history_older_than_the_nodes_state_can_still_be_read(venue: Venue) -> None:
    trader = venue.create_trader()
    trade = venue.open_position(trader)
    venue.mine(2500)

    snapshot = World(venue.rpc_url).indexer.catch_up()

    (row,) = [found for found in snapshot.rows("Trade").values() if found["trader"] == trader.address.lower()]
    assert (row["collateral"], row["openPrice"], row["isOpen"]) == (trade["collateral"], trade["openPrice"], True)

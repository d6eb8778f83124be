"""Everything around one sandbox chain that has state: prices, index, keeper and shaping, started and stopped as one."""

from typing import Any

from sandbox.index_pairs import read_feed_ids
from sandbox.indexer import Indexer
from sandbox.keeper import Keeper
from sandbox.node import Node
from sandbox.prices import PriceScript
from sandbox.processes import SandboxError
from sandbox.shaping import Shaper


class World:
    """The venue's off-chain side for one chain that the sandbox itself started."""

    def __init__(self, rpc_url: str) -> None:
        """Reads the contracts' addresses and feed ids from the chain.

        SandboxError when the node does not answer or the contracts are not deployed.
        """
        self.node = Node(rpc_url)
        try:
            self.node.find_contracts()
            feed_ids = read_feed_ids(node=self.node)
        except SandboxError:
            raise
        except Exception as error:
            raise SandboxError(f"the sandbox's contracts are not on the chain at {rpc_url}: {error}") from error
        self.prices = PriceScript(feed_ids=feed_ids)
        self.indexer = Indexer(self.node)
        self.keeper = Keeper(node=self.node, indexer=self.indexer, prices=self.prices)
        self.shaper = Shaper()

    def start(self) -> None:
        """Read the chain and begin to act on it."""
        self.indexer.start()
        self.keeper.start()

    def stop(self) -> None:
        """End both threads; safe to call again."""
        self.keeper.stop()
        self.indexer.stop()

    def reset(self) -> None:
        """Prices, keeper, lag and shaping as at the start; the chain stays as it is."""
        self.prices.reset()
        self.keeper.reset()
        self.indexer.set_lag()
        self.shaper.reset()

    def state(self) -> dict[str, Any]:
        """What is set and where it stands, for people and tests."""
        head = self.indexer.latest().head
        return {
            "rpcUrl": self.node.rpc_url,
            "block": head.number,
            "servedBlock": self.indexer.served().head.number,
            "indexError": self.indexer.last_error,
            "keeper": self.keeper.state(),
            "calls": self.shaper.calls(),
        }

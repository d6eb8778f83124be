"""A test's view of the running sandbox: traders on the live chain, and what the subgraph says about them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from tests.fixtures import SandboxUrls
from tests.integration.sandbox.venue import Venue

PATIENCE_SECONDS = 15.0
ORDER_FIELDS = "id tradeID orderType orderAction isPending isCancelled cancelReason price priceAfterImpact"


class Market:
    """The sandbox and a `Venue` to trade on it; the keeper, not the test, answers."""

    def __init__(self, sandbox: SandboxUrls) -> None:
        """Nothing is asked yet."""
        self.sandbox = sandbox
        self.control = sandbox.control
        self.venue = Venue(sandbox.rpc_url)

    def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL answer's data; the test fails on errors."""
        answer = self.post(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def post(self, document: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL answer as it comes."""
        body = {"query": document, "variables": variables}
        answer: dict[str, Any] = requests.post(self.sandbox.subgraph_url, json=body, timeout=10).json()
        return answer

    def orders(self, trader: str, *, fields: str = ORDER_FIELDS) -> list[dict[str, Any]]:
        """A trader's orders, oldest first."""
        rows: list[dict[str, Any]] = self.query(
            f"query($t: Bytes!) {{ orders(where: {{trader: $t}}, orderBy: id) {{ {fields} }} }}", t=trader
        )["orders"]
        return rows

    def await_order(self, order_id: int, *, fields: str = ORDER_FIELDS) -> dict[str, Any]:
        """An order once it is no longer pending."""
        document = f"query($id: ID!) {{ order(id: $id) {{ isPending {fields} }} }}"
        row: dict[str, Any] = self.await_value(
            lambda: self.query(document, id=str(order_id))["order"],
            lambda found: found is not None and not found["isPending"],
        )
        return row

    def await_actions(self, trader: str, actions: Sequence[str]) -> list[dict[str, Any]]:
        """A trader's settled orders once they are exactly these actions, in order."""

        def settled(rows: list[dict[str, Any]]) -> bool:
            return [row["orderAction"] for row in rows if not row["isPending"]] == list(actions)

        orders: list[dict[str, Any]] = self.await_value(lambda: self.orders(trader), settled)
        return orders

    def await_value(self, look: Callable[[], Any], is_right: Callable[[Any], bool]) -> Any:
        """What `look` gives once it is right; the test fails with the last look."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = look()
            if is_right(found):
                return found
            assert time.monotonic() < deadline, f"still {found}"
            time.sleep(0.05)


def pick(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    """Some values of a row."""
    return tuple(row[name] for name in names)

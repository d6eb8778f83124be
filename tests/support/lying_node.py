"""A node that answers some methods otherwise than it should."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from sandbox.faultproxy import Exchange, FaultProxy, HttpUpstream, Reply
from sandbox.shaping import Endpoint

Lie = Callable[[list[Any], Any], Any]
"""From the parameters and the node's honest result to the result that is told instead."""

Substitute = Callable[[list[Any]], dict[str, Any]]
"""From the parameters to `{"result": ...}` or `{"error": ...}`; the node never hears of the request."""


class LyingNode:
    """Honest until told otherwise; `lies` and `substitutes` are by method, and may be changed at any time."""

    def __init__(self, rpc_url: str) -> None:
        self._node = HttpUpstream(rpc_url)
        self.lies: dict[str, Lie] = {}
        self.substitutes: dict[str, Substitute] = {}
        self.url = ""

    @contextmanager
    def serve(self, endpoint: Endpoint = Endpoint.RPC) -> Iterator["LyingNode"]:
        """Itself, reachable at `url`."""
        proxy = FaultProxy(endpoint=endpoint, upstream=self)
        proxy.start()
        self.url = proxy.url
        try:
            yield self
        finally:
            proxy.stop()

    def __call__(self, exchange: Exchange) -> Reply:
        """The answer to one request or one batch."""
        parsed = json.loads(exchange.body)
        if not isinstance(parsed, list):
            return _reply(self._answer(parsed))
        return _reply([self._answer(call) for call in parsed])

    def be_honest(self) -> None:
        """From now on."""
        self.lies.clear()
        self.substitutes.clear()

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        envelope = {"jsonrpc": "2.0", "id": call["id"]}
        if call["method"] in self.substitutes:
            return envelope | self.substitutes[call["method"]](call["params"])
        exchange = Exchange("POST", "", {"Content-Type": "application/json"}, json.dumps(call).encode())
        answer: dict[str, Any] = json.loads(self._node(exchange).body)
        lie = self.lies.get(call["method"])
        if lie is not None and "result" in answer:
            answer["result"] = lie(call["params"], answer["result"])
        return answer


def _reply(body: object) -> Reply:
    return Reply(HTTPStatus.OK, json.dumps(body).encode())

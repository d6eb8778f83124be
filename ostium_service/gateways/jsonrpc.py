"""JSON-RPC 2.0 over HTTP: one request or one batch a POST, answers matched by id, node errors classified once."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from ostium_service.gateways.failures import BadAnswer, GatewayError, Refused, Reverted, System, Unreachable
from ostium_service.gateways.http_client import Answer, HttpClient
from ostium_service.gateways.json_text import parse_json

logger = structlog.get_logger(__name__)

Request = tuple[str, list[Any]]
"""Method and parameters."""

LARGEST_BATCH = 90
"""Public nodes refuse batches of more than a hundred; a longer list of calls travels as several POSTs."""
LOGGED_CHARACTERS = 200

# Wordings of geth, nitro, erigon, nethermind and anvil for code that stopped without revert data.
_HALTED = (
    "execution reverted",
    "out of gas",
    "invalid opcode",
    "invalid jump",
    "stack ",
    "write protection",
    "evm error",
    "vm execution error",
)
_CROWDED = re.compile(r"rate.?limit|too many requests|limit exceeded|capacity")
# What another node behind the same balancer, or the same one a moment later, answers.
_PASSING = re.compile(
    r"header not found|missing trie node|unknown block|block not found|timed? ?out|deadline|busy|unavailable|internal"
)
_REVERT_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})+")


class NodeError(Exception):
    """A JSON-RPC error object. `message` is the node's own text: for our logs and classifiers only."""

    def __init__(self, code: int, message: str, data: object) -> None:
        super().__init__(f"node error {code}")
        self.code = code
        self.message = message
        self.data = data


class JsonRpc:
    """One endpoint that speaks JSON-RPC."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._system = http.system
        self._ids = itertools.count(1)

    def ask(self, requests: Sequence[Request], *, seconds: float) -> list[Any | NodeError]:
        """Results in the order of `requests`, a `NodeError` where the node answered one.

        One POST; a single request is sent as an object, several as a batch. BadAnswer: not JSON, an id missing,
        repeated or foreign, neither result nor error. Refused: a 4xx without a JSON-RPC body.
        """
        calls = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params} for method, params in requests
        ]
        body = json.dumps(calls[0] if len(calls) == 1 else calls, separators=(",", ":")).encode()
        answer = self._http.post(body, seconds=seconds)
        replies = self._parse(answer, single=len(calls) == 1)
        by_id = {reply.get("id"): reply for reply in replies if isinstance(reply.get("id"), int)}
        if len(by_id) != len(replies) or by_id.keys() != {call["id"] for call in calls}:
            raise self._refusal_of_all(replies)
        return [self._outcome(by_id[call["id"]]) for call in calls]

    def _parse(self, answer: Answer, *, single: bool) -> list[Mapping[str, Any]]:
        try:
            parsed = parse_json(answer.body)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            parsed = [parsed]
        elif single:
            parsed = None
        if isinstance(parsed, list) and parsed and all(isinstance(reply, dict) for reply in parsed):
            return parsed
        if answer.status >= 400:
            raise Refused(self._system, "http_error")
        raise BadAnswer(self._system, "json")

    def _refusal_of_all(self, replies: list[Mapping[str, Any]]) -> GatewayError:
        """Nodes answer a batch that they refuse as a whole with one error without id; anything else is a lie."""
        if len(replies) == 1 and replies[0].get("id") is None and "error" in replies[0]:
            outcome = self._outcome(replies[0])
            if isinstance(outcome, NodeError):
                return classify_node_error(self._system, outcome)
        return BadAnswer(self._system, "id")

    def _outcome(self, reply: Mapping[str, Any]) -> Any | NodeError:
        error = reply.get("error")
        if error is None:
            if "result" not in reply:
                raise BadAnswer(self._system, "no_result")
            return reply["result"]
        if not isinstance(error, dict):
            raise BadAnswer(self._system, "error_shape")
        code, message = error.get("code"), error.get("message")
        return NodeError(
            code if isinstance(code, int) else 0,
            message if isinstance(message, str) else "",
            error.get("data"),
        )


def revert_data(error: NodeError) -> bytes | None:
    """Revert data of an execution that ended without success (maybe empty), None for any other kind of error.

    Nodes put the data under `data` as text, as text after a word, or inside an object.
    """
    message = error.message.lower()
    if error.code != 3 and not message.startswith(_HALTED):
        return None
    data = error.data
    while isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str):
        return b""
    found = _REVERT_DATA.search(data)
    return bytes.fromhex(found.group()[2:]) if found else b""


def classify_node_error(system: System, error: NodeError) -> GatewayError:
    """What a node's error means for a read: worth asking again, or refused."""
    message = error.message.lower()
    logger.warning("node_error", system=system, code=error.code, text=error.message[:LOGGED_CHARACTERS])
    if error.code in (429, -32005, -32029) or _CROWDED.search(message):
        return Unreachable(system, "rate_limited")
    if error.code == -32603 or _PASSING.search(message):
        return Unreachable(system, "node_error")
    if "insufficient funds" in message:
        return Refused(system, "insufficient_funds")
    return Refused(system, "node_refused")


def require_result(system: System, outcome: Any | NodeError) -> Any:
    """The result, or the classified failure; Reverted for an execution that reverted."""
    if not isinstance(outcome, NodeError):
        return outcome
    data = revert_data(outcome)
    if data is not None:
        raise Reverted(data)
    raise classify_node_error(system, outcome)

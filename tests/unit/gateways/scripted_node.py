"""A node's transport, scripted: what each method answers, and what was asked."""

import json
from collections.abc import Callable
from typing import Any

from eth_utils.crypto import keccak

from ostium_service.gateways.failures import System
from ostium_service.gateways.http_client import Answer
from ostium_service.gateways.resilience import Policy
from ostium_service.types import Address

TO = Address("0x2A9B9c988393f46a2537B0ff11E98c2C15a95afe")
SENDER = Address("0x1111111111111111111111111111111111111111")
CHAIN = "0x66eee"
BLOCK = {"number": "0x10", "hash": "0x" + "cd" * 32, "timestamp": "0x6abc", "baseFeePerGas": "0x1312d00"}
RAW = b"\x02\xf8\x01"
RAW_HASH = "0x" + keccak(RAW).hex()
REVERT = {"code": 3, "message": "execution reverted", "data": "0x1309a563"}
Reply = Callable[[list[dict[str, Any]]], Any]


class Node:
    """Answers by method; `results` hold a value, an `Error` or an exception to raise."""

    def __init__(self, **results: Any) -> None:
        self.results: dict[str, Any] = {"eth_chainId": CHAIN, "eth_getBlockByNumber": BLOCK} | results
        self.posts: list[list[str]] = []
        self.requests: list[dict[str, Any]] = []
        self.reshape: Reply = lambda replies: replies
        self.status = 200

    def __call__(self, *, system: System, url: str, policy: Policy, max_bytes: int) -> "Node":
        self.system = system
        return self

    def post(self, body: bytes, *, seconds: float) -> Answer:
        parsed = json.loads(body)
        calls = parsed if isinstance(parsed, list) else [parsed]
        self.posts.append([call["method"] for call in calls])
        self.requests += calls
        replies = [self.reply(call) for call in calls]
        shaped = self.reshape(replies if isinstance(parsed, list) else replies[0])  # type: ignore[arg-type]
        return Answer(self.status, shaped if isinstance(shaped, bytes) else json.dumps(shaped).encode())

    def reply(self, call: dict[str, Any]) -> dict[str, Any]:
        result = self.results[call["method"]]
        if isinstance(result, list):
            result = result.pop(0)
        if isinstance(result, Exception):
            raise result
        error = isinstance(result, dict) and "code" in result
        return {"jsonrpc": "2.0", "id": call["id"], "error" if error else "result": result}

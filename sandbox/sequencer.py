"""How Arbitrum's sequencer takes transactions, imitated before a node that has a mempool.

There is no mempool: a nonce ahead of the sender's is held for a second in the hope of its predecessor and then refused,
a nonce that is taken is "too low" whatever the bytes, and a fee cap under the base fee is refused at once. The submit
endpoint takes raw transactions and nothing else.
"""

import json
import threading
import time
from collections import defaultdict
from http import HTTPStatus
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from sandbox.faultproxy import Exchange, HttpUpstream, Reply, rpc_methods
from sandbox.node import Node

SEND = "eth_sendRawTransaction"
HOLD_SECONDS = 1.0
POLL_SECONDS = 0.02
REFUSED = -32000
NO_METHOD = -32601


class Sequencer:
    """An upstream for `FaultProxy`: raw transactions by the sequencer's rules, everything else as the node answers."""

    def __init__(self, rpc_url: str, *, is_submit_endpoint: bool = False) -> None:
        """`is_submit_endpoint` refuses every method but `eth_sendRawTransaction`."""
        self._node = Node(rpc_url)
        self._upstream = HttpUpstream(rpc_url)
        self._is_submit_endpoint = is_submit_endpoint
        self._one_at_a_time: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, exchange: Exchange) -> Reply:
        """The answer to one request or one batch."""
        methods = rpc_methods(exchange.body)
        if not self._is_submit_endpoint and SEND not in methods:
            return self._upstream(exchange)
        body = json.loads(exchange.body)
        answers = [self._answer(call) for call in (body if isinstance(body, list) else [body])]
        return Reply(HTTPStatus.OK, json.dumps(answers if isinstance(body, list) else answers[0]).encode())

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == SEND:
            return self._take(call)
        if self._is_submit_endpoint:
            text = f"the method {call['method']} does not exist/is not available"
            return _error(call, NO_METHOD, text)
        return self._forward(call)

    def _take(self, call: dict[str, Any]) -> dict[str, Any]:
        raw = HexBytes(call["params"][0])
        sender = str(Account.recover_transaction(raw))
        fields = TypedTransaction.from_bytes(raw).as_dict()
        nonce, deadline = int(fields["nonce"]), time.monotonic() + HOLD_SECONDS
        while (state := self._next_nonce(sender)) < nonce:
            if time.monotonic() > deadline:
                return _error(call, REFUSED, f"nonce too high: address {sender}, tx: {nonce} state: {state}")
            time.sleep(POLL_SECONDS)
        # Two senders of one nonce must not both pass: the node's mempool would take the second as a replacement.
        with self._one_at_a_time[sender]:
            state = self._next_nonce(sender)
            if nonce < state:
                return _error(call, REFUSED, f"nonce too low: address {sender}, tx: {nonce} state: {state}")
            base_fee = int(self._node.request("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
            if int(fields["maxFeePerGas"]) < base_fee:
                text = f"max fee per gas less than block base fee: address {sender}, baseFee: {base_fee}"
                return _error(call, REFUSED, text)
            return self._forward(call)

    def _next_nonce(self, sender: str) -> int:
        return int(str(self._node.request("eth_getTransactionCount", sender, "pending")), 16)

    def _forward(self, call: dict[str, Any]) -> dict[str, Any]:
        exchange = Exchange("POST", "", {"Content-Type": "application/json"}, json.dumps(call).encode())
        answer: dict[str, Any] = json.loads(self._upstream(exchange).body)
        return answer


def _error(call: dict[str, Any], code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": code, "message": message}}

"""The node's client over a scripted transport: what is asked in which batch, and how answers are matched and judged."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ostium_service.gateways import arbitrum as module
from ostium_service.gateways.arbitrum import Arbitrum, Call, SendOutcome
from ostium_service.gateways.failures import BadAnswer, Refused, Reverted, System, Unreachable
from ostium_service.gateways.http_client import Answer
from ostium_service.gateways.resilience import Policy
from ostium_service.types import Address, Network, TxHash

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


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Arbitrum]:
    """An Arbitrum whose endpoints are the given nodes, the submit endpoint last."""

    def build(rpc: Node, submit: Node | None = None) -> Arbitrum:
        nodes = [submit, rpc]

        def open_next(**named: Any) -> Node:
            node = nodes.pop()
            assert node is not None
            return node(**named)

        monkeypatch.setattr(module, "HttpClient", open_next)
        policy = Policy(attempts=2, pause_seconds=0.0)
        return Arbitrum(Network.TESTNET, rpc_url="rpc", submit_url="submit" if submit else "", policy=policy)

    return build


def test_the_first_read_asks_for_the_chain_id_in_the_same_post(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_getBalance="0x5")
    arbitrum = connect(node)
    assert arbitrum.balance(SENDER) == 5
    assert arbitrum.balance(SENDER) == 5
    assert node.posts == [["eth_chainId", "eth_getBalance"], ["eth_getBalance"]]


@pytest.mark.parametrize("chain_id", ["0xa4b1", "421614", None, 421614, "0x066eee", ""])
def test_another_chain_is_a_bad_answer_to_everything(connect: Callable[..., Arbitrum], chain_id: Any) -> None:
    arbitrum = connect(Node(eth_chainId=chain_id, eth_getBalance="0x5", eth_call="0x", eth_estimateGas="0x1"))
    for ask in (
        arbitrum.verify_chain_id,
        lambda: arbitrum.balance(SENDER),
        lambda: arbitrum.simulate(Call(TO, b"")),
        lambda: arbitrum.call_many([Call(TO, b"")]),
    ):
        with pytest.raises(BadAnswer):
            ask()


def test_a_node_that_changes_chain_is_noticed_by_the_next_simulation(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call="0x", eth_estimateGas="0x5208", eth_getBalance="0x5")
    arbitrum = connect(node)
    arbitrum.verify_chain_id()
    node.results["eth_chainId"] = "0xa4b1"
    with pytest.raises(BadAnswer, match="chain_id"):
        arbitrum.simulate(Call(TO, b"\x01", SENDER))
    with pytest.raises(BadAnswer, match="chain_id"):
        arbitrum.balance(SENDER)


def test_simulation_is_one_post(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call="0x0102", eth_estimateGas="0x70a60")
    result = connect(node).simulate(Call(TO, b"\x01\x02", SENDER, 7))
    assert (result.output, result.gas, result.base_fee) == (b"\x01\x02", 461_408, 20_000_000)
    assert node.posts == [["eth_chainId", "eth_call", "eth_estimateGas", "eth_getBlockByNumber"]]
    called = {"to": TO, "data": "0x0102", "from": SENDER, "value": "0x7"}
    assert [request["params"] for request in node.requests] == [[], [called, "latest"], [called], ["latest", False]]


@pytest.mark.parametrize(
    ("call", "estimate"), [(REVERT, "0x1"), ("0x", REVERT), (REVERT, REVERT)], ids=["call", "estimate", "both"]
)
def test_simulation_reverts_when_either_does(connect: Callable[..., Arbitrum], call: Any, estimate: Any) -> None:
    arbitrum = connect(Node(eth_call=call, eth_estimateGas=estimate))
    with pytest.raises(Reverted) as reverted:
        arbitrum.simulate(Call(TO, b""))
    assert reverted.value.data.hex() == "1309a563"


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (REVERT, "1309a563"),
        ({"code": -32000, "message": "execution reverted"}, ""),
        ({"code": -32000, "message": "execution reverted: ERC20: x", "data": "0x08c379a0"}, "08c379a0"),
        ({"code": 3, "message": "", "data": {"data": "0x1309a563"}}, "1309a563"),
        ({"code": -32015, "message": "VM execution error.", "data": "Reverted 0x1309a563"}, "1309a563"),
        ({"code": -32000, "message": "out of gas"}, ""),
        ({"code": -32000, "message": "invalid opcode: INVALID"}, ""),
        ({"code": -32603, "message": "EVM error InvalidFEOpcode"}, ""),
        ({"code": 3, "message": "execution reverted", "data": "0x1"}, ""),
    ],
    ids=lambda value: value["message"] if isinstance(value, dict) else None,
)
def test_reverts_of_many_nodes(connect: Callable[..., Arbitrum], error: dict[str, Any], data: str) -> None:
    with pytest.raises(Reverted) as reverted:
        connect(Node(eth_call=error)).call(Call(TO, b""))
    assert reverted.value.data.hex() == data


@pytest.mark.parametrize(
    ("error", "failure", "token"),
    [
        ({"code": -32005, "message": "limit"}, Unreachable, "rate_limited"),
        ({"code": -32000, "message": "Too Many Requests"}, Unreachable, "rate_limited"),
        ({"code": -32000, "message": "header not found"}, Unreachable, "node_error"),
        ({"code": -32603, "message": "oops"}, Unreachable, "node_error"),
        ({"code": -32601, "message": "the method does not exist"}, Refused, "node_refused"),
        ({"code": -32602, "message": "invalid argument"}, Refused, "node_refused"),
        ({"code": -32000, "message": "insufficient funds for transfer"}, Refused, "insufficient_funds"),
        ({"code": "x", "message": None}, Refused, "node_refused"),
    ],
    ids=str,
)
def test_node_errors_are_classified_once(
    connect: Callable[..., Arbitrum], error: Any, failure: type[Exception], token: str
) -> None:
    with pytest.raises(failure) as raised:
        connect(Node(eth_call=error)).call(Call(TO, b""))
    assert raised.value.token == token  # type: ignore[attr-defined]


def test_a_passing_error_is_asked_again(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_getBalance=[{"code": -32000, "message": "header not found"}, "0x7"])
    assert connect(node).balance(SENDER) == 7


def test_call_many_keeps_order_and_puts_reverts_in_their_place(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call=["0x01", REVERT, "0x03"])
    node.reshape = lambda replies: list(reversed(replies))
    found = connect(node).call_many([Call(TO, b"\x01"), Call(TO, b"\x02"), Call(TO, b"\x03")])
    assert [item.data if isinstance(item, Reverted) else item for item in found] == [
        b"\x01",
        bytes.fromhex("1309a563"),
        b"\x03",
    ]
    assert len(node.posts) == 1


def test_long_lists_travel_in_parts_that_public_nodes_take(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call="0x01")
    assert connect(node).call_many([Call(TO, b"")] * 200) == [b"\x01"] * 200
    assert [len(post) for post in node.posts] == [91, 90, 20]
    assert connect(Node()).call_many([]) == []


def test_read_state_is_one_post_with_everything_in_its_place(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call=["0x01", REVERT], eth_getBalance="0x5", eth_getTransactionCount="0x9")
    state = connect(node).read_state([Call(TO, b""), Call(TO, b"")], balances=[SENDER], nonces=[SENDER, TO])
    assert state.results[0] == b"\x01"
    assert isinstance(state.results[1], Reverted)
    assert (state.balances, state.nonces, state.block.number) == ((5,), (9, 9), 16)
    assert len(node.posts) == 1


def drop_last(replies: Any) -> Any:
    return replies[:-1]


def repeat_first(replies: Any) -> Any:
    return [replies[0], *replies]


def same_ids(replies: Any) -> Any:
    return [reply | {"id": replies[0]["id"]} for reply in replies]


def text_ids(replies: Any) -> Any:
    return [reply | {"id": str(reply["id"])} for reply in replies]


@pytest.mark.parametrize(
    ("reshape", "token"),
    [
        (drop_last, "id"),
        (repeat_first, "id"),
        (same_ids, "id"),
        (text_ids, "id"),
        (lambda replies: [{"jsonrpc": "2.0", "id": reply["id"]} for reply in replies], "no_result"),
        (lambda replies: [reply | {"error": "no"} for reply in replies], "error_shape"),
        (lambda _: [], "json"),
        (lambda _: [1, 2], "json"),
        (lambda _: b"<html>bad gateway</html>", "json"),
        (lambda _: b'[{"jsonrpc": "2.0", "id"', "json"),
        (lambda _: b"\xff\xfe", "json"),
        (lambda _: b"[" * 100_000, "json"),
        (lambda _: b"", "json"),
    ],
)
def test_answers_that_do_not_match_the_batch_are_bad(
    connect: Callable[..., Arbitrum], reshape: Reply, token: str
) -> None:
    node = Node(eth_call="0x01")
    node.reshape = reshape
    with pytest.raises(BadAnswer) as failure:
        connect(node).call_many([Call(TO, b""), Call(TO, b"")])
    assert failure.value.token == token


def test_one_error_for_a_whole_batch_is_that_error(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call="0x01")
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
    node.reshape = lambda _: refusal
    with pytest.raises(Refused, match="node_refused"):
        connect(node).call_many([Call(TO, b"")])


def test_a_client_error_without_json_is_a_refusal(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_call="0x01")
    node.status, node.reshape = 403, lambda _: b"forbidden"
    with pytest.raises(Refused, match="http_error"):
        connect(node).call(Call(TO, b""))


def test_logs_beyond_the_filter_are_dropped(connect: Callable[..., Arbitrum]) -> None:
    def row(**changes: Any) -> dict[str, Any]:
        return {
            "address": TO.lower(),
            "topics": ["0x" + "01" * 32, "0x" + "02" * 32],
            "data": "0x",
            "blockNumber": "0x10",
            "blockHash": "0x" + "cd" * 32,
            "transactionHash": "0x" + "ab" * 32,
            "logIndex": "0x0",
            "removed": False,
        } | changes

    rows = [
        row(),
        row(),
        row(logIndex="0x1", address=SENDER),
        row(logIndex="0x2", topics=["0x" + "01" * 32]),
        row(logIndex="0x3", topics=["0x" + "01" * 32, "0x" + "03" * 32]),
        row(logIndex="0x4", blockNumber="0x9", blockHash="0x" + "ce" * 32),
        row(logIndex="0x5", blockNumber="0x15", blockHash="0x" + "cf" * 32),
        row(logIndex="0x6", removed=True),
    ]
    node = Node(eth_getLogs={"rows": rows}["rows"])
    node.results["eth_getLogs"] = [rows, rows]
    arbitrum = connect(node)
    found = arbitrum.logs(TO, [None, b"\x02" * 32], 16, 20)
    assert [log.log_index for log in found] == [0]
    assert node.requests[-1]["params"] == [
        {"address": TO, "topics": [None, "0x" + "02" * 32], "fromBlock": "0x10", "toBlock": "0x14"}
    ]
    assert [log.log_index for log in arbitrum.logs(TO, [None, b"\x02" * 32], 16, "latest")] == [0, 5]
    assert arbitrum.logs(TO, [], 20, 16) == []


def test_a_block_the_node_does_not_have_is_a_node_behind(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_getBlockByNumber=None)
    with pytest.raises(Unreachable, match="node_behind"):
        connect(node).block(99)
    assert node.requests[-1]["params"] == ["0x63", False]


def test_receipt_of_another_transaction_is_an_endpoint_fault(connect: Callable[..., Arbitrum]) -> None:
    arbitrum = connect(Node(eth_getTransactionReceipt={"transactionHash": "0x" + "ac" * 32, "status": "0x1"}))
    with pytest.raises(BadAnswer, match="receipt_hash"):
        arbitrum.receipt(TxHash("0x" + "ab" * 32))


def error(message: str, code: int = -32000) -> dict[str, Any]:
    """A node's refusal."""
    return {"code": code, "message": message}


A, K, U = SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN, SendOutcome.UNKNOWN
SLOW = Unreachable(System.SUBMIT, "too_slow")
DOWN = Unreachable(System.SUBMIT, "no_connection", unsent=True)


@pytest.mark.parametrize(
    ("submit", "rpc", "outcome", "asked_rpc"),
    [
        (RAW_HASH, None, A, 0),
        (error("already known"), None, K, 0),
        (error("nonce too low"), None, SendOutcome.NONCE_TOO_LOW, 0),
        (error("insufficient funds for gas * price + value"), None, SendOutcome.INSUFFICIENT_FUNDS, 0),
        (SLOW, RAW_HASH, A, 1),
        (SLOW, error("already known"), K, 1),
        (SLOW, error("nonce too low: address 0x1, tx: 1 state: 2"), U, 1),
        (SLOW, error("insufficient funds"), U, 1),
        (SLOW, SLOW, U, 1),
        (DOWN, error("nonce too low"), SendOutcome.NONCE_TOO_LOW, 1),
        (DOWN, error("max fee per gas less than block base fee"), SendOutcome.FEE_TOO_LOW, 1),
        (DOWN, DOWN, U, 1),
        ("0x" + "00" * 32, error("nonce too low"), U, 1),
        (error("something new"), RAW_HASH, A, 1),
        (error("sequencer busy"), error("nonce too high"), U, 1),
    ],
)
def test_submit_first_then_the_node_while_in_doubt(
    connect: Callable[..., Arbitrum], submit: Any, rpc: Any, outcome: SendOutcome, asked_rpc: int
) -> None:
    node, sequencer = Node(eth_sendRawTransaction=rpc), Node(eth_sendRawTransaction=submit)
    assert connect(node, sequencer).send_raw(RAW) is outcome
    assert sequencer.posts == [["eth_sendRawTransaction"]]
    assert node.posts == [["eth_sendRawTransaction"]] * asked_rpc
    assert {request["params"][0] for request in node.requests + sequencer.requests} == {"0x" + RAW.hex()}


def test_without_a_submit_endpoint_the_node_is_asked_once(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_sendRawTransaction=SLOW)
    assert connect(node).send_raw(RAW) is U
    assert node.posts == [["eth_sendRawTransaction"]]


def test_an_http_refusal_is_unknown(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_sendRawTransaction=Refused(System.RPC, "http_error"))
    assert connect(node).send_raw(RAW) is U

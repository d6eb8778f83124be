"""The node's client over a scripted transport: what is asked in which batch, and how answers are matched and judged."""

from collections.abc import Callable
from typing import Any

import pytest

from ostium_service.gateways.arbitrum import Arbitrum, Call
from ostium_service.gateways.failures import BadAnswer, Refused, Reverted, Unreachable
from ostium_service.types import TxHash
from tests.unit.gateways.scripted_node import REVERT, SENDER, TO, Node, Reply


def test_the_first_read_asks_for_the_chain_id_in_the_same_post(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_getBalance="0x5")
    arbitrum = connect(node)
    assert arbitrum.balance(SENDER) == 5
    assert arbitrum.balance(SENDER) == 5
    assert node.posts == [["eth_chainId", "eth_getBalance"], ["eth_getBalance"]]


@pytest.mark.parametrize("chain_id", ["0xa4b1", "421614", None, 421614, "0x066eee", ""])
def test_r2_another_chain_is_a_bad_answer_to_everything(connect: Callable[..., Arbitrum], chain_id: Any) -> None:
    arbitrum = connect(Node(eth_chainId=chain_id, eth_getBalance="0x5", eth_call="0x", eth_estimateGas="0x1"))
    for ask in (
        arbitrum.verify_chain_id,
        lambda: arbitrum.balance(SENDER),
        lambda: arbitrum.simulate(Call(TO, b"")),
        lambda: arbitrum.call_many([Call(TO, b"")]),
    ):
        with pytest.raises(BadAnswer):
            ask()


def test_r2_a_node_that_changes_chain_is_noticed_by_the_next_simulation(connect: Callable[..., Arbitrum]) -> None:
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


def test_r6_a_batch_answered_out_of_order_is_put_in_order_with_reverts(
    connect: Callable[..., Arbitrum],
) -> None:
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
def test_r6_answers_that_do_not_match_the_batch_are_bad(
    connect: Callable[..., Arbitrum], reshape: Reply, token: str
) -> None:
    node = Node(eth_call="0x01")
    node.reshape = reshape
    with pytest.raises(BadAnswer) as failure:
        connect(node).call_many([Call(TO, b""), Call(TO, b"")])
    assert failure.value.token == token


def test_r6_one_error_for_a_whole_batch_is_that_error(connect: Callable[..., Arbitrum]) -> None:
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


def test_r8_logs_beyond_the_filter_are_dropped(connect: Callable[..., Arbitrum]) -> None:
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


def test_r7_a_block_the_node_does_not_have_is_a_node_behind(connect: Callable[..., Arbitrum]) -> None:
    node = Node(eth_getBlockByNumber=None)
    with pytest.raises(Unreachable, match="node_behind"):
        connect(node).block(99)
    assert node.requests[-1]["params"] == ["0x63", False]


def test_r3_a_receipt_of_another_transaction_is_an_endpoint_fault(connect: Callable[..., Arbitrum]) -> None:
    arbitrum = connect(Node(eth_getTransactionReceipt={"transactionHash": "0x" + "ac" * 32, "status": "0x1"}))
    with pytest.raises(BadAnswer, match="receipt_hash"):
        arbitrum.receipt(TxHash("0x" + "ab" * 32))


def test_p4_receipts_and_the_nonce_come_from_one_post(connect: Callable[..., Arbitrum]) -> None:
    first, second = TxHash("0x" + "ab" * 32), TxHash("0x" + "ac" * 32)
    node = Node(eth_getTransactionReceipt=None, eth_getTransactionCount="0x7")
    assert connect(node).receipts([first, second], sender=SENDER, block=16) == ([None, None], 7)
    assert [post[1:] for post in node.posts] == [["eth_getTransactionReceipt"] * 2 + ["eth_getTransactionCount"]]
    assert [request["params"] for request in node.requests[1:]] == [[first], [second], [SENDER, "0x10"]]
    node.results["eth_getTransactionReceipt"] = {"transactionHash": second, "status": "0x1"}
    with pytest.raises(BadAnswer, match="receipt_hash"):
        connect(node).receipts([first], sender=SENDER, block="latest")

"""Broadcasts to a real node: what it says, and what is known when it says nothing."""

from ostium_service.gateways.arbitrum import Arbitrum, SendOutcome
from ostium_service.gateways.delegate_key import DelegateKey
from ostium_service.gateways.ostium_contracts import encode_approve, encode_remove_delegate
from ostium_service.gateways.resilience import Policy
from ostium_service.types import UsdcUnits
from sandbox.processes import wait_until
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.gateways.node_actors import ADDRESSES, GAS_CAP, NET, run, sign


def test_a_reverted_transaction_has_a_receipt_that_says_so(arbitrum: Arbitrum, trader: DelegateKey) -> None:
    raw, tx_hash = sign(arbitrum, trader, ADDRESSES.trading, encode_remove_delegate())
    assert arbitrum.send_raw(raw) is SendOutcome.ACCEPTED
    wait_until(lambda: arbitrum.receipt(tx_hash) is not None, seconds=10, purpose="the receipt")
    receipt = arbitrum.receipt(tx_hash)
    assert receipt is not None
    assert (receipt.succeeded, receipt.logs) == (False, ())


def test_what_the_node_says_to_bytes_it_does_not_take(
    arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey
) -> None:
    approve = encode_approve(ADDRESSES.trading_storage, UsdcUnits(1))

    def send(key: DelegateKey = trader, **changes: int) -> SendOutcome:
        return arbitrum.send_raw(sign(arbitrum, key, ADDRESSES.usdc, approve, **changes)[0])

    run(arbitrum, trader, ADDRESSES.usdc, approve)
    assert send(nonce=0) is SendOutcome.NONCE_TOO_LOW
    assert send(maxFeePerGas=1_000_000) is SendOutcome.FEE_TOO_LOW
    assert send(DelegateKey.generate()) is SendOutcome.INSUFFICIENT_FUNDS
    assert send(gas=20_000) is SendOutcome.REJECTED
    assert send(chainId=1) is SendOutcome.REJECTED
    assert arbitrum.send_raw(b"\x02\xc0") is SendOutcome.REJECTED
    assert arbitrum.send_raw(b"") is SendOutcome.REJECTED
    assert arbitrum.transaction_count(trader.address) == 1
    # This node holds what comes too early: the same bytes again are known, another of that nonce must pay more.
    early, _ = sign(arbitrum, trader, ADDRESSES.usdc, approve, nonce=9)
    assert [arbitrum.send_raw(early), arbitrum.send_raw(early)] == [SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN]
    assert send(nonce=9, gas=GAS_CAP - 1) is SendOutcome.UNDERPRICED


def test_p2_a_lost_answer_is_unknown_and_the_transaction_is_there_once(
    arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey
) -> None:
    raw, tx_hash = sign(arbitrum, trader, ADDRESSES.usdc, encode_approve(ADDRESSES.trading_storage, UsdcUnits(7)))
    sandbox.control.fail(endpoint=Endpoint.RPC, status=0, times=1, method="eth_sendRawTransaction", after_serving=True)
    assert arbitrum.send_raw(raw) is SendOutcome.UNKNOWN
    wait_until(lambda: arbitrum.receipt(tx_hash) is not None, seconds=10, purpose="the receipt")
    assert arbitrum.send_raw(raw) in (SendOutcome.ALREADY_KNOWN, SendOutcome.NONCE_TOO_LOW)
    assert arbitrum.transaction_count(trader.address) == 1


def test_p3_submit_takes_the_bytes_and_loses_the_answer_the_node_only_confirms(
    sandbox: SandboxUrls, trader: DelegateKey
) -> None:
    both = Arbitrum(NET, rpc_url=sandbox.rpc_url, submit_url=sandbox.shaped_rpc_url, policy=Policy(read_seconds=1.0))
    raw, tx_hash = sign(both, trader, ADDRESSES.usdc, encode_approve(ADDRESSES.trading_storage, UsdcUnits(7)))
    sandbox.control.fail(endpoint=Endpoint.RPC, status=0, times=1, method="eth_sendRawTransaction", after_serving=True)
    assert both.send_raw(raw) in (SendOutcome.ALREADY_KNOWN, SendOutcome.UNKNOWN)
    wait_until(lambda: both.receipt(tx_hash) is not None, seconds=10, purpose="the receipt")
    down = Arbitrum(NET, rpc_url=sandbox.rpc_url, submit_url="http://127.0.0.1:1")
    raw, tx_hash = sign(down, trader, ADDRESSES.usdc, encode_approve(ADDRESSES.trading_storage, UsdcUnits(8)))
    assert down.send_raw(raw) is SendOutcome.ACCEPTED
    both.close()
    down.close()

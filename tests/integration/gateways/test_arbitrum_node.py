"""The node's client against a real node with the venue's contracts on it."""

from collections import Counter

import pytest

from ostium_service.gateways.arbitrum import Arbitrum, Call
from ostium_service.gateways.delegate_key import DelegateKey
from ostium_service.gateways.failures import BadAnswer, Refused, Reverted, Unreachable
from ostium_service.gateways.ostium_contracts import (
    ALLOWANCE,
    ARB_BLOCK_NUMBER,
    ARB_SYS,
    BALANCE_OF,
    DELEGATIONS,
    GET_CONTRACT_ADDRESS,
    GET_OPEN_TRADE,
    GET_OPEN_TRADE_INFO,
    GET_PENDING_ORDER_IDS,
    IS_PAUSED,
    REGISTRY,
    TOPICS,
    Read,
    contract_key,
    decode_log,
    decode_revert,
    encode_approve,
    encode_delegated_action,
    encode_remove_delegate,
    encode_set_delegate,
    encode_update_sl,
)
from ostium_service.types import Address, Network, PriceUnits, TxHash, UsdcUnits
from sandbox.processes import wait_until
from sandbox.shaping import Endpoint
from tests.fixtures import SandboxUrls
from tests.integration.gateways.node_actors import ADDRESSES, GAS_CAP, NET, fund, open_long, run


def ask(arbitrum: Arbitrum, to: Address, read: Read[object], *args: object) -> object:
    """One view function's value."""
    return read.decode(arbitrum.call(Call(to, read.encode(*args))))


def test_a_delegated_open_from_call_data_to_settlement(
    arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey
) -> None:
    sandbox.control.set_keeper(delay_seconds=0)
    delegate = fund(sandbox)
    began = arbitrum.block("latest").number
    run(arbitrum, trader, ADDRESSES.trading, encode_set_delegate(delegate.address))
    run(arbitrum, trader, ADDRESSES.usdc, encode_approve(ADDRESSES.trading_storage, UsdcUnits(200 * 10**6)))
    assert ask(arbitrum, ADDRESSES.trading, DELEGATIONS, trader.address) == delegate.address
    action = encode_delegated_action(trader.address, open_long(trader.address))
    simulation = arbitrum.simulate(Call(ADDRESSES.trading, action, delegate.address))
    assert 200_000 < simulation.gas < GAS_CAP
    assert simulation.base_fee == 20_000_000
    receipt = arbitrum.receipt(run(arbitrum, delegate, ADDRESSES.trading, action))
    assert receipt is not None
    events = [event for event in map(decode_log, receipt.logs) if event]
    assert [event.name for event in events] == ["PriceRequestedV2", "MarketOpenOrderInitiated"]
    order_id = events[0].args["orderId"]
    assert events[1].args == {"orderId": order_id, "trader": trader.address, "pairIndex": 0}
    assert events[1].address == ADDRESSES.trading
    registry = ask(arbitrum, ADDRESSES.trading, REGISTRY)
    assert isinstance(registry, str)
    callbacks = ask(arbitrum, Address(registry), GET_CONTRACT_ADDRESS, contract_key("callbacks"))
    assert isinstance(callbacks, str)
    topic = order_id.to_bytes(32, "big")

    def settled() -> bool:
        return any(arbitrum.logs(Address(callbacks), [TOPICS["MarketOpenExecuted"], topic], began, "latest"))

    wait_until(settled, seconds=10, purpose="the settlement")
    found = {
        event.name: event
        for event in map(decode_log, arbitrum.logs(Address(callbacks), [None, topic], began, "latest"))
        if event
    }
    trade = found["MarketOpenExecuted"].args["t"]
    # 100 USDC less 10 bps of 1,000 USDC and the oracle fee of 0.10.
    assert (trade["trader"], trade["collateral"], trade["leverage"]) == (trader.address, 98_900_000, 1000)
    stored = ask(arbitrum, ADDRESSES.trading_storage, GET_OPEN_TRADE, trader.address, 0, 0)
    assert stored is not None
    assert stored.collateral == 98_900_000  # type: ignore[attr-defined]
    info = ask(arbitrum, ADDRESSES.trading_storage, GET_OPEN_TRADE_INFO, trader.address, 0, 0)
    assert info.trade_id == order_id  # type: ignore[attr-defined]
    assert ask(arbitrum, ADDRESSES.trading_storage, GET_PENDING_ORDER_IDS, trader.address) == ()
    assert arbitrum.logs(ADDRESSES.trading, [None, topic], began, "latest") == [events[1].log]


def test_reverts_are_decoded_from_the_simulation(arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey) -> None:
    stranger = DelegateKey.generate()
    action = encode_delegated_action(trader.address, open_long(trader.address))
    with pytest.raises(Reverted) as reverted:
        arbitrum.simulate(Call(ADDRESSES.trading, action, stranger.address))
    revert = decode_revert(reverted.value.data)
    assert (revert.name, revert.args) == ("NotDelegate", (trader.address, stranger.address))
    with pytest.raises(Reverted) as reverted:
        arbitrum.simulate(Call(ADDRESSES.trading, open_long(trader.address), trader.address))
    revert = decode_revert(reverted.value.data)
    assert (revert.name, revert.args) == ("Error", ("ERC20: transfer amount exceeds allowance",))
    calls = [
        Call(ADDRESSES.trading, encode_remove_delegate(), trader.address),
        Call(ADDRESSES.trading, IS_PAUSED.encode()),
        Call(ADDRESSES.trading, encode_update_sl(pair_id=0, trade_index=9, stop_loss=PriceUnits(1)), trader.address),
    ]
    found = arbitrum.call_many(calls)
    assert [decode_revert(item.data).name if isinstance(item, Reverted) else item for item in found] == [
        "NoDelegate",
        bytes(32),
        "NoTradeFound",
    ]


def test_state_is_read_in_one_round_trip(arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey) -> None:
    sandbox.control.reset_calls()
    state = arbitrum.read_state(
        [
            Call(ADDRESSES.usdc, BALANCE_OF.encode(trader.address)),
            Call(ADDRESSES.usdc, ALLOWANCE.encode(trader.address, ADDRESSES.trading_storage)),
            Call(ARB_SYS, ARB_BLOCK_NUMBER.encode()),
        ],
        balances=[trader.address, ADDRESSES.usdc],
        nonces=[trader.address],
    )
    assert sandbox.control.calls()["rpc"] == 1
    outputs = [output for output in state.results if isinstance(output, bytes)]
    assert BALANCE_OF.decode(outputs[0]) == 1000 * 10**6
    assert ALLOWANCE.decode(outputs[1]) == 0
    assert ARB_BLOCK_NUMBER.decode(outputs[2]) > 0
    assert (state.balances, state.nonces) == ((10**18, 0), (0,))


def test_simulation_is_one_round_trip(arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey) -> None:
    sandbox.control.reset_calls()
    arbitrum.simulate(Call(ADDRESSES.usdc, encode_approve(ADDRESSES.trading_storage, UsdcUnits(1)), trader.address))
    calls = sandbox.control.calls()
    expected = Counter(rpc=1, eth_chainId=1, eth_call=1, eth_estimateGas=1, eth_getBlockByNumber=1)
    assert {name: calls[name] for name in expected} == expected


def test_r5_an_account_without_code_is_no_contract(arbitrum: Arbitrum, trader: DelegateKey) -> None:
    assert arbitrum.code(trader.address) == b""
    assert len(arbitrum.code(ADDRESSES.trading)) > 100
    with pytest.raises(BadAnswer, match="rpc: abi"):
        ask(arbitrum, trader.address, DELEGATIONS, trader.address)


def test_r2_another_network_is_refused(sandbox: SandboxUrls) -> None:
    mainnet = Arbitrum(Network.MAINNET, rpc_url=sandbox.rpc_url)
    for attempt in (mainnet.verify_chain_id, lambda: mainnet.balance(ADDRESSES.usdc)):
        with pytest.raises(BadAnswer, match="chain_id"):
            attempt()
    Arbitrum(NET, rpc_url=sandbox.rpc_url).verify_chain_id()


def test_a_hash_nobody_knows_has_no_receipt(arbitrum: Arbitrum) -> None:
    assert arbitrum.receipt(TxHash("0x" + "ab" * 32)) is None


def test_r7_a_block_of_the_future_is_a_node_behind(arbitrum: Arbitrum) -> None:
    with pytest.raises(Unreachable, match="node_behind"):
        arbitrum.block(10**9)


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_r6_a_read_survives_failures_and_gives_up_after_three(
    arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey, status: int
) -> None:
    sandbox.control.fail(endpoint=Endpoint.RPC, status=status, times=2)
    assert arbitrum.balance(trader.address) == 10**18
    sandbox.control.fail(endpoint=Endpoint.RPC, status=status)
    with pytest.raises(Unreachable):
        arbitrum.balance(trader.address)


def test_a_client_error_is_not_asked_again(arbitrum: Arbitrum, sandbox: SandboxUrls, trader: DelegateKey) -> None:
    sandbox.control.fail(endpoint=Endpoint.RPC, status=403, body="no")
    sandbox.control.reset_calls()
    with pytest.raises(Refused, match="http_error"):
        arbitrum.balance(trader.address)
    assert sandbox.control.calls()["rpc"] == 1

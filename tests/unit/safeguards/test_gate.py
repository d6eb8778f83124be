"""What the gate refuses before it even looks for a grant, and which Safe calls it lets through."""

import pytest
import structlog
from prometheus_client import REGISTRY

from ostium_service.gateways import safe
from ostium_service.gateways.ostium_contracts import (
    DEFAULT_ADDRESSES,
    OrderType,
    TradeRequest,
    encode_approve,
    encode_delegated_action,
    encode_open_trade,
    encode_remove_collateral,
    encode_remove_delegate,
    encode_set_delegate,
    encode_top_up_collateral,
    encode_update_limit,
    encode_update_sl,
    encode_update_tp,
)
from ostium_service.http.errors import DelegationNotActive, NetworkPaused, OstiumInternalError
from ostium_service.types import Address, LeverageUnits, Network, PercentUnits, PriceUnits, UsdcUnits, Wei
from safeguards.gate import TRADING_CALLS, authorize_call, authorize_envelope

ADDRESSES = DEFAULT_ADDRESSES[Network.TESTNET]
TRADER = Address("0x1111111111111111111111111111111111111111")
STRANGER = Address("0x2222222222222222222222222222222222222222")
SIGNER = Address("0x3333333333333333333333333333333333333333")
SIGNATURES = b"\x01" * 65


def authorize(*, to: Address, data: bytes, value: int = 0, is_retiring: bool = False) -> None:
    authorize_call(
        network=Network.TESTNET,
        addresses=ADDRESSES,
        signer=SIGNER,
        to=to,
        value=value,
        data=data,
        our_signers={SIGNER},
        is_retiring=is_retiring,
    )


def approve(spender: Address, amount: int) -> bytes:
    return encode_approve(spender, UsdcUnits(amount))


def open_trade(*, trader: Address) -> bytes:
    trade = TradeRequest(
        trader=trader,
        pair_id=0,
        is_long=True,
        collateral=UsdcUnits(100_000_000),
        price=PriceUnits(90_000 * 10**18),
        leverage=LeverageUnits(1000),
    )
    return encode_open_trade(trade=trade, order_type=OrderType.MARKET, slippage=PercentUnits(100))


def with_builder(data: bytes, builder: Address) -> bytes:
    """The open's call data with the builder's address in word 10, after the ten words of the trade."""
    start = 4 + 10 * 32
    return data[:start] + bytes(12) + bytes.fromhex(builder[2:]) + data[start + 32 :]


UPDATE = encode_update_sl(pair_id=0, trade_index=0, stop_loss=PriceUnits(1))

REFUSED_ON_TRADING = {
    "an open in the signer's own name": open_trade(trader=SIGNER),
    "naming another delegate": encode_set_delegate(STRANGER),
    "an inner delegation call": encode_delegated_action(TRADER, encode_set_delegate(STRANGER)),
    "an inner removal of the delegate": encode_delegated_action(TRADER, encode_remove_delegate()),
    "a nested delegated action": encode_delegated_action(TRADER, encode_delegated_action(TRADER, UPDATE)),
    "an inner approval": encode_delegated_action(TRADER, approve(STRANGER, 1)),
    "trailing bytes": encode_delegated_action(TRADER, UPDATE) + b"\x00" * 32,
    "trailing bytes in the inner call": encode_delegated_action(TRADER, UPDATE + b"\x00"),
    "an unknown inner selector": encode_delegated_action(TRADER, b"\xde\xad\xbe\xef"),
    "an inner call cut short": encode_delegated_action(TRADER, UPDATE[:-1]),
    "a trade of another trader": encode_delegated_action(TRADER, open_trade(trader=STRANGER)),
    "T10: a builder fee's receiver": encode_delegated_action(TRADER, with_builder(open_trade(trader=TRADER), STRANGER)),
    "nothing": b"",
}


@pytest.mark.parametrize("data", REFUSED_ON_TRADING.values(), ids=REFUSED_ON_TRADING.keys())
def test_v11_trading_calls_outside_the_policy_are_refused(data: bytes) -> None:
    with pytest.raises(OstiumInternalError) as refusal:
        authorize(to=ADDRESSES.trading, data=data)
    assert refusal.value.details == {"reason": "call_refused"}


def test_v11_a_value_is_refused_whatever_the_call() -> None:
    with pytest.raises(OstiumInternalError):
        authorize(to=ADDRESSES.trading, data=encode_delegated_action(TRADER, UPDATE), value=1)


@pytest.mark.parametrize("target", [ADDRESSES.usdc, ADDRESSES.trading_storage, STRANGER, SIGNER])
def test_v11_a_delegated_action_to_another_target_is_refused(target: Address) -> None:
    with pytest.raises(OstiumInternalError):
        authorize(to=target, data=encode_delegated_action(TRADER, UPDATE))


APPROVE = safe.InnerCall(ADDRESSES.usdc, approve(ADDRESSES.trading_storage, 1_000_000_000))
APPOINT = safe.InnerCall(ADDRESSES.trading, encode_set_delegate(SIGNER))
REMOVE = safe.InnerCall(ADDRESSES.trading, encode_remove_delegate())


def execution(calls: list[safe.InnerCall], **changes: object) -> bytes:
    call = safe.batch_calls(calls, multi_send=safe.MULTI_SEND_141, nonce=0)
    fields = {"to": call.to, "data": call.data, "operation": call.operation, "value": call.value, **changes}
    return safe.encode_exec_transaction(safe.SafeCall(**fields), SIGNATURES)  # type: ignore[arg-type]


ALLOWED_SAFE_CALLS = {
    "appoint and approve": execution([APPOINT, APPROVE]),
    "appoint alone": execution([APPOINT]),
    "approve alone": execution([APPROVE]),
    "remove": execution([REMOVE]),
    "through the other release's batcher": execution([APPOINT, APPROVE], to=safe.MULTI_SEND_130),
}


@pytest.mark.parametrize("data", ALLOWED_SAFE_CALLS.values(), ids=ALLOWED_SAFE_CALLS.keys())
def test_safe_calls_that_delegate_or_revoke_pass(data: bytes) -> None:
    authorize(to=TRADER, data=data)


REFUSED_SAFE_CALLS = {
    "another delegate than ours": execution([safe.InnerCall(ADDRESSES.trading, encode_set_delegate(STRANGER))]),
    "an approval of another spender": execution([safe.InnerCall(ADDRESSES.usdc, approve(STRANGER, 1))]),
    "an approval of trading": execution([safe.InnerCall(ADDRESSES.usdc, approve(ADDRESSES.trading, 1))]),
    "an unlimited approval": execution(
        [safe.InnerCall(ADDRESSES.usdc, approve(ADDRESSES.trading_storage, 2**256 - 1))]
    ),
    "an approval by another token": execution([safe.InnerCall(STRANGER, approve(ADDRESSES.trading_storage, 1))]),
    "appointing on another contract": execution([safe.InnerCall(STRANGER, encode_set_delegate(SIGNER))]),
    "a second call that is not allowed": execution([APPOINT, safe.InnerCall(STRANGER, b"")]),
    "a value": execution([safe.InnerCall(ADDRESSES.trading, encode_remove_delegate(), 1)]),
    "a delegate call elsewhere": execution([APPOINT, APPROVE], to=STRANGER),
    "a refund": execution([REMOVE], gas_price=1),
    "a refund receiver": execution([REMOVE], refund_receiver=STRANGER),
    "gas for an inner failure that would pass as success": execution([REMOVE], safe_tx_gas=80_000),
    "trailing bytes": execution([REMOVE]) + bytes(32),
    "an empty batch": execution([APPOINT, APPROVE], data=safe.encode_multi_send([])),
}


@pytest.mark.parametrize("data", REFUSED_SAFE_CALLS.values(), ids=REFUSED_SAFE_CALLS.keys())
def test_v11_other_safe_calls_are_refused(data: bytes) -> None:
    with pytest.raises(OstiumInternalError) as refusal:
        authorize(to=TRADER, data=data)
    assert refusal.value.details == {"reason": "call_refused"}


ONE, SLOT = PriceUnits(1), {"pair_id": 0, "trade_index": 0}
NOT_CLOSING = {
    "openTrade": open_trade(trader=TRADER),
    "updateOpenLimitOrder": encode_update_limit(**SLOT, price=ONE, take_profit=ONE, stop_loss=ONE),
    "updateTp": encode_update_tp(**SLOT, take_profit=ONE),
    "updateSl": encode_update_sl(**SLOT, stop_loss=ONE),
    "topUpCollateral": encode_top_up_collateral(**SLOT, amount=UsdcUnits(1)),
    "removeCollateral": encode_remove_collateral(**SLOT, amount=UsdcUnits(1)),
}


@pytest.mark.parametrize("data", NOT_CLOSING.values(), ids=NOT_CLOSING.keys())
def test_a_retiring_signer_does_not_open_or_change(data: bytes) -> None:
    with pytest.raises(DelegationNotActive) as refusal:
        authorize(to=ADDRESSES.trading, data=encode_delegated_action(TRADER, data), is_retiring=True)
    assert refusal.value.details == {"reason": "delegate_retiring"}


def test_every_trading_call_is_either_closing_or_refused_to_a_retiring_signer() -> None:
    assert TRADING_CALLS - NOT_CLOSING.keys() == {
        *("closeTradeMarket", "cancelOpenLimitOrder", "openTradeMarketTimeout", "closeTradeMarketTimeout")
    }


def test_a_retiring_signer_relays_no_safe_call() -> None:
    with pytest.raises(NetworkPaused):
        authorize(to=TRADER, data=execution([REMOVE]), is_retiring=True)


ENVELOPE: dict[str, object] = {
    "chainId": Network.TESTNET.chain_id,
    "to": ADDRESSES.trading,
    "value": 0,
    "data": b"call",
    "gas": 5_000_000,
    "maxFeePerGas": 100,
}

REFUSED_ENVELOPES = {
    "another_chain": {"chainId": Network.MAINNET.chain_id},
    "value_not_zero": {"value": 1},
    "fee_above_ceiling": {"maxFeePerGas": 101},
    "gas_above_ceiling": {"gas": 5_000_001},
    "transfer_to_another": {"data": b"", "to": STRANGER},
}


def seal(fields: dict[str, object]) -> None:
    authorize_envelope(network=Network.TESTNET, signer=SIGNER, fields=fields, fee_ceiling=Wei(100))


def test_v11_an_envelope_within_the_policy_passes() -> None:
    seal(ENVELOPE)
    seal(ENVELOPE | {"data": b"", "to": SIGNER})


@pytest.mark.parametrize(("reason", "change"), REFUSED_ENVELOPES.items(), ids=REFUSED_ENVELOPES.keys())
def test_v11_envelopes_outside_the_policy_are_refused_counted_and_logged(
    reason: str, change: dict[str, object]
) -> None:
    before = count_refusals()
    with structlog.testing.capture_logs() as logs, pytest.raises(OstiumInternalError) as refusal:
        seal(ENVELOPE | change)
    assert refusal.value.details == {"reason": "call_refused"}
    assert count_refusals() == before + 1
    expected = {"event": "signature_refused", "log_level": "error", "network": "testnet", "signer": SIGNER}
    assert logs == [expected | {"to": (ENVELOPE | change)["to"], "reason": reason}]


def count_refusals() -> float:
    return REGISTRY.get_sample_value("ostium_security_events_total", {"kind": "gate_refused"}) or 0.0

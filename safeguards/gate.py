"""The sign-time gate: what our keys may sign, judged on the decoded call inside the signing transaction."""

from collections.abc import Collection, Mapping
from typing import Any

import structlog

from ostium_service.gateways import safe
from ostium_service.gateways.ostium_contracts import Addresses, DecodedCall, decode_approve, decode_call
from ostium_service.gateways.ostium_faucet import decode_transfer_call, encode_request_tokens
from ostium_service.http import errors
from ostium_service.observability.metrics import count_security_event
from ostium_service.types import Address, Network, Wei
from safeguards.models import Grant

logger = structlog.get_logger(__name__)

TRADING_CALLS = frozenset(
    {
        "openTrade",
        "closeTradeMarket",
        "cancelOpenLimitOrder",
        "updateOpenLimitOrder",
        "updateTp",
        "updateSl",
        "topUpCollateral",
        "removeCollateral",
        "openTradeMarketTimeout",
        "closeTradeMarketTimeout",
    }
)
"""What a delegate may do for a trader. Delegation itself is not in it: the contract forbids it, and so do we."""

CLOSING_CALLS = frozenset(
    {"closeTradeMarket", "cancelOpenLimitOrder", "openTradeMarketTimeout", "closeTradeMarketTimeout"}
)
"""What a retiring delegate may still do: end positions and orders, and take back what an unanswered order holds."""

MAX_ALLOWANCE = 10**15
"""1e9 USDC: far above any trade, far below the unlimited approval that the July 2026 incident taught to avoid."""

MAX_FAUCET_PAYMENT = 10**11
"""100,000 test USDC, ten of today's faucet payments. The exact amount, the faucet's own, is bound where it is read."""

MAX_GAS = 5_000_000
"""Gas units of one transaction; the largest trade needs about a tenth, L1 data included (facts 9)."""

ZERO_ADDRESS = "0x" + "0" * 40


class _Refused(Exception):
    """Why a call is outside the policy; a stable token."""


def authorize_call(
    *,
    network: Network,
    addresses: Addresses,
    signer: Address,
    to: Address,
    value: int,
    data: bytes,
    our_signers: Collection[Address],
    is_retiring: bool = False,
) -> None:
    """Let the call be signed, or raise. Must run inside the transaction that signs: it locks the grant it reads.

    Allowed: `delegatedAction` on trading for a trader whose ACTIVE grant names this signer, with an inner call from
    the closed list; on testnet asking the faucet for tokens, and passing a bounded amount of USDC to a trader whose
    ACTIVE grant names this signer; and `execTransaction` of a Safe whose content is only naming one of `our_signers` as
    delegate, removing the delegate, or a bounded USDC approval of tradingStorage. A retiring signer only closes:
    another trade is DelegationNotActive (the trader has to name the new delegate), a Safe's call or a faucet request
    NetworkPaused. DelegationNotActive and DelegationSuspended say what the grant says; anything else is
    OstiumInternalError, counted and logged as a security event.
    """
    try:
        if value != 0:
            raise _Refused("value_not_zero")
        if to == addresses.trading:
            trader, call = _delegated_call(data)
            if is_retiring and call not in CLOSING_CALLS:
                raise errors.DelegationNotActive(details={"reason": "delegate_retiring"})
            _check_grant(network=network, trader=trader, signer=signer)
        elif network is Network.TESTNET and to in {addresses.faucet, addresses.usdc}:
            _check_faucet_call(network=network, addresses=addresses, signer=signer, to=to, data=data)
            if is_retiring and to == addresses.faucet:
                raise errors.NetworkPaused(details={"reason": "signer_retiring"})
        else:
            _check_safe_call(data, addresses, our_signers)
            if is_retiring:
                raise errors.NetworkPaused(details={"reason": "signer_retiring"})
    except _Refused as refusal:
        raise _report(network=network, signer=signer, to=to, refusal=refusal) from refusal


def authorize_envelope(*, network: Network, signer: Address, fields: Mapping[str, Any], fee_ceiling: Wei) -> None:
    """Judge what surrounds the call, right before the key signs it: this chain, no value, bounded gas and fee.

    `fee_ceiling` in wei per gas. A self-transfer (no call data) may only go to the signer itself. Refused with
    OstiumInternalError, counted and logged as a security event: an honest caller has checked all of it before.
    """
    try:
        if fields["chainId"] != network.chain_id:
            raise _Refused("another_chain")
        if fields["value"] != 0:
            raise _Refused("value_not_zero")
        if fields["maxFeePerGas"] > fee_ceiling:
            raise _Refused("fee_above_ceiling")
        if fields["gas"] > MAX_GAS:
            raise _Refused("gas_above_ceiling")
        if not fields["data"] and fields["to"] != signer:
            raise _Refused("transfer_to_another")
    except _Refused as refusal:
        raise _report(network=network, signer=signer, to=fields["to"], refusal=refusal) from refusal


def _report(*, network: Network, signer: Address, to: Address, refusal: _Refused) -> errors.OstiumInternalError:
    count_security_event("gate_refused")
    logger.error("signature_refused", network=network, signer=signer, to=to, reason=str(refusal))
    return errors.OstiumInternalError(details={"reason": "call_refused"})


def _delegated_call(data: bytes) -> tuple[Address, str]:
    """The trader, and the name of the call on its behalf."""
    outer = _decode(data)
    if outer.name != "delegatedAction":
        raise _Refused("not_delegated_action")
    trader = Address(outer.args["trader"])
    inner = _decode(outer.args["call_data"])
    if inner.name not in TRADING_CALLS:
        raise _Refused("inner_call_not_allowed")
    if inner.name == "openTrade":
        _check_open_trade(inner, trader)
    return trader, inner.name


def _check_open_trade(call: DecodedCall, trader: Address) -> None:
    if call.args["t"]["trader"] != trader:
        raise _Refused("trade_of_another_trader")
    builder: Mapping[str, object] = call.args["bf"]
    if builder["builder"] != ZERO_ADDRESS or builder["builderFee"] != 0:
        raise _Refused("builder_fee")


def _check_faucet_call(*, network: Network, addresses: Addresses, signer: Address, to: Address, data: bytes) -> None:
    """The two halves of a faucet request: the delegate is paid, and hands it to a trader who trusts it."""
    if to == addresses.faucet:
        if data != encode_request_tokens():
            raise _Refused("faucet_call_not_allowed")
        return
    payment = decode_transfer_call(data)
    if payment is None:
        raise _Refused("call_not_decoded")
    receiver, amount = payment
    if amount > MAX_FAUCET_PAYMENT:
        raise _Refused("faucet_payment_too_large")
    _check_grant(network=network, trader=receiver, signer=signer)


def _check_grant(*, network: Network, trader: Address, signer: Address) -> None:
    grant = Grant.objects.select_for_update(no_key=True).filter(network=network, trader=trader).first()
    if grant is None or grant.state == Grant.State.WITHDRAWN or grant.delegate != signer:
        raise errors.DelegationNotActive
    if grant.suspended:
        raise errors.DelegationSuspended


def _check_safe_call(data: bytes, addresses: Addresses, our_signers: Collection[Address]) -> None:
    decoded = safe.decode_exec_transaction(data)
    if decoded is None:
        raise _Refused("not_exec_transaction")
    transaction = decoded.transaction
    refund = (transaction.safe_tx_gas, transaction.base_gas, transaction.gas_price, transaction.gas_token)
    if refund != (0, 0, 0, ZERO_ADDRESS) or transaction.refund_receiver != ZERO_ADDRESS:
        raise _Refused("safe_gas_payment")
    if transaction.operation == safe.DELEGATE_CALL:
        if transaction.to not in safe.MULTI_SEND_CALL_ONLY:
            raise _Refused("delegate_call")
        calls = safe.decode_multi_send(transaction.data)
        if not calls:
            raise _Refused("multi_send")
        for call in calls:
            _check_inner_call(call.to, call.value, call.data, addresses, our_signers)
        return
    _check_inner_call(transaction.to, transaction.value, transaction.data, addresses, our_signers)


def _check_inner_call(
    to: Address, value: int, data: bytes, addresses: Addresses, our_signers: Collection[Address]
) -> None:
    if value != 0:
        raise _Refused("value_not_zero")
    if to == addresses.usdc:
        _check_approval(data, addresses)
        return
    call = _decode(data)
    names_our_signer = call.name == "setDelegate" and call.args["delegate"] in our_signers
    if to != addresses.trading or not (names_our_signer or call.name == "removeDelegate"):
        raise _Refused("safe_call_not_allowed")


def _check_approval(data: bytes, addresses: Addresses) -> None:
    approval = decode_approve(data)
    if approval is None:
        raise _Refused("call_not_decoded")
    spender, amount = approval
    if spender != addresses.trading_storage or amount > MAX_ALLOWANCE:
        raise _Refused("approval_not_allowed")


def _decode(data: bytes) -> DecodedCall:
    call = decode_call(data)
    if call is None:
        raise _Refused("call_not_decoded")
    return call

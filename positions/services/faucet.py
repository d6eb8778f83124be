"""Test USDC for a trader: the delegate asks the faucet, which pays its caller, and passes the tokens on."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.utils import timezone

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_faucet import TOKEN_AMOUNT, encode_request_tokens, encode_transfer
from ostium_service.http import errors
from ostium_service.http.errors import ServiceError
from ostium_service.money import USDC_DECIMALS, to_units, units_string
from ostium_service.types import Address, Network, UsdcUnits
from positions.models import ExecutionState, Operation, PerpsExecution
from positions.selectors import find_faucet_payments
from positions.services.following import advance_execution
from positions.services.ledger import Intent, move_execution
from positions.services.pipeline import Answer, Plan, run_write, start_write

logger = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = timedelta(seconds=20)
GIVE_UP_AFTER = timedelta(hours=1)
"""When tokens that could not be passed on (the delegation has ended) stay with the delegate."""

NOT_PASSED_ON = "NOT_PASSED_ON"
_WITHOUT_EFFECT = frozenset({ExecutionState.REJECTED, ExecutionState.REVERTED, ExecutionState.EXPIRED})


def request_tokens(*, network: Network, trader: Address, key: str, request_id: str, signature: str = "") -> Answer:
    """Test USDC to the trader, once per key: two transactions of the delegate, `settled` when the second is mined.

    Refused before anything is written: FaucetNotAvailable where there is no faucet. Refused before the signature:
    DelegationNotActive, DelegationSuspended, FaucetUnavailable (this delegate has to wait for its next turn).
    """
    if network is not Network.TESTNET or composition.contract_addresses(network).faucet is None:
        raise errors.FaucetNotAvailable
    intent = Intent(
        operation=Operation.FAUCET,
        network=network,
        trader=trader,
        key=key,
        request={"traderAddress": trader},
        request_id=request_id,
        signature=signature,
    )
    return run_write(
        intent=intent,
        make_plan=lambda _delegate: _plan_request(network, trader),
        step=lambda execution_id: advance_faucet(advance_execution(execution_id=execution_id)),
    )


def advance_faucet(execution: PerpsExecution) -> PerpsExecution:
    """Pass on what a mined request was paid, as an execution of its own, and settle the request with it.

    May be repeated from any process. A payment that ended without effect is made again; after an hour the request ends
    CANCELLED.
    """
    if execution.state != ExecutionState.MINED:
        return execution
    payments = find_faucet_payments(execution=execution)
    last = payments[-1] if payments else None
    try:
        if last is None or (last.state in _WITHOUT_EFFECT and _may_try_again(last)):
            last = start_write(
                intent=_describe_payment(execution, len(payments)),
                make_plan=lambda _delegate: _plan_payment(execution),
            )
    except (ServiceError, GatewayError) as error:
        logger.warning("faucet_payment_refused", execution_id=str(execution.pk), reason=str(error))
    if last is not None and not last.is_final:
        last = advance_execution(execution_id=last.pk)
    return _conclude(execution, last)


def _may_try_again(payment: PerpsExecution) -> bool:
    return timezone.now() - payment.created_at > TRY_AGAIN_AFTER


def _conclude(execution: PerpsExecution, payment: PerpsExecution | None) -> PerpsExecution:
    if payment is not None and payment.state == ExecutionState.SETTLED:
        result = {**(payment.result or {}), "paymentTxHash": payment.tx_hash, "paymentExecutionId": str(payment.pk)}
        return move_execution(
            execution_id=execution.pk,
            to=ExecutionState.SETTLED,
            reason="passed on to the trader",
            evidence={"executionId": str(payment.pk), "txHash": payment.tx_hash},
            result=result,
        )
    is_under_way = payment is not None and not payment.is_final
    if not is_under_way and timezone.now() - execution.created_at > GIVE_UP_AFTER:
        return move_execution(execution_id=execution.pk, to=ExecutionState.CANCELLED, reason=NOT_PASSED_ON)
    return execution


def _plan_request(network: Network, trader: Address) -> Plan:
    """With the amount that the faucet pays now, which bounds the payment that follows."""
    faucet = composition.contract_addresses(network).faucet
    if faucet is None:
        raise errors.FaucetNotAvailable
    try:
        output = composition.arbitrum(network).call(Call(to=faucet, data=TOKEN_AMOUNT.encode()))
    except Reverted as error:
        raise errors.FaucetUnavailable(details={"reason": "no_faucet_there"}) from error
    amount = units_string(TOKEN_AMOUNT.decode(output), USDC_DECIMALS)
    return Plan(inner=encode_request_tokens(), target=faucet, terms={"address": trader, "amount": amount})


def _plan_payment(execution: PerpsExecution) -> Plan:
    trader = Address(execution.trader_address)
    return Plan(
        inner=encode_transfer(receiver=trader, amount=_amount(execution)),
        target=composition.contract_addresses(Network(execution.network)).usdc,
        terms={"address": trader, "amount": execution.terms["amount"], "faucetExecutionId": str(execution.pk)},
    )


def _describe_payment(execution: PerpsExecution, number: int) -> Intent:
    request: dict[str, Any] = {"executionId": str(execution.pk), "amount": execution.terms["amount"]}
    return Intent(
        operation=Operation.FAUCET_PAYMENT,
        network=Network(execution.network),
        trader=Address(execution.trader_address),
        # Counted, so that a new payment is never answered with one that ended without effect.
        key=f"{execution.pk}-{number}",
        request=request,
        request_id=execution.request_id,
    )


def _amount(execution: PerpsExecution) -> UsdcUnits:
    return UsdcUnits(to_units(Decimal(execution.terms["amount"]), USDC_DECIMALS))

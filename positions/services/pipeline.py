"""The life of a trading write: claim, admit, plan, simulate, sign and store, send, wait, answer."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from procrastinate.contrib.django import app as queue

from delegations.selectors import tradable_delegation
from ostium_service import composition
from ostium_service.database import in_one_unit, release_connection
from ostium_service.gateways.ostium_contracts import encode_delegated_action
from ostium_service.http import errors
from ostium_service.types import Address, Network
from positions.models import ExecutionState, PerpsExecution
from positions.services.answers import describe_outcome
from positions.services.following import reflect_transaction, wait_for_outcome
from positions.services.ledger import (
    Intent,
    claim_execution,
    lock_for_signing,
    reject_execution,
    remember_trade,
    renew_lease,
    write_move,
)
from positions.services.refusals import FAILED_CODES, SignatureInDoubt, describe_refusal
from relay import services as relay

logger = structlog.get_logger(__name__)

SEND_WITHIN = timedelta(seconds=60)
"""A transaction that is still unsent after this long is never sent late; its execution ends EXPIRED."""

FOLLOW_AFTER_SECONDS = 2
"""When the worker first looks after an execution whose own request is normally still waiting for it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do on chain for an intent, and the operation's own answer fields.

    `inner` is the trader's call, which goes through `delegatedAction`; with `target` it is the delegate's own call and
    goes there as it is. A term that is None when signed is filled from the result once there is one.
    """

    inner: bytes
    terms: Mapping[str, Any]
    pair_id: int | None = None
    trade_id: str = ""
    target: Address | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The data of a success, and whether an earlier request had made it."""

    data: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False


def run_write(
    *,
    intent: Intent,
    make_plan: Callable[[Address], Plan],
    step: Callable[[UUID], PerpsExecution] | None = None,
) -> Answer:
    """Carry an intent out once, and answer with what is known when the patience of a write is over.

    `make_plan` gets the delegate's address, makes every check that the operation needs and changes nothing. A refusal
    before the signature ends the row REJECTED, sends nothing and does not burn the key; after the signature the stored
    transaction is followed to its end whatever becomes of this request. `step` is for an operation whose end takes more
    than its own transaction.
    """
    deadline = time.monotonic() + settings.OSTIUM_WRITE_WAIT_SECONDS
    claim = claim_execution(intent=intent)
    structlog.contextvars.bind_contextvars(execution_id=str(claim.execution.pk))
    if claim.replayed:
        return Answer(describe_outcome(execution=claim.execution, replayed=True), replayed=True)
    execution = _sign(claim.execution, make_plan)
    try:
        execution = _broadcast(execution)
        execution = wait_for_outcome(execution=execution, deadline=deadline, step=step)
    except Exception:
        # Signed and stored: an error here would read as "nothing happened". The worker goes on from the stored row.
        logger.exception("outcome_from_memory", state=execution.state)
        release_connection()
    return Answer(describe_outcome(execution=execution))


def start_write(*, intent: Intent, make_plan: Callable[[Address], Plan]) -> PerpsExecution:
    """The same for the worker, which does not wait: the execution signed and sent, or as an earlier start left it."""
    claim = claim_execution(intent=intent)
    return claim.execution if claim.replayed else _broadcast(_sign(claim.execution, make_plan))


def _sign(execution: PerpsExecution, make_plan: Callable[[Address], Plan]) -> PerpsExecution:
    """Bring the row to SIGNED, or end it REJECTED and raise why."""
    try:
        return _plan_and_sign(execution, make_plan)
    except Exception as error:
        refusal = describe_refusal(error=error, execution=execution)
        row = _end_unsigned(execution, error, refusal)
        if row.state in {ExecutionState.RECEIVED, ExecutionState.REJECTED}:
            log = logger.error if isinstance(refusal, errors.OstiumInternalError) else logger.info
            log("execution_refused", code=refusal.code, exc_info=isinstance(refusal, errors.OstiumInternalError))
            raise refusal from error
        # The commit was made although its answer was lost: the transaction is stored and goes its way.
        return row


def _end_unsigned(execution: PerpsExecution, error: Exception, refusal: errors.ServiceError) -> PerpsExecution:
    """End the row REJECTED, unless it is signed after all. A signature that nobody can look up is not harmless."""
    details = refusal.details if isinstance(refusal.details, Mapping) else {}
    try:
        return reject_execution(execution=execution, code=refusal.code, reason=str(details.get("reason", "")))
    except (OperationalError, InterfaceError) as lost:
        release_connection()
        if not isinstance(error, SignatureInDoubt):
            raise
        in_doubt = {"executionId": str(execution.pk), "reason": "database_unavailable"}
        raise FAILED_CODES[execution.operation](details=in_doubt) from lost


def _plan_and_sign(execution: PerpsExecution, make_plan: Callable[[Address], Plan]) -> PerpsExecution:
    network, trader = Network(execution.network), Address(execution.trader_address)
    delegation = tradable_delegation(network=network, trader=trader)
    delegate = Address(delegation.delegate_address)
    plan = make_plan(delegate)
    remember_trade(execution=execution, trade_id=plan.trade_id)
    renew_lease(execution=execution)
    prepared = relay.prepare(
        network=network,
        signer=delegate,
        to=plan.target or composition.contract_addresses(network).trading,
        data=plan.inner if plan.target else encode_delegated_action(trader, plan.inner),
        kind=execution.operation,
    )
    try:
        return _store_signature(execution, delegate, plan, prepared)
    except (OperationalError, InterfaceError) as error:
        raise SignatureInDoubt from error


@in_one_unit
def _store_signature(
    execution: PerpsExecution, delegate: Address, plan: Plan, prepared: relay.Prepared
) -> PerpsExecution:
    """The one database transaction of a write: lease, gate, nonce, signature, state and follow-up job, all or none.

    What can come before the signer's lock does, since that lock is held until the commit.
    """
    row = lock_for_signing(execution=execution)
    queue.configure_task("positions.follow_execution", schedule_in={"seconds": FOLLOW_AFTER_SECONDS}).defer(
        execution_id=str(row.pk)
    )
    stored = relay.sign_and_store(prepared=prepared, send_within=SEND_WITHIN)
    tx_hash = stored.tx_hash
    return write_move(
        row=row,
        to=ExecutionState.SIGNED,
        reason="signed and stored",
        evidence={"txHash": tx_hash, "nonce": stored.nonce},
        transaction=stored,
        tx_hash=tx_hash,
        delegate_address=delegate,
        pair_id=plan.pair_id,
        trade_id=plan.trade_id,
        terms=dict(plan.terms),
    )


def _broadcast(execution: PerpsExecution) -> PerpsExecution:
    """Send what is stored. Outside every database transaction: nothing goes out before it is committed."""
    if execution.transaction_id is None:
        return execution
    sent = relay.broadcast(transaction_id=execution.transaction_id)
    return reflect_transaction(execution=execution, transaction=sent)

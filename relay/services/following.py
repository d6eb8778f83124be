"""Following a stored transaction to its end. Every step may be repeated, from any process, at any time."""

import time
from datetime import timedelta
from uuid import UUID

import structlog
from django.utils import timezone

from ostium_service import composition
from ostium_service.gateways.arbitrum import Receipt, SendOutcome
from ostium_service.gateways.failures import GatewayError
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.types import Address, TxHash, Wei
from relay.fees import replacement_fee
from relay.models import OutboundTransaction, TransactionAttempt
from relay.selectors import get_transaction, unsent_predecessors
from relay.services.signers import halt_signer
from relay.services.signing import sign_cancellation
from relay.states import move

logger = structlog.get_logger(__name__)

State = OutboundTransaction.State
POLL_SECONDS = 0.25
RESEND_AFTER = timedelta(seconds=10)
"""A receipt takes about a second on Arbitrum; bytes unseen for longer may have been dropped and are sent again."""

OUT = frozenset({SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN})
MAYBE_OUT = frozenset({SendOutcome.UNKNOWN, SendOutcome.NONCE_TOO_LOW, SendOutcome.UNDERPRICED})
"""Outcomes after which only receipts tell: the bytes, or others under the nonce, may be out."""


def broadcast(*, transaction_id: UUID) -> OutboundTransaction:
    """Send what is stored, after every earlier transaction of the signer that is not known to be out.

    Arbitrum holds no nonce gaps, so order matters. Never raises for upstream trouble: the row says SENT, UNKNOWN, or
    stays SIGNED when the node certainly refused it, and `advance` goes on from there.
    """
    row = get_transaction(transaction_id)
    for earlier in unsent_predecessors(row):
        _send(earlier)
    return _send(row)


def advance(*, transaction_id: UUID) -> OutboundTransaction:
    """One step towards the end: look for a receipt under every hash, else send, resend or cancel.

    A transaction that is not known to be out at its deadline is never sent late: its nonce is spent by a
    self-transfer and it ends EXPIRED. Upstream trouble leaves the row as it is for the next step.
    """
    row = get_transaction(transaction_id)
    if row.is_final:
        return row
    try:
        finished = _read_receipts(row)
        if finished is not None:
            return finished
        if row.state == State.SENT:
            return _resend_if_lost(row)
        if timezone.now() >= row.deadline:
            return _cancel(row)
    except GatewayError as error:
        logger.warning("relay_step_failed", transaction_id=str(row.pk), system=error.system, token=error.token)
        return row
    return broadcast(transaction_id=row.pk)


def wait_for_receipt(*, transaction_id: UUID, deadline: float) -> OutboundTransaction:
    """`advance` until the transaction is final or `time.monotonic()` reaches `deadline`."""
    started = time.monotonic()
    while True:
        row = advance(transaction_id=transaction_id)
        if row.is_final:
            observe_relay_stage("receipt", time.monotonic() - started)
            return row
        if time.monotonic() + POLL_SECONDS >= deadline:
            return row
        time.sleep(POLL_SECONDS)


def _send(row: OutboundTransaction) -> OutboundTransaction:
    """Send the newest bytes of the row: the cancellation once there is one, else the call before its deadline."""
    if row.is_final:
        return row
    cancellation = row.attempts.filter(purpose=TransactionAttempt.Purpose.CANCEL).first()
    if cancellation is None and timezone.now() >= row.deadline and row.state != State.SENT:
        return row
    attempt = cancellation or row.attempts.get(purpose=TransactionAttempt.Purpose.CALL)
    started = time.monotonic()
    outcome = composition.arbitrum(row.network).send_raw(bytes(attempt.raw))
    observe_relay_stage("broadcast", time.monotonic() - started)
    evidence = {"txHash": attempt.tx_hash, "outcome": outcome.value}
    if cancellation is not None:
        return row
    if outcome in OUT:
        return move(transaction=row, to=State.SENT, reason="broadcast", evidence=evidence, sent_at=timezone.now())
    if outcome in MAYBE_OUT:
        return move(transaction=row, to=State.UNKNOWN, reason="broadcast without an answer", evidence=evidence)
    logger.warning("broadcast_refused", transaction_id=str(row.pk), outcome=outcome.value)
    return row


def _resend_if_lost(row: OutboundTransaction) -> OutboundTransaction:
    if row.sent_at is not None and timezone.now() - row.sent_at >= RESEND_AFTER:
        composition.arbitrum(row.network).send_raw(bytes(row.attempts.get(purpose=TransactionAttempt.Purpose.CALL).raw))
        OutboundTransaction.objects.filter(pk=row.pk, state=State.SENT).update(sent_at=timezone.now())
        return _end_if_replaced(row)
    return row


def _read_receipts(row: OutboundTransaction) -> OutboundTransaction | None:
    """The row moved to its end when any of its hashes has a receipt, whatever is said about the others."""
    arbitrum = composition.arbitrum(row.network)
    for attempt in row.attempts.order_by("id"):
        receipt = arbitrum.receipt(TxHash(attempt.tx_hash))
        if receipt is not None:
            return _finish(row, attempt, receipt)
    return None


def _finish(row: OutboundTransaction, attempt: TransactionAttempt, receipt: Receipt) -> OutboundTransaction:
    if attempt.purpose == TransactionAttempt.Purpose.CANCEL:
        to, reason = State.EXPIRED, "its nonce was spent by a self-transfer"
    elif receipt.succeeded:
        to, reason = State.MINED, "receipt with status 1"
    else:
        to, reason = State.REVERTED, "receipt with status 0"
    return move(
        transaction=row,
        to=to,
        reason=reason,
        evidence={"txHash": receipt.tx_hash, "block": receipt.block_number, "blockHash": receipt.block_hash},
        mined_hash=receipt.tx_hash,
        block_number=receipt.block_number,
        block_hash=receipt.block_hash,
        gas_used=receipt.gas_used,
        effective_gas_price=receipt.effective_gas_price,
    )


def _cancel(row: OutboundTransaction) -> OutboundTransaction:
    """Spend the nonce of a transaction that is too old to send. The call's bytes, if out, may still win the nonce."""
    for earlier in unsent_predecessors(row):
        _send(earlier)
    arbitrum = composition.arbitrum(row.network)
    call = row.attempts.get(purpose=TransactionAttempt.Purpose.CALL)
    if not row.attempts.filter(purpose=TransactionAttempt.Purpose.CANCEL).exists():
        fee = replacement_fee(previous=Wei(call.max_fee_per_gas), base_fee=arbitrum.block("latest").base_fee)
        key = composition.vault().delegate_key(row.network, Address(row.signer.address))
        sign_cancellation(transaction=row, key=key, max_fee=fee)
    _send(row)
    return _end_if_replaced(row)


def _end_if_replaced(row: OutboundTransaction) -> OutboundTransaction:
    """End a row whose nonce was spent by bytes that are not ours, and halt the signer: somebody else has the key.

    Judged at the `safe` block, since a node behind a load balancer may know the nonce before the receipt.
    """
    arbitrum = composition.arbitrum(row.network)
    spent = arbitrum.transaction_count(Address(row.signer.address), block="safe")
    if spent <= row.nonce:
        return row
    finished = _read_receipts(row)
    if finished is not None:
        return finished
    halt_signer(signer_id=row.signer_id, reason=f"nonce {row.nonce} was spent by a transaction that is not ours")
    return move(transaction=row, to=State.REPLACED, reason="another hash holds the nonce", evidence={"count": spent})

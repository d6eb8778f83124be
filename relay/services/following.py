"""Following a stored transaction until the chain has decided it. Every step may be repeated, from any process."""

import time
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings

from ostium_service import composition
from ostium_service.gateways.arbitrum import Receipt
from ostium_service.gateways.failures import GatewayError
from ostium_service.http.errors import ServiceError
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.types import Address, TxHash, Wei
from relay.clock import database_now
from relay.fees import replacement_fee
from relay.models import OutboundTransaction, TransactionAttempt
from relay.selectors import get_transaction, unsent_predecessors
from relay.services.sending import DEADLINE, must_not_be_sent, newest_attempt, resend, send
from relay.services.signers import halt_signer
from relay.services.signing import CANCEL, cancellation_ceiling, sign_cancellation, sign_replacement
from relay.states import move

logger = structlog.get_logger(__name__)

State = OutboundTransaction.State
POLL_SECONDS = 0.25
RESEND_AFTER = timedelta(seconds=5)
"""A receipt takes about a second on Arbitrum; bytes unseen for longer may have been dropped."""

PREDECESSOR_PATIENCE = timedelta(seconds=1)
"""How long a transaction may be stored and unsent before a later one sends it: its own process must be dead."""

SPENT_BLOCKS_AGO = 60
"""About 15 seconds: a nonce spent that long ago by bytes of ours has its receipt on every node worth asking."""


def broadcast(*, transaction_id: UUID) -> OutboundTransaction:
    """Send what is stored. Never raises for upstream trouble.

    The row says SENT, UNKNOWN, or stays as it is when the node certainly did not take it; `advance` goes on from there.
    Bytes that must not go out any more (deadline, suspension, withdrawn delegation) are not sent.
    """
    row = get_transaction(transaction_id)
    return row if must_not_be_sent(row) else send(row)


def advance(*, transaction_id: UUID) -> OutboundTransaction:
    """One step: look for a receipt under every hash, else send, resend, raise the fee, or spend the nonce otherwise.

    A transaction that is not out at its deadline is never sent late, and one whose delegation was suspended is sent no
    more: a self-transfer spends the nonce, unless the call's own bytes have, and the row ends EXPIRED or CANCELLED.
    Upstream trouble leaves the row as it is for the next step.
    """
    row = get_transaction(transaction_id)
    if row.is_decided:
        return row
    try:
        return _read_receipts(row) or _push(row)
    except (GatewayError, ServiceError) as error:
        logger.warning("relay_step_failed", transaction_id=str(row.pk), reason=str(error))
        return row


def wait_for_receipt(*, transaction_id: UUID, deadline: float) -> OutboundTransaction:
    """`advance` until the transaction is decided or `time.monotonic()` reaches `deadline`."""
    started = time.monotonic()
    while True:
        row = advance(transaction_id=transaction_id)
        if row.is_decided:
            observe_relay_stage("receipt", time.monotonic() - started)
            return row
        if time.monotonic() + POLL_SECONDS >= deadline:
            return row
        time.sleep(POLL_SECONDS)


def _push(row: OutboundTransaction) -> OutboundTransaction:
    """What a row without a receipt needs next."""
    _send_predecessors(row)
    if row.state == State.SENT and row.sent_at is not None and database_now() - row.sent_at < RESEND_AFTER:
        return row
    why = must_not_be_sent(row)
    if why:
        # Where it is out already, the node dropped it or never had it: sending it again would be sending it late.
        return _spend_nonce(row, why)
    if row.state == State.SENT:
        return _end_if_replaced(_raise_fee_if_needed(resend(row)))
    sent = send(row)
    return sent if sent.state == State.SENT else _end_if_replaced(_raise_fee_if_needed(sent))


def _send_predecessors(row: OutboundTransaction) -> None:
    """Arbitrum keeps no nonce gaps: what an earlier process stored and never sent goes out first, in order.

    Nothing behind one that is not taken can be: the rest waits, and nobody waits for the whole queue's time-outs.
    """
    for earlier in unsent_predecessors(row, stored_before=database_now() - PREDECESSOR_PATIENCE):
        why = must_not_be_sent(earlier)
        if why:
            _spend_nonce(earlier, why)
        elif send(earlier).state != State.SENT:
            return


def _read_receipts(row: OutboundTransaction) -> OutboundTransaction | None:
    """The row moved to its end when any of its hashes has a receipt, whatever is said about the others."""
    arbitrum = composition.arbitrum(row.network)
    for attempt in row.attempts.order_by("id"):
        receipt = arbitrum.receipt(TxHash(attempt.tx_hash))
        if receipt is not None:
            return _decide(row, attempt, receipt)
    return None


def _decide(row: OutboundTransaction, attempt: TransactionAttempt, receipt: Receipt) -> OutboundTransaction:
    if attempt.purpose == CANCEL:
        to = State.EXPIRED if row.given_up == DEADLINE else State.CANCELLED
        reason = f"its nonce was spent by a self-transfer: {row.given_up}"
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


def _raise_fee_if_needed(row: OutboundTransaction) -> OutboundTransaction:
    """Sign and send the same call with a higher cap when the base fee has outgrown its cap.

    Above the configured ceiling nothing is signed: the transaction waits for the fee to fall, until its deadline.
    """
    attempt = newest_attempt(row)
    base_fee = composition.arbitrum(row.network).block("latest").base_fee
    if row.is_decided or attempt.purpose == CANCEL or base_fee <= attempt.max_fee_per_gas:
        return row
    fee = replacement_fee(
        previous=Wei(attempt.max_fee_per_gas), base_fee=base_fee, ceiling=Wei(settings.OSTIUM_MAX_FEE_WEI)
    )
    if fee is None:
        return row
    key = composition.vault().delegate_key(row.network, Address(row.signer.address))
    if sign_replacement(transaction=row, key=key, max_fee=fee) is None:
        return row
    return send(row)


def _spend_nonce(row: OutboundTransaction, why: str) -> OutboundTransaction:
    """Send the self-transfer under the row's nonce. The call's bytes, if they are out, may still win it.

    A base fee that has outgrown the self-transfer's cap gets one with a higher cap, up to its own ceiling.
    """
    newest = newest_attempt(row)
    base_fee = composition.arbitrum(row.network).block("latest").base_fee
    if newest.purpose != CANCEL or newest.max_fee_per_gas < base_fee:
        fee = replacement_fee(previous=Wei(newest.max_fee_per_gas), base_fee=base_fee, ceiling=cancellation_ceiling())
        if fee is None:
            return row
        key = composition.vault().delegate_key(row.network, Address(row.signer.address))
        sign_cancellation(transaction=row, key=key, max_fee=fee, why=why)
        # Its end is named after why it was given up, which is written by now.
        row = get_transaction(row.pk)
    return _end_if_replaced(send(row))


def _end_if_replaced(row: OutboundTransaction) -> OutboundTransaction:
    """Halt the signer when bytes that are not ours spent the row's nonce: somebody else has the key.

    Judged some blocks ago, since a node may know a nonce before the receipt, or be behind. A halt can be taken back;
    the row's end cannot, so it waits until the nonce is spent at the `safe` block too.
    """
    if row.is_decided:
        return row
    arbitrum, address = composition.arbitrum(row.network), Address(row.signer.address)
    attempts = list(row.attempts.order_by("id"))
    receipts, spent = arbitrum.receipts(
        [TxHash(attempt.tx_hash) for attempt in attempts],
        sender=address,
        block=max(arbitrum.block("latest").number - SPENT_BLOCKS_AGO, 0),
    )
    for attempt, receipt in zip(attempts, receipts, strict=True):
        if receipt is not None:
            return _decide(row, attempt, receipt)
    if spent <= row.nonce:
        return row
    halt_signer(signer_id=row.signer_id, reason=f"nonce {row.nonce} was spent by a transaction that is not ours")
    if arbitrum.transaction_count(address, block="safe") <= row.nonce:
        return row
    return move(transaction=row, to=State.REPLACED, reason="another hash holds the nonce", evidence={"count": spent})

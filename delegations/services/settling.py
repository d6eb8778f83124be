"""What became of a Safe transaction, by the Safe's own events: the receipt that ran it, or whoever took its nonce."""

from dataclasses import dataclass, replace

import structlog

from delegations.models import SafeTransaction
from delegations.services.chain import read_delegates, read_delegates_after, read_progress
from delegations.services.moves import Reading, finish_executed, finish_failed, note_taker
from ostium_service import composition
from ostium_service.gateways.arbitrum import Receipt
from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.safe_reads import SafeExecution, read_execution, read_executions
from ostium_service.http import errors
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, TxHash

logger = structlog.get_logger(__name__)

State = SafeTransaction.State


@dataclass(frozen=True, slots=True)
class Run:
    """A mined transaction, and the venue as it was read after it."""

    receipt: Receipt
    reading: Reading


def settle_receipt(*, safe_transaction: SafeTransaction, tx_hash: TxHash, actor: str) -> None:
    """End a transaction whose own outbound transaction was mined; nothing happens while no receipt is there.

    A status of 1 is not enough: the Safe must say that it executed, and the venue must show the effect. Refused with
    ChainUnavailable; nothing is written then.
    """
    network, safe = Network(safe_transaction.network), safe_transaction.delegation.safe
    seen = read_run(network=network, safe=safe, tx_hash=tx_hash)
    if seen is not None and not conclude(safe_transaction=safe_transaction, seen=seen, actor=actor):
        reason = "no_execution_event"
        finish_failed(safe_transaction_id=safe_transaction.pk, state=State.FAILED, reason=reason, actor=actor)


def settle_if_ran(*, safe_transaction: SafeTransaction, tx_hash: TxHash, actor: str) -> bool:
    """End the transaction if the one of `tx_hash`, whoever sent it, ran it; whether it did. ChainUnavailable else."""
    network, safe = Network(safe_transaction.network), safe_transaction.delegation.safe
    seen = read_run(network=network, safe=safe, tx_hash=tx_hash)
    return seen is not None and conclude(safe_transaction=safe_transaction, seen=seen, actor=actor)


def read_run(*, network: Network, safe: Address, tx_hash: TxHash) -> Run | None:
    """A transaction's receipt, with the venue read no earlier; None while either is not there yet.

    The venue is read at `latest`, since nodes forget older state within the minute; an answer from a node that has not
    seen the receipt's block yet counts as not there. Refused with ChainUnavailable.
    """
    arbitrum = composition.arbitrum(network)
    try:
        receipt, (delegates, block) = gather(
            lambda: arbitrum.receipt(tx_hash), lambda: read_delegates(network=network, safes=[safe])
        )
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
    if receipt is None or block < receipt.block_number:
        return None
    return Run(receipt, Reading(delegates[safe], block, receipt.tx_hash))


def conclude(*, safe_transaction: SafeTransaction, seen: Run, actor: str) -> bool:
    """End the row by what the Safe says of it in the receipt; False when it says nothing.

    Where the venue shows another effect than the receipt promises, it is read again: that end could not be taken back.
    Refused with ChainUnavailable.
    """
    row = safe_transaction
    executed = read_execution(safe=row.delegation.safe, safe_tx_hash=row.safe_tx_hash, logs=seen.receipt.logs)
    if executed is None:
        return False
    if executed:
        reading = seen.reading if _shows_effect(row, seen.reading) else _read_again(row, seen.reading)
        finish_executed(safe_transaction_id=row.pk, reading=reading, actor=actor)
    else:
        finish_failed(safe_transaction_id=row.pk, state=State.FAILED, reason="execution_failure", actor=actor)
    return True


def settle_client_submission(*, safe_transaction: SafeTransaction, actor: str) -> None:
    """See whether a transaction that was handed back, with valid signatures, has run since. ChainUnavailable else."""
    network, safe = Network(safe_transaction.network), safe_transaction.delegation.safe
    nonce, _, _ = read_progress(network=network, safe=safe)
    if nonce > safe_transaction.nonce:
        settle_moved_nonce(safe_transaction=safe_transaction, actor=actor)


def settle_moved_nonce(*, safe_transaction: SafeTransaction, actor: str) -> None:
    """End a transaction whose nonce is spent: executed when it was the one that spent it, else STALE with the taker.

    Only a row whose user brought valid signatures before is taken for executed: anybody may read them on chain later.
    When the node does not give the Safe's events, a handed-back transaction whose effect shows counts as executed.
    Refused with ChainUnavailable.
    """
    taker = find_taker(safe_transaction)
    if taker is None:
        _settle_by_effect(safe_transaction, actor)
    elif taker.safe_tx_hash == safe_transaction.safe_tx_hash and is_backed(safe_transaction):
        settle_if_ran(safe_transaction=safe_transaction, tx_hash=taker.tx_hash, actor=actor)
    else:
        note_taker(safe_transaction_id=safe_transaction.pk, tx_hash=taker.tx_hash)
        _end_stale(safe_transaction, actor)


def find_taker(row: SafeTransaction) -> SafeExecution | None:
    """The execution that spent the row's nonce: the Safe's first one since the row was prepared. None when unknown."""
    if row.prepared_block is None:
        return None
    try:
        logs = composition.arbitrum(Network(row.network)).logs(
            row.delegation.safe, [], row.prepared_block + 1, "latest"
        )
    except GatewayError as error:
        logger.warning("safe_events_not_read", safe_transaction_id=str(row.pk), reason=error.token)
        return None
    return next(iter(read_executions(safe=row.delegation.safe, logs=logs)), None)


def describe_taken(row: SafeTransaction) -> dict[str, object]:
    """Why a transaction ended stale, for a refusal's details."""
    details: dict[str, object] = {"reason": row.last_error}
    return details | ({"takenBy": row.taken_by} if row.taken_by else {})


def is_backed(row: SafeTransaction) -> bool:
    """Whether its user has shown owners' signatures for it, which were no public knowledge then."""
    return bool(row.submitted_by) or row.confirmations.exists()


def _settle_by_effect(row: SafeTransaction, actor: str) -> None:
    if row.state != State.SUBMITTED or row.kind == SafeTransaction.Kind.ALLOWANCE:
        _end_stale(row, actor)
        return
    _, delegate, block = read_progress(network=Network(row.network), safe=row.delegation.safe)
    reading = _read_again(row, Reading(delegate, block))
    if reading.delegate != delegate:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})
    if _shows_effect(row, reading):
        finish_executed(safe_transaction_id=row.pk, reading=reading, actor=actor)
    else:
        _end_stale(row, actor)


def _shows_effect(row: SafeTransaction, reading: Reading) -> bool:
    """Whether the venue is as it must be after the transaction; nothing is expected of an allowance."""
    is_set = reading.delegate == row.delegation.delegate
    return {SafeTransaction.Kind.APPROVE: is_set, SafeTransaction.Kind.REVOKE: not is_set}.get(
        SafeTransaction.Kind(row.kind), True
    )


def _read_again(row: SafeTransaction, reading: Reading) -> Reading:
    safe = row.delegation.safe
    delegates, block = read_delegates_after(network=Network(row.network), safes=[safe], block=reading.block)
    return replace(reading, delegate=delegates[safe], block=block)


def _end_stale(row: SafeTransaction, actor: str) -> None:
    finish_failed(safe_transaction_id=row.pk, state=State.STALE, reason="nonce_taken", actor=actor)

"""A mined row is believed by its block's hash until that block is safe."""

from datetime import timedelta

import structlog
from django.db import transaction as database

from ostium_service import composition
from ostium_service.gateways.arbitrum import Arbitrum, Receipt
from ostium_service.gateways.failures import BadAnswer, GatewayError, Unreachable
from ostium_service.observability.metrics import count_security_event
from ostium_service.types import Network, TxHash
from relay.clock import database_now
from relay.models import OutboundTransaction, TransactionEvent
from relay.selectors import recently_replaced, unconfirmed_transactions
from relay.services.reconciling import watch_nonces
from relay.states import move

logger = structlog.get_logger(__name__)

State = OutboundTransaction.State
BATCH = 200
RECONSIDERED_FOR = timedelta(days=1)


def watch_network(*, network: Network) -> None:
    """Everything that the worker looks at now and then. Trouble with one part, or one network, stops no other."""
    for look in (watch_nonces, check_recent_blocks, confirm_transactions, reconsider_replaced):
        try:
            look(network=network)
        except GatewayError as error:
            logger.warning("relay_watch_failed", network=network, part=look.__name__, reason=str(error))


def confirm_transactions(*, network: Network) -> int:
    """Look once more at every decided transaction whose block is `safe` by now; how many were looked at.

    The same block by hash: MINED becomes FINAL, the failures are marked confirmed. Another block holds the receipt:
    the row takes its number and hash and is looked at again, or is put back when the call ended otherwise there. No
    receipt, and another block at that height: the block has vanished, the row goes back to being followed, and its
    events tell so. An answer about one row that cannot be believed stops no other; Unreachable leaves the rest for the
    next run.
    """
    arbitrum = composition.arbitrum(network)
    rows = unconfirmed_transactions(network, up_to_block=arbitrum.block("safe").number, limit=BATCH)
    for row in rows:
        try:
            _confirm(row, arbitrum)
        except BadAnswer as error:
            logger.warning("confirmation_failed", transaction_id=str(row.pk), reason=error.token)
    return len(rows)


def check_recent_blocks(*, network: Network) -> int:
    """The same look at transactions whose block is not safe yet, so that a vanished block is noticed early."""
    arbitrum = composition.arbitrum(network)
    rows = unconfirmed_transactions(network, up_to_block=arbitrum.block("latest").number, limit=BATCH)
    vanished = 0
    for row in rows:
        try:
            if arbitrum.receipt(TxHash(row.mined_hash)) is None and _block_is_gone(row, arbitrum):
                _put_back(row)
                vanished += 1
        except BadAnswer as error:
            logger.warning("recent_block_not_checked", transaction_id=str(row.pk), reason=error.token)
    return vanished


def reconsider_replaced(*, network: Network) -> int:
    """Follow again what was taken for replaced, for a day: a receipt of ours has shown after all. How many did.

    The signer stays halted until a person has looked.
    """
    arbitrum = composition.arbitrum(network)
    found = 0
    for row in recently_replaced(network, since=database_now() - RECONSIDERED_FOR, limit=BATCH):
        hashes = [TxHash(tx_hash) for tx_hash in row.attempts.values_list("tx_hash", flat=True)]
        receipt = next((receipt for receipt in map(arbitrum.receipt, hashes) if receipt is not None), None)
        if receipt is not None:
            evidence = {"txHash": receipt.tx_hash, "block": receipt.block_number, "blockHash": receipt.block_hash}
            reason = "a receipt of ours has shown after all"
            back = {"decided_at": None, "vanished": row.vanished + 1}
            move(transaction=row, to=State.SENT, reason=reason, evidence=evidence, **back)
            found += 1
    return found


def _ended_otherwise(row: OutboundTransaction, receipt: Receipt) -> bool:
    """Whether the call has another outcome in its new block; a self-transfer's status says nothing about the row."""
    return receipt.succeeded is (row.state == State.REVERTED) and row.state in {State.MINED, State.REVERTED}


def _confirm(row: OutboundTransaction, arbitrum: Arbitrum) -> None:
    receipt = arbitrum.receipt(TxHash(row.mined_hash))
    if receipt is None:
        if _block_is_gone(row, arbitrum):
            _put_back(row)
    elif receipt.block_hash != row.block_hash and _ended_otherwise(row, receipt):
        _put_back(row)
    elif receipt.block_hash != row.block_hash:
        _move_block(row, receipt)
    elif row.state == State.MINED:
        move(
            transaction=row,
            to=State.FINAL,
            reason="its block is safe",
            evidence={"block": receipt.block_number, "blockHash": receipt.block_hash},
            confirmed_at=database_now(),
        )
    else:
        OutboundTransaction.objects.filter(pk=row.pk, state=row.state).update(confirmed_at=database_now())


def _block_is_gone(row: OutboundTransaction, arbitrum: Arbitrum) -> bool:
    """Whether another block stands at the height of the row's. A missing receipt alone proves nothing.

    The node that was asked may be behind, or its index of transactions may be.
    """
    try:
        return arbitrum.block(row.block_number or 0).hash != row.block_hash
    except Unreachable as error:
        if error.token != "node_behind":  # noqa: S105  a failure's name
            raise
        return False


def _put_back(row: OutboundTransaction) -> None:
    """The chain has forgotten the block: the bytes are followed again, as if their answer had just been lost."""
    count_security_event("reorg")
    logger.error("block_vanished", transaction_id=str(row.pk), tx_hash=row.mined_hash, block=row.block_number)
    move(
        transaction=row,
        to=State.UNKNOWN if row.state in {State.EXPIRED, State.CANCELLED} else State.SENT,
        reason="its block has vanished",
        evidence={"block": row.block_number, "blockHash": row.block_hash, "txHash": row.mined_hash},
        mined_hash="",
        block_number=None,
        block_hash="",
        decided_at=None,
        vanished=row.vanished + 1,
    )


def _move_block(row: OutboundTransaction, receipt: Receipt) -> None:
    with database.atomic():
        stored = OutboundTransaction.objects.select_for_update().get(pk=row.pk)
        if stored.state != row.state or stored.block_hash != row.block_hash:
            return
        TransactionEvent.objects.create(
            transaction=stored,
            from_state=stored.state,
            to_state=stored.state,
            reason="found in another block",
            evidence={"was": stored.block_hash, "is": receipt.block_hash, "block": receipt.block_number},
        )
        stored.block_hash, stored.block_number = receipt.block_hash, receipt.block_number
        stored.vanished += 1
        stored.save(update_fields=["block_hash", "block_number", "vanished"])

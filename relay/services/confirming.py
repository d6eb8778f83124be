"""A mined row is believed by its block's hash until that block is safe."""

import structlog
from django.db import transaction as database
from django.utils import timezone

from ostium_service import composition
from ostium_service.gateways.arbitrum import Receipt
from ostium_service.observability.metrics import count_security_event
from ostium_service.types import Network, TxHash
from relay.models import OutboundTransaction, TransactionEvent
from relay.selectors import unconfirmed_transactions
from relay.states import move

logger = structlog.get_logger(__name__)

State = OutboundTransaction.State
BATCH = 200


def confirm_transactions(*, network: Network) -> int:
    """Look once more at every decided transaction whose block is `safe` by now; how many were looked at.

    The same block by hash: MINED becomes FINAL, the failures are marked confirmed. Another block holds the receipt:
    the row takes its number and hash and is looked at again. No receipt at all: the block has vanished, the row goes
    back to being followed, and its events tell so. GatewayError leaves the rest for the next run.
    """
    arbitrum = composition.arbitrum(network)
    rows = unconfirmed_transactions(network, up_to_block=arbitrum.block("safe").number, limit=BATCH)
    for row in rows:
        _confirm(row, arbitrum.receipt(TxHash(row.mined_hash)))
    return len(rows)


def check_recent_blocks(*, network: Network) -> int:
    """The same look at transactions whose block is not safe yet, so that a vanished block is noticed early."""
    arbitrum = composition.arbitrum(network)
    rows = unconfirmed_transactions(network, up_to_block=arbitrum.block("latest").number, limit=BATCH)
    vanished = [row for row in rows if arbitrum.receipt(TxHash(row.mined_hash)) is None]
    for row in vanished:
        _put_back(row)
    return len(vanished)


def _confirm(row: OutboundTransaction, receipt: Receipt | None) -> None:
    if receipt is None:
        _put_back(row)
    elif receipt.block_hash != row.block_hash:
        _move_block(row, receipt)
    elif row.state == State.MINED:
        move(
            transaction=row,
            to=State.FINAL,
            reason="its block is safe",
            evidence={"block": receipt.block_number, "blockHash": receipt.block_hash},
            confirmed_at=timezone.now(),
        )
    else:
        OutboundTransaction.objects.filter(pk=row.pk, state=row.state).update(confirmed_at=timezone.now())


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

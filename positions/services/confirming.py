"""What was concluded from a block is believed by that block's hash until it is safe, and drawn again if it vanishes."""

from collections.abc import Sequence
from functools import partial

import structlog
from django.utils import timezone

from ostium_service import composition
from ostium_service.gateways.arbitrum import Block, BlockTag
from ostium_service.gateways.failures import GatewayError
from ostium_service.observability.metrics import count_security_event
from ostium_service.parallel import gather
from ostium_service.types import Network
from positions.models import ExecutionState, PerpsExecution
from positions.selectors import find_unconfirmed, find_vanished
from positions.services.ledger import put_back

logger = structlog.get_logger(__name__)

BATCH = 200
AT_ONCE = 8
"""Block headers asked for at the same time."""


def confirm_settlements(*, network: Network) -> int:
    """Compare the oracle's settlements with the chain until their block is `safe`; how many rows were looked at.

    The same block by hash and safe: the row is done. Another block at that height: the row is MINED again, its event
    keeps what it had said, and the next step settles it anew. What the node does not answer, or does not have (it is
    behind, or the chain is shorter now), is for the next run.
    """
    rows = find_unconfirmed(network=network, limit=BATCH)
    blocks = _read_blocks(network, ["safe", *sorted({_block_of(row) for row in rows})]) if rows else {}
    safe = blocks["safe"].number if "safe" in blocks else -1
    for row in rows:
        found = blocks.get(_block_of(row))
        if found is not None and found.hash != row.settlement_block_hash:
            _put_back(row)
        elif found is not None and found.number <= safe:
            _confirm(row)
    return len(rows)


def reopen_vanished(*, limit: int) -> None:
    """Follow again every execution whose conclusions were drawn from a block of its transaction that has vanished."""
    for execution in find_vanished(limit=limit):
        transaction = execution.transaction
        if transaction is None:
            continue
        put_back(
            execution_id=execution.pk,
            to=ExecutionState.SENT,
            reason="the block of its transaction has vanished",
            evidence={},
            stands_on={"vanished": execution.vanished},
            vanished=transaction.vanished,
        )


def _read_blocks(network: Network, tags: Sequence[BlockTag]) -> dict[BlockTag, Block]:
    """Every one of the blocks that the node has."""
    arbitrum = composition.arbitrum(network)

    def read(tag: BlockTag) -> Block | None:
        try:
            return arbitrum.block(tag)
        except GatewayError as error:
            logger.warning("block_not_read", block=tag, token=error.token)
            return None

    parts = [tags[start : start + AT_ONCE] for start in range(0, len(tags), AT_ONCE)]
    found = [block for part in parts for block in gather(*(partial(read, tag) for tag in part))]
    return {tag: block for tag, block in zip(tags, found, strict=True) if block is not None}


def _put_back(row: PerpsExecution) -> None:
    count_security_event("reorg")
    evidence = {
        "txHash": row.settlement_tx_hash,
        "block": row.settlement_block,
        "blockHash": row.settlement_block_hash,
    }
    logger.error("settlement_vanished", execution_id=str(row.pk), state=row.state, **evidence)
    put_back(
        execution_id=row.pk,
        to=ExecutionState.MINED,
        reason="the block of its settlement has vanished",
        evidence=evidence,
        stands_on={"settlement_block_hash": row.settlement_block_hash},
    )


def _confirm(row: PerpsExecution) -> None:
    """Only the row that still stands on this block; it may have been put back and settled again meanwhile."""
    same = PerpsExecution.objects.filter(pk=row.pk, settlement_block_hash=row.settlement_block_hash)
    same.update(settlement_confirmed_at=timezone.now())


def _block_of(row: PerpsExecution) -> int:
    if row.settlement_block is None:
        raise RuntimeError("a row without a settlement block is not asked for")
    return row.settlement_block

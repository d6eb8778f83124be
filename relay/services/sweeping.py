"""Rows that nobody follows any more: their job was lost, or the intent above them was concluded from the chain."""

from datetime import timedelta

import structlog
from django.utils import timezone

from relay.models import OutboundTransaction
from relay.services.following import advance

logger = structlog.get_logger(__name__)

LEFT_AFTER = timedelta(seconds=10)
"""Whoever stored a transaction follows it every second or two; one that is undecided for longer may be alone."""

SWEEP_ROWS = 200


def sweep_undecided() -> int:
    """Take one step with every transaction that is undecided for long, in nonce order; how many there were.

    A step may be taken by several at once. One row's failure does not stop the others.
    """
    rows = OutboundTransaction.objects.filter(
        state__in=OutboundTransaction.UNDECIDED, created_at__lt=timezone.now() - LEFT_AFTER
    )
    found = list(rows.order_by("signer", "nonce").values_list("pk", flat=True)[:SWEEP_ROWS])
    for transaction_id in found:
        try:
            advance(transaction_id=transaction_id)
        except Exception:
            logger.exception("relay_sweep_step_failed", transaction_id=str(transaction_id))
    return len(found)

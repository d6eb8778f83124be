"""What the chain did differently from what was asked: nothing to undo by itself, but somebody has to know (T5, T14)."""

from decimal import Decimal

import structlog

from ostium_service.observability.metrics import count_trade_alarm
from positions.models import Operation, PerpsExecution
from positions.services.settlement import Settlement

logger = structlog.get_logger(__name__)


def compare_trade(*, execution: PerpsExecution, found: str) -> None:
    """Log and count a transaction that hit another trade than the one that was in the slot when it was planned.

    The contract takes a slot, not a trade: one that is closed and used again within the second between signature and
    block is not refused by it.
    """
    meant = execution.terms.get("tradeId")
    if meant and found and found != meant:
        logger.error("other_trade_hit", execution_id=str(execution.pk), meant=meant, found=found)
        count_trade_alarm("other_trade")


def compare_protection(*, execution: PerpsExecution, settlement: Settlement) -> None:
    """Log and count an executed open whose stop-loss or take-profit is not the one asked for.

    The venue moves a price that is too far away, and it may drop one; the caller sees what stands in `result`.
    """
    if execution.operation == Operation.OPEN and not settlement.cancel_reason:
        _compare(execution, settlement, "slPrice", "stop_loss")
        _compare(execution, settlement, "tpPrice", "take_profit")


def _compare(execution: PerpsExecution, settlement: Settlement, field: str, kind: str) -> None:
    asked, found = execution.request.get(field), settlement.result.get(field)
    if asked is None or not Decimal(asked) or (found is not None and Decimal(found) == Decimal(asked)):
        return
    log = logger.error if found is None else logger.warning
    told = {"execution_id": str(execution.pk), "field": field, "asked": asked, "found": found}
    log("protection_missing" if found is None else "protection_moved", **told)
    count_trade_alarm(f"{kind}_missing" if found is None else f"{kind}_moved")

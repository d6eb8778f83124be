"""One trade from the request to the oracle's settlement, in the order in which it happened."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from positions.models import PerpsExecution
from relay.models import OutboundTransaction, TransactionAttempt
from staff.explorers import link_transaction

TITLES = {
    "RECEIVED": "Request received",
    "SIGNED": "Signed and stored",
    "SENT": "Broadcast",
    "MINED": "In a block",
    "SETTLED": "Settled by the oracle",
    "REJECTED": "Rejected before signing",
    "REVERTED": "Reverted on chain",
    "CANCELLED": "Cancelled by the oracle",
    "EXPIRED": "Expired, never sent late",
}
BAD = frozenset({"REJECTED", "REVERTED", "CANCELLED", "EXPIRED", "REPLACED"})


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `after_ms` counts from the request; `evidence` is what it was decided on."""

    at: datetime
    after_ms: int
    who: str
    title: str
    note: str
    tone: str
    evidence: dict[str, Any]
    link: str = ""


def tell_story(execution: PerpsExecution) -> list[Moment]:
    """Every event of the execution and of its transaction, and every set of bytes signed for it, oldest first."""
    start = execution.created_at
    moments = [_moment(start, event.at, "ledger", event) for event in execution.events.all()]
    if execution.transaction is not None:
        moments += _tell_transaction(start, execution.transaction)
    return sorted(moments, key=lambda moment: moment.at)


def _tell_transaction(start: datetime, transaction: OutboundTransaction) -> list[Moment]:
    moves = [_moment(start, event.at, "relay", event) for event in transaction.events.all()]
    return [*moves, *(_attempt_moment(start, transaction, attempt) for attempt in transaction.attempts.all())]


def _moment(start: datetime, at: datetime, who: str, event: Any) -> Moment:
    tone = "bad" if event.to_state in BAD else "good" if event.to_state in {"SETTLED", "MINED", "FINAL"} else "plain"
    title = TITLES.get(event.to_state, event.to_state) if who == "ledger" else f"Transaction {event.to_state}"
    return Moment(at, _after(start, at), who, title, event.reason.replace("_", " "), tone, event.evidence)


def _attempt_moment(start: datetime, transaction: OutboundTransaction, attempt: TransactionAttempt) -> Moment:
    is_call = attempt.purpose == TransactionAttempt.Purpose.CALL
    title = f"Nonce {transaction.nonce} taken, bytes signed" if is_call else "Self-transfer signed to spend the nonce"
    evidence = {"txHash": attempt.tx_hash, "maxFeePerGas": f"{attempt.max_fee_per_gas} wei"}
    link = link_transaction(transaction.signer.network, attempt.tx_hash)
    at = attempt.created_at
    return Moment(at, _after(start, at), "signer", title, "", "plain", evidence, link)


def _after(start: datetime, at: datetime) -> int:
    return round((at - start).total_seconds() * 1000)

"""One trade from the request to the oracle's settlement, in the order in which it happened."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from positions.models import PerpsExecution
from relay.models import OutboundTransaction, TransactionAttempt
from staff.explorers import link_transaction
from staff.facts import Fact, describe

TITLES = {
    "RECEIVED": "Request accepted under its key",
    "SIGNED": "Admitted, simulated and signed",
    "SENT": "Broadcast",
    "MINED": "In a block",
    "SETTLED": "Settled",
    "REJECTED": "Rejected before signing",
    "REVERTED": "Reverted on chain",
    "CANCELLED": "Cancelled by the oracle",
    "EXPIRED": "Expired, never sent late",
}
RELAY_TITLES = {
    "SIGNED": "Relay: stored before it is sent",
    "SENT": "Relay: the node has taken it",
    "UNKNOWN": "Relay: the broadcast got no answer",
    "MINED": "Relay: in a block",
    "FINAL": "Relay: its block is safe",
    "REVERTED": "Relay: reverted on chain",
    "EXPIRED": "Relay: nonce spent by a self-transfer",
    "CANCELLED": "Relay: withdrawn, nonce spent by a self-transfer",
    "REPLACED": "Relay: foreign bytes hold the nonce",
}
BAD = frozenset({"REJECTED", "REVERTED", "CANCELLED", "EXPIRED", "REPLACED"})


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `after_ms` counts from the request; `facts` are what it was decided on."""

    at: datetime
    after_ms: int
    who: str
    title: str
    note: str
    tone: str
    facts: list[Fact]
    link: str = ""


OPERATIONS = {"update_sl": "Move stop-loss", "update_tp": "Move take-profit"}


def name_trade(execution: PerpsExecution) -> str:
    """What was asked for in a few words: `Open BTC/USD long`."""
    asked = execution.request
    name = OPERATIONS.get(execution.operation, execution.operation.replace("_", " ").capitalize())
    return " ".join([name, *(str(asked[key]) for key in ("market", "side") if asked.get(key))])


def tell_story(execution: PerpsExecution) -> list[Moment]:
    """Every event of the execution and of its transaction, and every set of bytes signed for it, oldest first."""
    start = execution.created_at
    network = execution.network
    moments = [_moment(start, "ledger", event, network) for event in execution.events.all()]
    if execution.transaction is not None:
        moments += tell_transaction(start, execution.transaction)
    return sorted(moments, key=lambda moment: moment.at)


def tell_transaction(start: datetime, transaction: OutboundTransaction) -> list[Moment]:
    """Every move of the transaction and every set of bytes signed for it; `after_ms` counts from `start`."""
    network = transaction.signer.network
    moves = [_moment(start, "relay", event, network) for event in transaction.events.all()]
    return [*moves, *(_attempt_moment(start, transaction, attempt) for attempt in transaction.attempts.all())]


def _moment(start: datetime, who: str, event: Any, network: str) -> Moment:
    tone = "bad" if event.to_state in BAD else "good" if event.to_state in {"SETTLED", "MINED", "FINAL"} else "plain"
    titles = TITLES if who == "ledger" else RELAY_TITLES
    title = titles.get(event.to_state, event.to_state)
    facts = describe(event.evidence, network=network)
    return Moment(event.at, _after(start, event.at), who, title, event.reason.replace("_", " "), tone, facts)


def _attempt_moment(start: datetime, transaction: OutboundTransaction, attempt: TransactionAttempt) -> Moment:
    is_call = attempt.purpose == TransactionAttempt.Purpose.CALL
    title = f"Nonce {transaction.nonce} taken, bytes signed" if is_call else "Self-transfer signed to spend the nonce"
    network = transaction.signer.network
    facts = describe({"txHash": attempt.tx_hash, "maxFeePerGas": attempt.max_fee_per_gas}, network=network)
    link = link_transaction(network, attempt.tx_hash)
    at = attempt.created_at
    return Moment(at, _after(start, at), "signer", title, "", "plain", facts, link)


def _after(start: datetime, at: datetime) -> int:
    return round((at - start).total_seconds() * 1000)

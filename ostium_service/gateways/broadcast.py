"""Sending signed bytes, and what a node's answer to that proves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog
from eth_utils.crypto import keccak

from ostium_service.gateways.failures import GatewayError, Unreachable
from ostium_service.gateways.jsonrpc import LOGGED_CHARACTERS, JsonRpc, NodeError, Request
from ostium_service.gateways.resilience import Guard
from ostium_service.gateways.rpc_values import parse_hash
from ostium_service.types import Network

logger = structlog.get_logger(__name__)


class SendOutcome(StrEnum):
    """Closed set. Every member but ACCEPTED, ALREADY_KNOWN and UNKNOWN means: this answer put nothing on the chain.

    UNKNOWN is a state, not an error: only reading the chain by hash and nonce may leave it.
    """

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already_known"
    NONCE_TOO_LOW = "nonce_too_low"
    NONCE_TOO_HIGH = "nonce_too_high"
    UNDERPRICED = "underpriced"
    FEE_TOO_LOW = "fee_too_low"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


TAKEN = frozenset({SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN})
"""An endpoint that says so has the bytes."""


# Wordings of geth, nitro, erigon, nethermind, besu and anvil. Read from the top: what no repetition can change stands
# before what time may heal, so that a message with two clues counts as the worse one.
_WORDINGS: tuple[tuple[SendOutcome, tuple[str, ...]], ...] = (
    (
        SendOutcome.REJECTED,
        (
            "invalid sender",
            "invalid chain id",
            "wrong chain id",
            "incompatible eip-155",
            "only replay-protected",
            "intrinsic gas too low",
            "exceeds block gas limit",
            "gas limit too high",
            "gas limit is too high",
            "oversized data",
            "transaction type not supported",
            "unknown transaction type",
            "tip higher than fee cap",
            "max priority fee per gas higher than max fee per gas",
            "max initcode size exceeded",
            "sender not an eoa",
            "exceeds the configured cap",
            "invalid signature",
            "invalid transaction v, r, s values",
            "rlp:",
            "typed transaction too short",
            "failed to decode signed transaction",
            "execution reverted",
        ),
    ),
    (SendOutcome.NONCE_TOO_LOW, ("nonce too low", "nonce is too low", "oldnonce")),
    (SendOutcome.INSUFFICIENT_FUNDS, ("insufficient funds", "insufficientfunds")),
    (
        SendOutcome.ALREADY_KNOWN,
        ("already known", "alreadyknown", "already imported", "known transaction", "already in mempool"),
    ),
    (SendOutcome.NONCE_TOO_HIGH, ("nonce too high", "nonce is too high", "noncegap")),
    (
        SendOutcome.FEE_TOO_LOW,
        (
            "max fee per gas less than block base fee",
            "fee cap less than block base fee",
            "feecap less than block base fee",
            "gas price too low",
            "gas price below",
            "feetoolow",
        ),
    ),
    (SendOutcome.UNDERPRICED, ("underpriced", "replacementnotallowed")),
)

# From the start of a word: "unknown transaction type" is no known transaction.
_PATTERNS = tuple(
    (outcome, re.compile(r"(?<![a-z])(?:" + "|".join(map(re.escape, wordings)) + ")"))
    for outcome, wordings in _WORDINGS
)

# Parse error, invalid request, method not found, invalid parameters: the node never looked at the transaction.
_NEVER_TAKEN = frozenset({-32700, -32600, -32601, -32602})


def classify_send_error(error: NodeError) -> SendOutcome:
    """The outcome behind a node's refusal; UNKNOWN for words that do not prove that the bytes were dropped."""
    message = error.message.lower()
    for outcome, pattern in _PATTERNS:
        if pattern.search(message):
            return outcome
    return SendOutcome.REJECTED if error.code in _NEVER_TAKEN else SendOutcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A node that takes signed transactions."""

    guard: Guard
    rpc: JsonRpc


class Broadcaster:
    """Hands the same signed bytes to one node after another until one of them is certain."""

    def __init__(self, network: Network, endpoints: Sequence[Endpoint]) -> None:
        self._network = network
        self._endpoints = tuple(endpoints)

    def send(self, raw: bytes) -> SendOutcome:
        """One attempt an endpoint, the next only while the outcome is UNKNOWN; never raises for upstream trouble.

        Once an endpoint may have taken the bytes, a later one can only confirm (ACCEPTED, ALREADY_KNOWN). Its refusal,
        "nonce too low" above all, may be the effect of the first attempt, so the whole stays UNKNOWN.
        """
        in_doubt = False
        outcome = SendOutcome.UNKNOWN
        for endpoint in self._endpoints:
            outcome, unsent = self._send_to(endpoint, raw)
            if outcome in TAKEN:
                return outcome
            if in_doubt:
                outcome = SendOutcome.UNKNOWN
            if outcome is not SendOutcome.UNKNOWN:
                return outcome
            in_doubt = in_doubt or not unsent
        return outcome

    def send_everywhere(self, raw: bytes) -> SendOutcome:
        """One attempt at every endpoint, for bytes that went out before and are not on the chain.

        An endpoint that takes bytes and loses them must not be the only one that gets them. TAKEN if one of them says
        so, else what all of them say, else UNKNOWN.
        """
        outcomes = [self._send_to(endpoint, raw)[0] for endpoint in self._endpoints]
        taken = [outcome for outcome in outcomes if outcome in TAKEN]
        if taken:
            return taken[0]
        return outcomes[0] if len(set(outcomes)) == 1 else SendOutcome.UNKNOWN

    def _send_to(self, endpoint: Endpoint, raw: bytes) -> tuple[SendOutcome, bool]:
        """The outcome at one endpoint, and whether it is certain that nothing left towards it."""
        request: Request = ("eth_sendRawTransaction", ["0x" + raw.hex()])
        system = endpoint.guard.system
        try:
            [answer] = endpoint.guard.once("send_raw", lambda seconds: endpoint.rpc.ask([request], seconds=seconds))
            if not isinstance(answer, NodeError):
                taken = parse_hash(answer) == "0x" + keccak(raw).hex()
                return (SendOutcome.ACCEPTED if taken else SendOutcome.UNKNOWN), False
        except GatewayError as failure:
            logger.warning("send_failed", system=system, network=self._network, token=failure.token)
            return SendOutcome.UNKNOWN, isinstance(failure, Unreachable) and failure.unsent
        outcome = classify_send_error(answer)
        text = answer.message[:LOGGED_CHARACTERS]
        logger.info("send_refused", system=system, outcome=outcome, code=answer.code, text=text)
        return outcome, False

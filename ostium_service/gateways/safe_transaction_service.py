"""Safe's Transaction Service, where owners find a transaction in their Safe app and leave their signatures.

Nothing it says is believed: a transaction counts only if its fields hash to what was asked for, a signature only after
it was judged against the chain, and its nonce is a hint. Source: safe-global/safe-transaction-service, API v2 (v1 for
a Safe's own facts).
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from eth_utils.address import is_checksum_address

from ostium_service.gateways.failures import BadAnswer, Refused, System, Unreachable
from ostium_service.gateways.http_client import Answer, HttpClient, parse_retry_after, read_retry_after
from ostium_service.gateways.json_text import parse_json
from ostium_service.gateways.resilience import Guard, OnCall, Policy, ignore_call
from ostium_service.gateways.safe import ZERO_ADDRESS, SafeTransactionData, safe_tx_hash
from ostium_service.gateways.safe_signatures import APPROVED_HASH_V, Confirmation, join_confirmations
from ostium_service.types import Address

logger = structlog.get_logger(__name__)
T = TypeVar("T")

LARGEST_ANSWER: Final = 1024 * 1024
LONGEST_QUIET: Final = 3600.0
"""The reset of a used-up quota may be weeks away, while a new plan ends it at once."""
MOST_CONFIRMATIONS: Final = 200
ORIGIN: Final = "Ostium service"
NOT_FOUND: Final = 404
AMOUNTS: Final = (
    ("value", "value"),
    ("safeTxGas", "safe_tx_gas"),
    ("baseGas", "base_gas"),
    ("gasPrice", "gas_price"),
    ("operation", "operation"),
    ("nonce", "nonce"),
)


@dataclass(frozen=True, slots=True)
class ServiceConfirmation:
    """A signature as the service keeps it, under the owner it names. Both are unproved."""

    owner: Address
    signature: bytes


@dataclass(frozen=True, slots=True)
class ServiceTransaction:
    """What the service knows of a transaction whose fields hash to the hash that was asked for."""

    confirmations: tuple[ServiceConfirmation, ...]
    is_executed: bool


class SafeTransactionService:
    """One network's service. Thread-safe. Raises Unreachable, Refused and BadAnswer (`hash_mismatch`: a forgery)."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        policy: Policy | None = None,
        on_call: OnCall = ignore_call,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        policy = policy or Policy(read_seconds=3.0, total_seconds=4.0, attempts=2)
        self._http = HttpClient(
            system=System.SAFE_SERVICE,
            url=url.rstrip("/"),
            policy=policy,
            max_bytes=LARGEST_ANSWER,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
            read_pause=read_pause,
        )
        self._guard = Guard(system=System.SAFE_SERVICE, policy=policy, on_call=on_call, clock=clock, sleep=sleep)
        self._clock = clock
        self._quiet_until = float("-inf")

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def read_transaction(self, *, chain_id: int, safe: Address, digest: str) -> ServiceTransaction | None:
        """The transaction under its safeTxHash; None when the service does not know it."""
        path = f"/api/v2/multisig-transactions/{digest}/"

        def read(seconds: float) -> ServiceTransaction | None:
            found = read_object(self._http.get(seconds=seconds, path=path))
            if found is None:
                return None
            verify_hash(found, chain_id=chain_id, safe=safe, digest=digest)
            return ServiceTransaction(parse_confirmations(found.get("confirmations")), found.get("isExecuted") is True)

        return self._ask("safe_transaction", lambda: self._guard.read("safe_transaction", read))

    def read_nonce(self, safe: Address) -> int | None:
        """The nonce that the service believes the Safe's next transaction takes; None for a Safe it has not seen."""

        def read(seconds: float) -> int | None:
            found = read_object(self._http.get(seconds=seconds, path=f"/api/v1/safes/{safe}/"))
            return None if found is None else parse_amount(found.get("nonce"))

        return self._ask("safe_nonce", lambda: self._guard.read("safe_nonce", read))

    def propose(
        self, *, safe: Address, tx: SafeTransactionData, digest: str, confirmations: Sequence[Confirmation]
    ) -> None:
        """Show the transaction to the Safe's owners, signed by at least one of them; never repeated here.

        One that is there already gets the signatures it lacks. An unsigned one would be stored as untrusted, which the
        Safe app does not show: ValueError.
        """
        if not confirmations:
            raise ValueError("a proposal carries an owner's signature")
        body = json.dumps(describe_proposal(tx=tx, digest=digest, confirmations=confirmations)).encode()
        path = f"/api/v2/safes/{safe}/multisig-transactions/"

        def post(seconds: float) -> None:
            refuse_errors(self._http.post(body, seconds=seconds, path=path))

        self._ask("safe_propose", lambda: self._guard.once("safe_propose", post))

    def _ask(self, operation: str, work: Callable[[], T]) -> T:
        """Stay quiet for as long as the service has asked for, without a request that would count against us."""
        left = self._quiet_until - self._clock()
        if left > 0:
            raise Unreachable(System.SAFE_SERVICE, "rate_limited", retry_after=left, unsent=True)
        try:
            return work()
        except Unreachable as failure:
            if failure.retry_after is not None:
                self._quiet_until = self._clock() + failure.retry_after
                logger.warning("safe_service_asks_for_quiet", operation=operation, seconds=failure.retry_after)
            raise


def read_pause(headers: Mapping[str, str]) -> float | None:
    """Retry-After, else X-RateLimit-Reset, which counts SECONDS until the quota is whole again.

    Every answer carries the quota's headers: the reset matters only when nothing of the quota is left.
    """
    asked = read_retry_after(headers)
    if asked is not None or headers.get("X-RateLimit-Remaining", "0") != "0":
        return asked
    return parse_retry_after(headers.get("X-RateLimit-Reset"), longest=LONGEST_QUIET)


def refuse_errors(answer: Answer) -> None:
    """Refused for a 4xx: `unauthorized` (401, 403), `not_accepted` (400, 422), else `http_error`."""
    if 200 <= answer.status < 300:
        return
    logger.warning("safe_service_refused", status=answer.status)
    tokens = {401: "unauthorized", 403: "unauthorized", 400: "not_accepted", 422: "not_accepted"}
    raise Refused(System.SAFE_SERVICE, tokens.get(answer.status, "http_error"))


def read_object(answer: Answer) -> dict[str, Any] | None:
    """The JSON object of an answer, None for a 404; a page of somebody else's is a BadAnswer even then."""
    if answer.status != NOT_FOUND:
        refuse_errors(answer)
    try:
        found = parse_json(answer.body)
    except ValueError:
        raise BadAnswer(System.SAFE_SERVICE, "json") from None
    if not isinstance(found, dict):
        raise BadAnswer(System.SAFE_SERVICE, "shape")
    return None if answer.status == NOT_FOUND else found


def verify_hash(found: Mapping[str, Any], *, chain_id: int, safe: Address, digest: str) -> None:
    """BadAnswer `hash_mismatch` unless the fields shown are those that owners sign under `digest`."""
    shown = safe_tx_hash(chain_id=chain_id, safe=safe, tx=parse_transaction(found))
    named = found.get("safe"), str(found.get("safeTxHash")).lower()
    if named != (safe, digest) or shown != digest:
        raise BadAnswer(System.SAFE_SERVICE, "hash_mismatch")


def parse_transaction(found: Mapping[str, Any]) -> SafeTransactionData:
    """The ten fields that owners sign; BadAnswer `shape` for anything that is not of their type."""
    amounts = {name: parse_amount(found.get(field)) for field, name in AMOUNTS}
    if amounts["operation"] > 1:
        raise BadAnswer(System.SAFE_SERVICE, "shape")
    return SafeTransactionData(
        to=parse_address(found.get("to")),
        data=parse_bytes(found.get("data") or "0x"),
        gas_token=parse_address(found.get("gasToken") or ZERO_ADDRESS),
        refund_receiver=parse_address(found.get("refundReceiver") or ZERO_ADDRESS),
        **amounts,
    )


def parse_confirmations(found: Any) -> tuple[ServiceConfirmation, ...]:
    """Every signature of whatever kind; one that is no hex is left out, as the others do not depend on it.

    An approval on chain that the service indexed without a signature becomes the v 1 signature it stands for.
    """
    if not isinstance(found, list) or len(found) > MOST_CONFIRMATIONS:
        raise BadAnswer(System.SAFE_SERVICE, "shape")
    parsed = []
    for item in found:
        try:
            owner = parse_address(item["owner"])
            signature = item.get("signature")
            is_bare = not signature and item.get("signatureType") == "APPROVED_HASH"
            parsed.append(
                ServiceConfirmation(owner, encode_approval(owner) if is_bare else parse_bytes(signature or ""))
            )
        except (BadAnswer, KeyError, TypeError, AttributeError):
            logger.warning("safe_service_confirmation_unreadable")
    return tuple(parsed)


def encode_approval(owner: Address) -> bytes:
    """The 65 bytes that say: look into `approvedHashes`."""
    return bytes(12) + bytes.fromhex(owner[2:]) + bytes(32) + bytes([APPROVED_HASH_V])


def describe_proposal(*, tx: SafeTransactionData, digest: str, confirmations: Sequence[Confirmation]) -> dict[str, Any]:
    """The body of a proposal; its sender is the first of the owners who signed."""
    return {
        "to": tx.to,
        "value": tx.value,
        "data": "0x" + tx.data.hex() if tx.data else None,
        "operation": tx.operation,
        "safeTxGas": tx.safe_tx_gas,
        "baseGas": tx.base_gas,
        "gasPrice": tx.gas_price,
        "gasToken": tx.gas_token,
        "refundReceiver": tx.refund_receiver,
        "nonce": tx.nonce,
        "contractTransactionHash": digest,
        "sender": confirmations[0].owner,
        "signature": "0x" + join_confirmations(confirmations).hex(),
        "origin": ORIGIN,
    }


def parse_amount(value: Any) -> int:
    """A number, or the digits of one: v2 of the API gives most amounts as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 78:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**256:
        raise BadAnswer(System.SAFE_SERVICE, "shape")
    return value


def parse_address(value: Any) -> Address:
    """An EIP-55 address, the zero address among them."""
    if not isinstance(value, str) or not is_checksum_address(value):
        raise BadAnswer(System.SAFE_SERVICE, "shape")
    return Address(value)


def parse_bytes(value: Any) -> bytes:
    """0x and whole bytes in hex."""
    digits = value.removeprefix("0x") if isinstance(value, str) else " "
    if not digits.isalnum() and digits:
        raise BadAnswer(System.SAFE_SERVICE, "shape")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise BadAnswer(System.SAFE_SERVICE, "shape") from None

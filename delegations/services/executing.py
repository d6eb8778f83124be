"""From owners' signatures, given at once or one by one, to the chain."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import get_safe_transaction, safe_transaction_for
from delegations.services.chain import SafeView, read_safe, require_supported
from delegations.services.choosing import require_in_service
from delegations.services.collecting import gather_quietly, keep
from delegations.services.confirming import Confirmed, SignedHash, confirm_owners, parse_request
from delegations.services.drafting import load_transaction
from delegations.services.expiring import end_expired
from delegations.services.following import follow_until
from delegations.services.reconciling import apply_reading, refuse_foreign_claim
from delegations.services.settling import describe_taken, settle_moved_nonce
from delegations.services.submitting import hand_back, relay_signed
from ostium_service.gateways.safe import SafeTransactionData, encode_exec_transaction
from ostium_service.gateways.safe_signatures import Confirmation, join_confirmations
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import Signer
from relay.selectors import relayer_for, signer_addresses

State = SafeTransaction.State
Kind = SafeTransaction.Kind
Submitter = SafeTransaction.Submitter


@dataclass(frozen=True, slots=True)
class Signed:
    """What a caller brought: whose Safe, which transaction (the newest of its kind when no hash is given), signatures.

    `submit` is `relay`, `client` or None for the network's habit: relay on testnet, client on mainnet.
    """

    user_id: str
    network: Network
    safe: Address
    kind: Kind
    signatures: Sequence[bytes]
    safe_tx_hash: str | None
    submit: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. `missing` signatures: it waits for them. `call_data`: for the client to send to the Safe."""

    safe_transaction: SafeTransaction
    confirmations: Sequence[Confirmation] = ()
    missing: int = 0
    call_data: bytes | None = None
    replayed: bool = False


def execute_signed(*, signed: Signed, actor: str) -> Outcome:
    """Collect owners' signatures and, at the threshold, execute the prepared transaction once, whoever repeats it.

    Every signature, collected ones included, is checked against the owners, the threshold and the contracts of now;
    valid ones are kept until the transaction ends or expires. Under the threshold the Safe Transaction Service is asked
    for signatures that owners left in their Safe app, where one is configured. At the threshold the call is simulated
    before anything is signed or handed back, and waited for at most OSTIUM_WRITE_WAIT_SECONDS.
    Refused before anything is sent with SafeTxNotFound, TraderNotAllowed, InvalidSignature, SignerNotOwner,
    SafeNonceStale (details: which transaction took the nonce, as far as the node tells; or `expired`), DelegateUnknown
    (it retires by now), SafeTxReverted, SafeWalletMissing, SafeVersionUnsupported, ChainUnavailable, and what the relay
    refuses with. A failure known after sending: SafeTxReverted, DelegationNotActive or ExecutionExpired.
    """
    deadline = time.monotonic() + settings.OSTIUM_WRITE_WAIT_SECONDS
    row = _find(signed)
    if row.state == State.EXECUTED or _is_relayed(row):
        return _answer(row, deadline, actor, replayed=True)
    _refuse_ended(row, actor)
    tx = load_transaction(row)
    request, view = _read(signed, row, tx)
    if signed.kind == Kind.REVOKE and view.delegate != row.delegation.delegate:
        if apply_reading(delegation=row.delegation, delegate=view.delegate, block=view.block, actor=actor):
            raise errors.ChainUnavailable(details={"reason": "node_behind"})
        return Outcome(get_safe_transaction(row.pk))
    if signed.kind == Kind.APPROVE:
        refuse_foreign_claim(view=view, network=signed.network, user_id=signed.user_id, actor=actor)
    if view.facts.nonce != tx.nonce:
        return _answer_moved(row, view, deadline, actor)
    if signed.kind == Kind.APPROVE:
        require_in_service(network=signed.network, delegate=row.delegation.delegate)
    confirmed = confirm_owners(signed=request, facts=view.facts, answers=view.extra, network=signed.network, tx=tx)
    missing = view.facts.threshold - len(confirmed.valid)
    is_counted = keep(row=row, known=request.stored, confirmed=confirmed, threshold=view.facts.threshold, actor=actor)
    if not is_counted or (missing > 0 and gather_quietly(row=row, actor=actor)):
        return execute_signed(signed=signed, actor=actor)
    if missing > 0:
        return Outcome(row, confirmed.valid, missing=missing)
    return _submit(signed, row, tx, view, confirmed, deadline, actor)


def choose_relayer(signed: Signed) -> Signer | None:
    """Who relays it; None when the client shall send it, which is also the way out when nobody here can."""
    default = Submitter.RELAY if signed.network == Network.TESTNET else Submitter.CLIENT
    if (signed.submit or default) == Submitter.CLIENT:
        return None
    return relayer_for(signed.network)


def _find(signed: Signed) -> SafeTransaction:
    row = safe_transaction_for(
        user_id=signed.user_id,
        network=signed.network,
        safe=signed.safe,
        kind=signed.kind,
        safe_tx_hash=signed.safe_tx_hash,
    )
    if row is None:
        raise errors.SafeTxNotFound
    return row


def _is_relayed(row: SafeTransaction) -> bool:
    return row.state == State.SUBMITTED and row.submitted_by == Submitter.RELAY


def _refuse_ended(row: SafeTransaction, actor: str) -> None:
    if row.expires_at is not None and row.expires_at <= timezone.now():
        end_expired(safe_transaction_id=row.pk, actor=actor)
        raise errors.SafeNonceStale(details={"reason": "expired", "nonce": row.nonce})
    if row.state == State.STALE:
        raise errors.SafeNonceStale(details=describe_taken(row) | {"nonce": row.nonce})
    if row.state == State.FAILED:
        raise errors.SafeTxReverted(details={"reason": row.last_error})


def _read(signed: Signed, row: SafeTransaction, tx: SafeTransactionData) -> tuple[SignedHash, SafeView]:
    """The signatures taken apart, and the Safe as it is now."""
    request = parse_request(network=signed.network, safe=signed.safe, tx=tx, blobs=signed.signatures, row=row)
    view = read_safe(network=signed.network, safe=signed.safe, extra=request.encode_questions(signed.safe))
    require_supported(network=signed.network, facts=view.facts, our_signers=signer_addresses(signed.network))
    return request, view


def _answer_moved(row: SafeTransaction, view: SafeView, deadline: float, actor: str) -> Outcome:
    """The Safe's nonce is not the signed one: say who took it, unless it was this very transaction."""
    if view.facts.nonce < row.nonce:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})
    row = get_safe_transaction(row.pk)
    if row.state == State.EXECUTED or _is_relayed(row):
        return _answer(row, deadline, actor, replayed=True)
    settle_moved_nonce(safe_transaction=row, actor=actor)
    row = get_safe_transaction(row.pk)
    if row.state == State.STALE:
        raise errors.SafeNonceStale(details=describe_taken(row) | {"nonce": view.facts.nonce})
    return _answer(row, deadline, actor, replayed=True)


def _submit(
    signed: Signed,
    row: SafeTransaction,
    tx: SafeTransactionData,
    view: SafeView,
    confirmed: Confirmed,
    deadline: float,
    actor: str,
) -> Outcome:
    call_data = encode_exec_transaction(tx, join_confirmations(confirmed.valid))
    relayer = choose_relayer(signed)
    if relayer is None:
        hand_back(row=row, view=view, call_data=call_data, confirmations=confirmed.valid, actor=actor)
        return Outcome(get_safe_transaction(row.pk), confirmed.valid, call_data=call_data)
    is_ours = relay_signed(row=row, relayer=relayer, call_data=call_data, confirmations=confirmed.valid, actor=actor)
    return _answer(row, deadline, actor, replayed=not is_ours, confirmations=confirmed.valid)


def _answer(
    row: SafeTransaction,
    deadline: float,
    actor: str,
    *,
    replayed: bool,
    confirmations: Sequence[Confirmation] = (),
) -> Outcome:
    """Wait for the end as long as the caller does, and say how it ended."""
    follow_until(safe_transaction_id=row.pk, deadline=deadline, actor=actor)
    row = get_safe_transaction(row.pk)
    delegation = row.delegation
    tx_hash = row.outbound.mined_hash or row.outbound.tx_hash if row.outbound is not None else ""
    if row.state == State.FAILED:
        raise errors.SafeTxReverted(details={"reason": row.last_error, "txHash": tx_hash})
    if row.state == State.PREPARED:
        raise errors.ExecutionExpired(details={"reason": row.last_error, "txHash": tx_hash})
    failed = row.kind == Kind.APPROVE and delegation.status == Delegation.Status.FAILED
    if row.state == State.EXECUTED and failed:
        raise errors.DelegationNotActive(details={"reason": delegation.last_error, "txHash": tx_hash})
    return Outcome(row, confirmations, replayed=replayed)

"""From owners' signatures to the chain: relayed by our signer, or handed back to be sent by the client."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import get_safe_transaction, safe_transaction_for
from delegations.services.chain import SafeView, read_safe, require_supported
from delegations.services.confirming import SignedHash, confirm_owners, parse_request
from delegations.services.events import record_event
from delegations.services.following import defer_follow, follow_until
from delegations.services.reconciling import apply_reading, refuse_foreign_claim
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import Revert, decode_revert
from ostium_service.gateways.safe import SafeTransactionData, encode_exec_transaction, safe_tx_hash
from ostium_service.gateways.safe_reads import GS_REASONS
from ostium_service.gateways.safe_signatures import Confirmation, join_confirmations
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay import services as relay
from relay.models import Signer
from relay.selectors import relayer_for, signer_addresses

State = SafeTransaction.State
Kind = SafeTransaction.Kind
Submitter = SafeTransaction.Submitter

SEND_WITHIN = timedelta(minutes=2)
"""A relayed transaction still unsent after this long is never sent; the signatures may then be used again."""

FOLLOW_AFTER_SECONDS = 2
"""When the worker first looks after a transaction whose own request is normally still waiting for it."""

OUTBOUND_KIND = "safe_transaction"


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
    """What became of it. `missing` signatures: nothing was done. `call_data`: for the client to send to the Safe."""

    safe_transaction: SafeTransaction
    confirmations: Sequence[Confirmation] = ()
    missing: int = 0
    call_data: bytes | None = None
    replayed: bool = False


def execute_signed(*, signed: Signed, actor: str) -> Outcome:
    """Execute a prepared Safe transaction with its owners' signatures, once, whoever repeats the request.

    Every signature is checked against the owners and threshold of now; under the threshold nothing is stored. The call
    is simulated before anything is signed or handed back, and waited for at most OSTIUM_WRITE_WAIT_SECONDS.
    Refused before anything is written with SafeTxNotFound, TraderNotAllowed, InvalidSignature, SignerNotOwner,
    SafeNonceStale, SafeTxReverted, SafeWalletMissing, SafeVersionUnsupported, ChainUnavailable, and what the relay
    refuses with. A failure known after sending: SafeTxReverted, DelegationNotActive or ExecutionExpired.
    """
    deadline = time.monotonic() + settings.OSTIUM_WRITE_WAIT_SECONDS
    row = _find(signed)
    if row.state == State.EXECUTED or _is_relayed(row):
        return _answer(row, deadline, actor, replayed=True)
    _refuse_ended(row)
    tx = load_transaction(row)
    request, view = _read(signed, row)
    if signed.kind == Kind.REVOKE and view.delegate != row.delegation.delegate:
        apply_reading(delegation=row.delegation, delegate=view.delegate, block=view.block, actor=actor)
        return Outcome(get_safe_transaction(row.pk))
    if signed.kind == Kind.APPROVE:
        refuse_foreign_claim(view=view, network=signed.network, user_id=signed.user_id, actor=actor)
    _require_nonce(row, view, tx)
    confirmations = confirm_owners(signed=request, facts=view.facts, answers=view.extra, network=signed.network, tx=tx)
    missing = view.facts.threshold - len(confirmations)
    if missing > 0:
        return Outcome(row, confirmations, missing=missing)
    call_data = encode_exec_transaction(tx, join_confirmations(confirmations))
    relayer = choose_relayer(signed)
    if relayer is None:
        return _hand_back(row, view, call_data, confirmations, actor)
    replayed = not _relay(row, relayer, call_data, actor)
    return _answer(row, deadline, actor, replayed=replayed, confirmations=confirmations)


def load_transaction(row: SafeTransaction) -> SafeTransactionData:
    """The stored transaction, whose hash is computed again: a row that was changed by hand is not executed."""
    fields = row.safe_tx_data
    tx = SafeTransactionData(
        to=Address(fields["to"]),
        data=bytes.fromhex(fields["data"][2:]),
        operation=fields["operation"],
        value=int(fields["value"]),
        nonce=fields["nonce"],
    )
    network = Network(row.network)
    if safe_tx_hash(chain_id=network.chain_id, safe=row.delegation.safe, tx=tx) != row.safe_tx_hash:
        raise errors.OstiumInternalError(details={"reason": "stored_transaction_changed"})
    return tx


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


def _refuse_ended(row: SafeTransaction) -> None:
    if row.state == State.STALE:
        raise errors.SafeNonceStale(details={"reason": row.last_error, "nonce": row.nonce})
    if row.state == State.FAILED:
        raise errors.SafeTxReverted(details={"reason": row.last_error})


def _read(signed: Signed, row: SafeTransaction) -> tuple[SignedHash, SafeView]:
    """The signatures taken apart, and the Safe as it is now."""
    request = parse_request(digest=bytes.fromhex(row.safe_tx_hash[2:]), blobs=signed.signatures)
    view = read_safe(network=signed.network, safe=signed.safe, extra=request.encode_questions(signed.safe))
    require_supported(network=signed.network, facts=view.facts, our_signers=signer_addresses(signed.network))
    return request, view


def _require_nonce(row: SafeTransaction, view: SafeView, tx: SafeTransactionData) -> None:
    if view.facts.nonce > tx.nonce:
        _end_stale(row)
        raise errors.SafeNonceStale(details={"reason": "nonce_taken", "nonce": view.facts.nonce})
    if view.facts.nonce < tx.nonce:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})


def _end_stale(row: SafeTransaction) -> None:
    """A transaction handed back may be the one that took the nonce: that is left to whoever reads the chain for it."""
    SafeTransaction.objects.filter(pk=row.pk, state=State.PREPARED).update(
        state=State.STALE, last_error="nonce_taken", updated_at=timezone.now()
    )


def choose_relayer(signed: Signed) -> Signer | None:
    """Who relays it; None when the client shall send it, which is also the way out when nobody here can."""
    default = Submitter.RELAY if signed.network == Network.TESTNET else Submitter.CLIENT
    if (signed.submit or default) == Submitter.CLIENT:
        return None
    return relayer_for(signed.network)


def _hand_back(
    row: SafeTransaction, view: SafeView, call_data: bytes, confirmations: Sequence[Confirmation], actor: str
) -> Outcome:
    """Note that the client will send it. Simulated first: who pays the gas shall not pay for a failure."""
    try:
        call = Call(to=view.facts.address, data=call_data, sender=view.facts.owners[0])
        composition.arbitrum(Network(row.network)).call(call)
    except Reverted as error:
        raise explain_revert(decode_revert(error.data)) from error
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
    with transaction.atomic():
        stored = _lock(row)
        if stored.state == State.PREPARED:
            _mark_submitted(stored, Submitter.CLIENT, confirmations, actor)
    return Outcome(get_safe_transaction(row.pk), confirmations, call_data=call_data)


def _relay(row: SafeTransaction, relayer: Signer, call_data: bytes, actor: str) -> bool:
    """Sign, store and send it, unless a twin has done so meanwhile; whether it was us."""
    try:
        prepared = relay.prepare(
            network=Network(row.network),
            signer=Address(relayer.address),
            to=row.delegation.safe,
            data=call_data,
            kind=OUTBOUND_KIND,
        )
    except relay.SimulationReverted as error:
        raise explain_revert(error.revert) from error
    try:
        with transaction.atomic():
            stored = _lock(row)
            if stored.state != State.PREPARED and stored.submitted_by != Submitter.CLIENT:
                return False
            stored.outbound = relay.sign_and_store(prepared=prepared, deadline=timezone.now() + SEND_WITHIN)
            _mark_submitted(stored, Submitter.RELAY, (), actor)
            defer_follow(safe_transaction_id=stored.pk, seconds=FOLLOW_AFTER_SECONDS)
    except IntegrityError as error:
        if "one_relay_per_safe_transaction" not in str(error):
            raise
        # Another user's request got the same transaction of this Safe relayed a moment ago.
        raise errors.TraderNotAllowed(details={"reason": "safe_claimed"}) from error
    relay.broadcast(transaction_id=stored.outbound.pk)
    return True


def _lock(row: SafeTransaction) -> SafeTransaction:
    return SafeTransaction.objects.select_for_update(of=("self",)).select_related("delegation").get(pk=row.pk)


def _mark_submitted(
    row: SafeTransaction, submitter: Submitter, confirmations: Sequence[Confirmation], actor: str
) -> None:
    row.state, row.submitted_by, row.last_error = State.SUBMITTED, submitter, ""
    row.save(update_fields=["state", "submitted_by", "last_error", "outbound", "updated_at"])
    tx_hash = row.outbound.tx_hash if row.outbound is not None else ""
    _note_hash(row, tx_hash)
    evidence = {
        "submittedBy": submitter.value,
        "txHash": tx_hash,
        "owners": [item.owner for item in confirmations],
    }
    record_event(
        delegation=row.delegation,
        what=f"{row.kind}_submitted",
        actor=actor,
        evidence=evidence,
        safe_transaction=row,
    )


def _note_hash(row: SafeTransaction, tx_hash: str) -> None:
    """Show the hash on a row that waits for it; an approval never changes a row that is live."""
    rows = Delegation.objects.filter(pk=row.delegation_id)
    if row.kind == Kind.REVOKE:
        rows.update(revoke_tx_hash=tx_hash, updated_at=timezone.now())
    else:
        rows.filter(status=Delegation.Status.PENDING).update(approval_tx_hash=tx_hash, updated_at=timezone.now())


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


def explain_revert(revert: Revert) -> errors.SafeTxReverted:
    """A Safe's GS code in words; another contract's revert by its name."""
    text = str(revert.args[0]) if revert.name == "Error" and revert.args else ""
    if re.fullmatch(r"GS[0-9]{3}", text):
        return errors.SafeTxReverted(details={"reason": GS_REASONS.get(text, "refused_by_safe"), "code": text})
    return errors.SafeTxReverted(details={"reason": revert.name})

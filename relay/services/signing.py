"""The one place where a nonce is taken and bytes are signed."""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db import transaction as database

from ostium_service import composition
from ostium_service.database import Writes
from ostium_service.gateways.delegate_key import DelegateKey, SignedTransaction
from ostium_service.http import errors
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.types import Address, Network, Wei
from relay.clock import database_now
from relay.fees import is_replacement
from relay.models import OutboundTransaction, Signer, TransactionAttempt, TransactionEvent
from relay.selectors import LEAVING, signer_states
from relay.services.preparing import Prepared
from safeguards.gate import authorize_call, authorize_envelope

TRANSFER_GAS_LIMIT = 200_000
"""A bare transfer costs 21,000 plus Arbitrum's L1 data share, which an idle limit covers many times over."""

CALL = TransactionAttempt.Purpose.CALL
CANCEL = TransactionAttempt.Purpose.CANCEL


def sign_and_store(*, prepared: Prepared, send_within: timedelta) -> OutboundTransaction:
    """Take the next nonce, sign and store, inside the caller's database transaction (R1).

    The caller locks and marks its own row in the same transaction, so a crash leaves either nothing or a stored
    transaction that belongs to a row. It must be out `send_within` of its preparation, by the database's clock. Lock
    order: the caller's row, the grant, the signer, whose lock is held from here to the caller's commit. Refused by the
    gate with DelegationNotActive, DelegationSuspended or OstiumInternalError (a call outside the policy); with
    NetworkPaused when the signer was halted meanwhile; with ExecutionExpired or VaultUnavailable when the preparation
    is older than `send_within` or than a key may live. Then the caller's transaction must roll back and nothing is left
    behind.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("sign_and_store belongs inside the caller's transaction")
    started = time.monotonic()
    deadline = database_now() + send_within - timedelta(seconds=started - prepared.made_at)
    # Asked before the signer is locked, so that only nonce, signature and storing happen under that lock.
    judged_as = ask_gate(network=prepared.network, signer=prepared.signer, to=prepared.to, data=prepared.data)
    signer = _lock_signer(prepared.network, prepared.signer)
    if signer.state != judged_as:
        ask_gate(network=prepared.network, signer=prepared.signer, to=prepared.to, data=prepared.data)
    _require_fresh(prepared, send_within)
    nonce = signer.next_nonce if signer.next_nonce is not None else prepared.chain_nonce
    fee = prepared.max_fee_per_gas
    signed = _sign(prepared.key, prepared.network, nonce, prepared.to, prepared.data, prepared.gas_limit, fee)
    row = _store(signer, prepared, nonce, deadline, signed)
    observe_relay_stage("sign", time.monotonic() - started)
    return row


def sign_replacement(*, transaction: OutboundTransaction, key: DelegateKey, max_fee: Wei) -> TransactionAttempt | None:
    """Sign the same call under the same nonce with a higher fee cap.

    None when the row was decided or given up since, when another process has replaced it, or when its signer is halted.
    The gate is asked again: a suspension since the first signature refuses this one, and the first bytes, which the
    chain did not take at their fee, stay as they are.
    """
    with database.atomic():
        row = _lock_undecided(transaction)
        if row is None or row.given_up or row.signer.state == Signer.State.HALTED:
            return None
        if not is_replacement(fee=max_fee, previous=Wei(row.attempts.latest("id").max_fee_per_gas)):
            return None
        own, to, data = Address(row.signer.address), Address(row.to), bytes(row.data)
        ask_gate(network=row.network, signer=own, to=to, data=data)
        signed = _sign(key, row.network, row.nonce, to, data, row.gas_limit, max_fee)
        return _add_attempt(row, CALL, signed, max_fee, reason="replacement signed with a higher fee")


def sign_cancellation(
    *, transaction: OutboundTransaction, key: DelegateKey, max_fee: Wei, why: str
) -> TransactionAttempt | None:
    """Sign and store the zero-value self-transfer that spends the transaction's nonce.

    From then on the call is never sent again. A second time the stored one is returned, unless `max_fee` would replace
    it: then another is stored beside it. None when the row was decided since. A halted signer may sign it too.
    """
    with database.atomic():
        row = _lock_undecided(transaction)
        if row is None:
            return None
        existing = row.attempts.filter(purpose=CANCEL).order_by("id").last()
        if existing is not None and not is_replacement(fee=max_fee, previous=Wei(existing.max_fee_per_gas)):
            return existing
        own = Address(row.signer.address)
        signed = _sign(key, row.network, row.nonce, own, b"", TRANSFER_GAS_LIMIT, max_fee)
        row.given_up = row.given_up or why
        row.save(update_fields=["given_up"])
        return _add_attempt(row, CANCEL, signed, max_fee, reason=f"cancellation signed: {row.given_up}")


def cancellation_ceiling() -> Wei:
    """Twice the configured ceiling: a cancellation has to outbid its own call, which may stand at the ceiling."""
    return Wei(2 * settings.OSTIUM_MAX_FEE_WEI)


def ask_gate(*, network: Network, signer: Address, to: Address, data: bytes) -> str:
    """What safeguards say of the decoded call now; raises as `safeguards.gate.authorize_call` does.

    The answer is the signer's state that it was judged by.
    """
    states = signer_states(network)
    authorize_call(
        network=network,
        addresses=composition.contract_addresses(network),
        signer=signer,
        to=to,
        value=0,
        data=data,
        our_signers=[address for address, state in states.items() if state not in LEAVING],
        is_retiring=states.get(signer) == Signer.State.RETIRING,
    )
    return states.get(signer, "")


def _require_fresh(prepared: Prepared, send_within: timedelta) -> None:
    """Refuse what was prepared too long ago, by the clock that no step moves: the process stood still meanwhile."""
    age = time.monotonic() - prepared.made_at
    if age >= send_within.total_seconds():
        raise errors.ExecutionExpired(details={"reason": "prepared_too_long_ago"})
    if age >= settings.VAULT_KEY_LIFETIME_SECONDS:
        raise errors.VaultUnavailable(details={"reason": "key_expired"})


def _lock_signer(network: Network, address: Address) -> Signer:
    signer = Signer.objects.select_for_update().get(network=network, address=address)
    if signer.state in {Signer.State.HALTED, Signer.State.RETIRED}:
        raise errors.NetworkPaused(details={"reason": f"signer_{signer.state}"})
    return signer


def _lock_undecided(transaction: OutboundTransaction) -> OutboundTransaction | None:
    row = OutboundTransaction.objects.select_for_update(of=("self",)).select_related("signer").get(pk=transaction.pk)
    return None if row.is_decided else row


def _sign(
    key: DelegateKey, network: Network, nonce: int, to: Address, data: bytes, gas: int, max_fee: Wei
) -> SignedTransaction:
    fields = {
        "chainId": network.chain_id,
        "nonce": nonce,
        "to": to,
        "value": 0,
        "data": data,
        "gas": gas,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": 0,
    }
    ceiling = Wei(settings.OSTIUM_MAX_FEE_WEI) if data else cancellation_ceiling()
    authorize_envelope(network=network, signer=key.address, fields=fields, fee_ceiling=ceiling)
    return key.sign_transaction(fields)


def _store(
    signer: Signer, prepared: Prepared, nonce: int, deadline: datetime, signed: SignedTransaction
) -> OutboundTransaction:
    signer.next_nonce = nonce + 1
    row = OutboundTransaction(
        signer=signer,
        kind=prepared.kind,
        nonce=nonce,
        to=prepared.to,
        data=prepared.data,
        gas_limit=prepared.gas_limit,
        deadline=deadline,
    )
    writes = Writes()
    writes.update(signer, "next_nonce", "updated_at")
    writes.insert(row)
    for part in _describe_attempt(row, CALL, signed, prepared.max_fee_per_gas, reason="signed and stored", was=""):
        writes.insert(part)
    writes.run()
    row.signed_hash = signed.tx_hash
    return row


def _add_attempt(
    row: OutboundTransaction, purpose: str, signed: SignedTransaction, max_fee: Wei, *, reason: str
) -> TransactionAttempt:
    """Keep the bytes and tell the story; the row's state stays."""
    event, attempt = _describe_attempt(row, purpose, signed, max_fee, reason=reason, was=row.state)
    event.save(force_insert=True)
    attempt.save(force_insert=True)
    return attempt


def _describe_attempt(
    row: OutboundTransaction, purpose: str, signed: SignedTransaction, max_fee: Wei, *, reason: str, was: str
) -> tuple[TransactionEvent, TransactionAttempt]:
    """What is written with new bytes; not stored yet."""
    evidence = {"txHash": signed.tx_hash, "maxFeePerGas": str(max_fee)}
    return (
        TransactionEvent(transaction=row, from_state=was, to_state=row.state, reason=reason, evidence=evidence),
        TransactionAttempt(
            transaction=row, purpose=purpose, tx_hash=signed.tx_hash, raw=signed.raw, max_fee_per_gas=max_fee
        ),
    )

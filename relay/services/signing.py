"""The one place where a nonce is taken and bytes are signed."""

import time
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.db import transaction as database

from ostium_service import composition
from ostium_service.gateways.delegate_key import DelegateKey, SignedTransaction
from ostium_service.http import errors
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.types import Address, Network, Wei
from relay.models import OutboundTransaction, Signer, TransactionAttempt, TransactionEvent
from relay.selectors import LEAVING, signer_states
from relay.services.preparing import Prepared
from safeguards.gate import authorize_call, authorize_envelope

TRANSFER_GAS_LIMIT = 200_000
"""A bare transfer costs 21,000 plus Arbitrum's L1 data share, which an idle limit covers many times over."""

CALL = TransactionAttempt.Purpose.CALL
CANCEL = TransactionAttempt.Purpose.CANCEL


def sign_and_store(*, prepared: Prepared, deadline: datetime) -> OutboundTransaction:
    """Take the next nonce, sign and store, inside the caller's database transaction (R1).

    The caller locks and marks its own row in the same transaction, so a crash leaves either nothing or a stored
    transaction that belongs to a row. Lock order: the caller's row, the signer, the grant. Refused by the gate with
    DelegationNotActive, DelegationSuspended or OstiumInternalError (a call outside the policy), or with NetworkPaused
    when the signer was halted meanwhile; then the caller's transaction must roll back and nothing is left behind.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("sign_and_store belongs inside the caller's transaction")
    started = time.monotonic()
    signer = _lock_signer(prepared.network, prepared.signer)
    ask_gate(network=prepared.network, signer=prepared.signer, to=prepared.to, data=prepared.data)
    nonce = signer.next_nonce if signer.next_nonce is not None else prepared.chain_nonce
    fee = prepared.max_fee_per_gas
    signed = _sign(prepared.key, prepared.network, nonce, prepared.to, prepared.data, prepared.gas_limit, fee)
    row = _store(signer, prepared, nonce, deadline)
    _add_attempt(row, CALL, signed, fee, reason="signed and stored", from_state="")
    observe_relay_stage("sign", time.monotonic() - started)
    return row


def sign_replacement(*, transaction: OutboundTransaction, key: DelegateKey, max_fee: Wei) -> TransactionAttempt | None:
    """Sign the same call under the same nonce with a higher fee cap; None when the row was decided or given up since.

    The gate is asked again: a suspension since the first signature refuses this one, and the first bytes, which the
    chain did not take at their fee, stay as they are.
    """
    with database.atomic():
        row = _lock_undecided(transaction)
        if row is None or row.given_up:
            return None
        own, to, data = Address(row.signer.address), Address(row.to), bytes(row.data)
        ask_gate(network=row.network, signer=own, to=to, data=data)
        signed = _sign(key, row.network, row.nonce, to, data, row.gas_limit, max_fee)
        return _add_attempt(row, CALL, signed, max_fee, reason="replacement signed with a higher fee")


def sign_cancellation(
    *, transaction: OutboundTransaction, key: DelegateKey, max_fee: Wei, why: str
) -> TransactionAttempt | None:
    """Sign and store the zero-value self-transfer that spends the transaction's nonce; once, then the same bytes.

    From then on the call is never sent again. None when the row was decided since.
    """
    with database.atomic():
        row = _lock_undecided(transaction)
        if row is None:
            return None
        existing = row.attempts.filter(purpose=CANCEL).first()
        if existing is not None:
            return existing
        own = Address(row.signer.address)
        signed = _sign(key, row.network, row.nonce, own, b"", TRANSFER_GAS_LIMIT, max_fee)
        row.given_up = why
        row.save(update_fields=["given_up"])
        return _add_attempt(row, CANCEL, signed, max_fee, reason=f"cancellation signed: {why}")


def cancellation_ceiling() -> Wei:
    """Twice the configured ceiling: a cancellation has to outbid its own call, which may stand at the ceiling."""
    return Wei(2 * settings.OSTIUM_MAX_FEE_WEI)


def ask_gate(*, network: Network, signer: Address, to: Address, data: bytes) -> None:
    """What safeguards say of the decoded call now; raises as `safeguards.gate.authorize_call` does."""
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


def _store(signer: Signer, prepared: Prepared, nonce: int, deadline: datetime) -> OutboundTransaction:
    signer.next_nonce = nonce + 1
    signer.save(update_fields=["next_nonce", "updated_at"])
    return OutboundTransaction.objects.create(
        signer=signer,
        kind=prepared.kind,
        nonce=nonce,
        to=prepared.to,
        data=prepared.data,
        gas_limit=prepared.gas_limit,
        deadline=deadline,
    )


def _add_attempt(
    row: OutboundTransaction,
    purpose: str,
    signed: SignedTransaction,
    max_fee: Wei,
    *,
    reason: str,
    from_state: str | None = None,
) -> TransactionAttempt:
    """Keep the bytes and tell the story; the row's state stays."""
    TransactionEvent.objects.create(
        transaction=row,
        from_state=row.state if from_state is None else from_state,
        to_state=row.state,
        reason=reason,
        evidence={"txHash": signed.tx_hash, "maxFeePerGas": str(max_fee)},
    )
    attempt: TransactionAttempt = row.attempts.create(
        purpose=purpose, tx_hash=signed.tx_hash, raw=signed.raw, max_fee_per_gas=max_fee
    )
    return attempt

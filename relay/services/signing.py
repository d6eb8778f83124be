"""The one place where a nonce is taken and bytes are signed."""

import time
from datetime import datetime

from django.db import connection
from django.db import transaction as database

from ostium_service import composition
from ostium_service.gateways.vault import DelegateKey, SignedTransaction
from ostium_service.http import errors
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.types import Address, Network, Wei
from relay.models import OutboundTransaction, Signer, TransactionAttempt, TransactionEvent
from relay.selectors import signer_addresses
from relay.services.preparing import Prepared
from safeguards.gate import authorize_call

TRANSFER_GAS_LIMIT = 200_000
"""A bare transfer costs 21,000 plus Arbitrum's L1 data share, which an idle limit covers many times over."""


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
    authorize_call(
        network=prepared.network,
        addresses=composition.contract_addresses(prepared.network),
        signer=prepared.signer,
        to=prepared.to,
        value=0,
        data=prepared.data,
        our_signers=signer_addresses(prepared.network),
    )
    nonce = signer.next_nonce if signer.next_nonce is not None else prepared.chain_nonce
    signed = _sign(
        prepared.key, prepared.network, nonce, prepared.to, prepared.data, prepared.gas_limit, prepared.max_fee_per_gas
    )
    row = _store(signer, prepared, nonce, signed, deadline)
    observe_relay_stage("sign", time.monotonic() - started)
    return row


def sign_cancellation(*, transaction: OutboundTransaction, key: DelegateKey, max_fee: Wei) -> TransactionAttempt:
    """Sign and store the zero-value self-transfer that spends the transaction's nonce; once, then the same bytes."""
    with database.atomic():
        row = OutboundTransaction.objects.select_for_update().select_related("signer").get(pk=transaction.pk)
        existing = row.attempts.filter(purpose=TransactionAttempt.Purpose.CANCEL).first()
        if existing is not None:
            return existing
        own = Address(row.signer.address)
        signed = _sign(key, row.network, row.nonce, own, b"", TRANSFER_GAS_LIMIT, max_fee)
        TransactionEvent.objects.create(
            transaction=row,
            from_state=row.state,
            to_state=row.state,
            reason="cancellation signed after the deadline",
            evidence={"txHash": signed.tx_hash},
        )
        return row.attempts.create(
            purpose=TransactionAttempt.Purpose.CANCEL,
            tx_hash=signed.tx_hash,
            raw=signed.raw,
            max_fee_per_gas=max_fee,
        )


def _lock_signer(network: Network, address: Address) -> Signer:
    signer = Signer.objects.select_for_update().get(network=network, address=address)
    if signer.state != Signer.State.ACTIVE:
        raise errors.NetworkPaused(details={"reason": f"signer_{signer.state}"})
    return signer


def _sign(
    key: DelegateKey, network: Network, nonce: int, to: Address, data: bytes, gas: int, max_fee: Wei
) -> SignedTransaction:
    return key.sign_transaction(
        {
            "chainId": network.chain_id,
            "nonce": nonce,
            "to": to,
            "value": 0,
            "data": data,
            "gas": gas,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": 0,
        }
    )


def _store(
    signer: Signer, prepared: Prepared, nonce: int, signed: SignedTransaction, deadline: datetime
) -> OutboundTransaction:
    signer.next_nonce = nonce + 1
    signer.save(update_fields=["next_nonce", "updated_at"])
    row = OutboundTransaction.objects.create(
        signer=signer,
        kind=prepared.kind,
        nonce=nonce,
        to=prepared.to,
        data=prepared.data,
        gas_limit=prepared.gas_limit,
        deadline=deadline,
    )
    row.attempts.create(
        purpose=TransactionAttempt.Purpose.CALL,
        tx_hash=signed.tx_hash,
        raw=signed.raw,
        max_fee_per_gas=prepared.max_fee_per_gas,
    )
    TransactionEvent.objects.create(
        transaction=row, to_state=row.state, reason="signed and stored", evidence={"txHash": signed.tx_hash}
    )
    return row

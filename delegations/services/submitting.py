"""Sending a Safe transaction that has its signatures: by our relayer, or by the client that gets it back."""

import re
from collections.abc import Sequence
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from delegations.models import Delegation, SafeTransaction
from delegations.services.chain import SafeView
from delegations.services.events import record_event
from delegations.services.following import defer_follow
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import Revert, decode_revert
from ostium_service.gateways.safe_reads import GS_REASONS
from ostium_service.gateways.safe_signatures import Confirmation
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay import services as relay
from relay.models import Signer

State = SafeTransaction.State
Kind = SafeTransaction.Kind
Submitter = SafeTransaction.Submitter

SEND_WITHIN = timedelta(minutes=2)
"""A relayed transaction still unsent after this long is never sent; the signatures may then be used again."""

FOLLOW_AFTER_SECONDS = 2
"""When the worker first looks after a transaction whose own request is normally still waiting for it."""

OUTBOUND_KIND = "safe_transaction"


def hand_back(
    *, row: SafeTransaction, view: SafeView, call_data: bytes, confirmations: Sequence[Confirmation], actor: str
) -> None:
    """Note that the client will send it. Simulated first: who pays the gas shall not pay for a failure.

    Refused with SafeTxReverted and ChainUnavailable; nothing is written then.
    """
    try:
        call = Call(to=view.facts.address, data=call_data, sender=view.facts.owners[0])
        composition.arbitrum(Network(row.network)).call(call)
    except Reverted as error:
        raise explain_revert(decode_revert(error.data)) from error
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
    with transaction.atomic():
        stored = lock_row(row)
        if stored.state == State.PREPARED:
            _mark_submitted(stored, Submitter.CLIENT, confirmations, actor)


def relay_signed(
    *, row: SafeTransaction, relayer: Signer, call_data: bytes, confirmations: Sequence[Confirmation], actor: str
) -> bool:
    """Sign, store and send it, unless a twin has done so meanwhile; whether it was us.

    Refused with SafeTxReverted, TraderNotAllowed (another user's twin was faster) and what the relay refuses with.
    """
    try:
        prepared = relay.prepare(
            network=Network(row.network),
            signer=Address(relayer.address),
            to=row.delegation.safe,
            data=call_data,
            kind=OUTBOUND_KIND,
        )
    except relay.SimulationReverted as error:
        # A twin's transaction that has been mined meanwhile makes ours fail.
        if not _is_waiting(SafeTransaction.objects.get(pk=row.pk)):
            return False
        raise explain_revert(error.revert) from error
    try:
        with transaction.atomic():
            stored = lock_row(row)
            if not _is_waiting(stored):
                return False
            stored.outbound = relay.sign_and_store(prepared=prepared, send_within=SEND_WITHIN)
            _mark_submitted(stored, Submitter.RELAY, confirmations, actor)
            defer_follow(safe_transaction_id=stored.pk, seconds=FOLLOW_AFTER_SECONDS)
    except IntegrityError as error:
        if "one_relay_per_safe_transaction" not in str(error):
            raise
        # Another user's request got the same transaction of this Safe relayed a moment ago.
        raise errors.TraderNotAllowed(details={"reason": "safe_claimed"}) from error
    relay.broadcast(transaction_id=stored.outbound.pk)
    return True


def _is_waiting(row: SafeTransaction) -> bool:
    """Whether nobody has relayed it: a client that got it back may never send it."""
    is_with_client = row.state == State.SUBMITTED and row.submitted_by == Submitter.CLIENT
    return row.state == State.PREPARED or is_with_client


def lock_row(row: SafeTransaction) -> SafeTransaction:
    """The row as it is now, locked until the caller's transaction ends."""
    return SafeTransaction.objects.select_for_update(of=("self",)).select_related("delegation").get(pk=row.pk)


def explain_revert(revert: Revert) -> errors.SafeTxReverted:
    """A Safe's GS code in words; another contract's revert by its name."""
    text = str(revert.args[0]) if revert.name == "Error" and revert.args else ""
    if re.fullmatch(r"GS[0-9]{3}", text):
        return errors.SafeTxReverted(details={"reason": GS_REASONS.get(text, "refused_by_safe"), "code": text})
    return errors.SafeTxReverted(details={"reason": revert.name})


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
    elif row.kind == Kind.APPROVE:
        rows.filter(status=Delegation.Status.PENDING).update(approval_tx_hash=tx_hash, updated_at=timezone.now())

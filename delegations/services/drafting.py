"""Storing the Safe transaction that owners shall sign, after asking everybody who might refuse it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from delegations.models import Delegation, SafeTransaction
from delegations.services.chain import SafeView, read_state
from delegations.services.events import record_event
from ostium_service.gateways.failures import Reverted
from ostium_service.gateways.ostium_contracts import catalogue_code, decode_revert
from ostium_service.gateways.safe import SafeTransactionData, safe_tx_hash, transaction_fields, typed_data
from ostium_service.gateways.safe_reads import Answer, SafeFacts, encode_guard_call
from ostium_service.http import errors
from ostium_service.types import Address, Network, UsdcUnits
from relay.selectors import relayer_for

State = SafeTransaction.State


@dataclass(frozen=True, slots=True)
class PreparedTransaction:
    """A stored Safe transaction, the EIP-712 JSON a wallet signs for it, and the Safe as it was read for it."""

    safe_transaction: SafeTransaction
    typed_data: dict[str, Any]
    facts: SafeFacts


@dataclass(frozen=True, slots=True)
class Draft:
    """A Safe transaction about to be stored."""

    kind: SafeTransaction.Kind
    tx: SafeTransactionData
    view: SafeView
    allowance: UsdcUnits | None = None


def refuse_reverts(answers: Sequence[Answer]) -> None:
    """Raise what a tried call would fail with: its catalogue code, else SafeTxReverted (details: reason)."""
    reverted = next((answer for answer in answers if isinstance(answer, Reverted)), None)
    if reverted is None:
        return
    revert = decode_revert(reverted.data)
    code = catalogue_code(revert)
    if code is not None:
        raise errors.CATALOGUE[code]
    raise errors.SafeTxReverted(details={"reason": revert.name})


def ask_guard(*, network: Network, view: SafeView, tx: SafeTransactionData) -> None:
    """Ask the Safe's guard as the Safe would; without signatures, so a guard that wants to see them refuses here."""
    relayer = relayer_for(network)
    executor = Address(relayer.address) if relayer is not None else view.facts.owners[0]
    call = encode_guard_call(facts=view.facts, tx=tx, executor=executor)
    if call is None:
        return
    if isinstance(read_state(network=network, calls=[call]).results[0], Reverted):
        raise errors.SafeTxReverted(details={"reason": "guard_refused", "guard": view.facts.guard})


def store_draft(*, delegation: Delegation, draft: Draft, actor: str) -> PreparedTransaction:
    """Store the draft under its hash, or take up the row that is there."""
    network = Network(delegation.network)
    facts = draft.view.facts
    digest = safe_tx_hash(chain_id=network.chain_id, safe=delegation.safe, tx=draft.tx)
    row, created = SafeTransaction.objects.select_for_update(of=("self",)).get_or_create(
        delegation=delegation, safe_tx_hash=digest, defaults=_columns(delegation, draft)
    )
    is_again = row.state in {State.FAILED, State.STALE}
    if is_again:
        row.confirmations.all().delete()
        row.state, row.last_error, row.taken_by = State.PREPARED, "", ""
        # What was sent for it before has its own end, which must not decide this one.
        row.outbound, row.submitted_by = None, ""
    if row.state == State.PREPARED:
        row.expires_at = timezone.now() + timedelta(days=settings.OSTIUM_SAFE_TX_EXPIRY_DAYS)
    row.save(update_fields=["state", "last_error", "taken_by", "outbound", "submitted_by", "expires_at", "updated_at"])
    row.delegation = delegation
    if delegation.status == Delegation.Status.PENDING and draft.kind == SafeTransaction.Kind.APPROVE:
        delegation.approval = row
        delegation.save(update_fields=["approval", "updated_at"])
    if created or is_again:
        evidence: dict[str, Any] = {"safeTxHash": digest, "nonce": draft.tx.nonce, "block": draft.view.block}
        evidence |= {"guard": facts.guard, "modules": list(facts.modules), "fallbackHandler": facts.fallback_handler}
        record_event(
            delegation=delegation,
            what=f"{draft.kind}_prepared",
            actor=actor,
            evidence=evidence,
            safe_transaction=row,
        )
    return PreparedTransaction(
        row, typed_data(chain_id=network.chain_id, safe=delegation.safe, tx=draft.tx), draft.view.facts
    )


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


def _columns(delegation: Delegation, draft: Draft) -> dict[str, Any]:
    facts = draft.view.facts
    return {
        "network": delegation.network,
        "kind": draft.kind,
        "safe_tx_data": transaction_fields(draft.tx),
        "nonce": draft.tx.nonce,
        "safe_version": facts.version,
        "owners": list(facts.owners),
        "threshold": facts.threshold,
        "allowance": draft.allowance,
        "prepared_block": draft.view.block,
    }

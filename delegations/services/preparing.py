"""Building the one Safe transaction that owners sign, and storing it as a row of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import delegation_for
from delegations.services.chain import SafeView, read_safe, read_state, require_supported
from delegations.services.choosing import choose_delegate
from delegations.services.events import record_event
from delegations.services.reconciling import apply_reading, refuse_foreign_claim
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import Reverted
from ostium_service.gateways.ostium_contracts import (
    catalogue_code,
    decode_revert,
    encode_approve,
    encode_remove_delegate,
    encode_set_delegate,
)
from ostium_service.gateways.safe import (
    InnerCall,
    SafeTransactionData,
    batch_calls,
    safe_tx_hash,
    transaction_fields,
    typed_data,
)
from ostium_service.gateways.safe_reads import Answer, encode_guard_call
from ostium_service.http import errors
from ostium_service.money import USDC_DECIMALS, units_string
from ostium_service.types import Address, Network, UsdcUnits
from relay.selectors import relayer_for, signer_addresses
from safeguards.gate import MAX_ALLOWANCE

State = SafeTransaction.State


@dataclass(frozen=True, slots=True)
class PreparedTransaction:
    """A stored Safe transaction, and the EIP-712 JSON a wallet signs for it."""

    safe_transaction: SafeTransaction
    typed_data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A Safe transaction about to be stored."""

    kind: SafeTransaction.Kind
    tx: SafeTransactionData
    view: SafeView
    allowance: UsdcUnits | None = None


def prepare_approval(
    *,
    user_id: str,
    network: Network,
    safe: Address,
    delegate: Address | None,
    allowance: UsdcUnits | None,
    actor: str,
) -> PreparedTransaction:
    """Build `setDelegate`, batched with a USDC approval of `allowance` (x 1e6) unless that is None.

    The approval replaces what tradingStorage may spend now. Repeated with the same parameters under the same Safe nonce
    it gives the same row; a live delegation is never touched. Refused with LimitExceeded (more than 1e9 USDC, since an
    allowance is never unlimited), TraderNotAllowed (another user's Safe, or one that lists a key of ours),
    DelegateUnknown, DelegateKeyMissing, SafeWalletMissing, SafeVersionUnsupported, SafeTxReverted (the venue, USDC or
    the Safe's guard would refuse) and ChainUnavailable; nothing is stored then.
    """
    chosen = choose_delegate(network=network, safe=safe, wanted=delegate)
    calls = _approval_calls(network=network, delegate=chosen, allowance=allowance)
    view = _read_and_try(network=network, safe=safe, calls=calls)
    release = require_supported(network=network, facts=view.facts, our_signers=signer_addresses(network))
    refuse_foreign_claim(view=view, network=network, user_id=user_id, actor=actor)
    _refuse_reverts(view.extra)
    tx = batch_calls(calls, multi_send=release.multi_send_call_only, nonce=view.facts.nonce)
    _ask_guard(network=network, view=view, tx=tx)
    with transaction.atomic():
        delegation, _ = Delegation.objects.get_or_create(
            user_id=user_id,
            network=network,
            safe_address=safe,
            delegate_address=chosen,
            status__in=Delegation.LIVE,
            defaults={
                "status": Delegation.Status.PENDING,
                "trading_contract": composition.contract_addresses(network).trading,
            },
        )
        return _store(
            delegation=delegation, draft=Draft(SafeTransaction.Kind.APPROVE, tx, view, allowance), actor=actor
        )


def prepare_revocation(
    *, user_id: str, network: Network, safe: Address, delegate: Address | None, actor: str
) -> PreparedTransaction:
    """Build `removeDelegate()` for the user's delegation of the Safe, which stays as it is until the chain changes.

    Refused with DelegationNotFound, with DelegationNotActive when the chain knows no such delegate (a row that said
    otherwise is corrected first), and as `prepare_approval` is for the Safe.
    """
    delegation = delegation_for(user_id=user_id, network=network, safe=safe, delegate=delegate)
    if delegation is None:
        raise errors.DelegationNotFound
    calls = [InnerCall(composition.contract_addresses(network).trading, encode_remove_delegate())]
    view = _read_and_try(network=network, safe=safe, calls=calls)
    if view.delegate != delegation.delegate:
        apply_reading(delegation=delegation, delegate=view.delegate, block=view.block, actor=actor)
        raise errors.DelegationNotActive(details={"reason": "not_set_on_chain"})
    release = require_supported(network=network, facts=view.facts, our_signers=signer_addresses(network))
    _refuse_reverts(view.extra)
    tx = batch_calls(calls, multi_send=release.multi_send_call_only, nonce=view.facts.nonce)
    _ask_guard(network=network, view=view, tx=tx)
    with transaction.atomic():
        return _store(delegation=delegation, draft=Draft(SafeTransaction.Kind.REVOKE, tx, view), actor=actor)


def _approval_calls(*, network: Network, delegate: Address, allowance: UsdcUnits | None) -> list[InnerCall]:
    addresses = composition.contract_addresses(network)
    calls = [InnerCall(addresses.trading, encode_set_delegate(delegate))]
    if allowance is None:
        return calls
    if allowance > MAX_ALLOWANCE:
        limit, value = (units_string(units, USDC_DECIMALS) for units in (MAX_ALLOWANCE, allowance))
        raise errors.LimitExceeded(details={"limit": limit, "value": value})
    return [*calls, InnerCall(addresses.usdc, encode_approve(addresses.trading_storage, allowance))]


def _read_and_try(*, network: Network, safe: Address, calls: Sequence[InnerCall]) -> SafeView:
    """Read the Safe and try each inner call in its name, so that a refusal is known before anybody signs."""
    tries = [Call(to=call.to, data=call.data, sender=safe) for call in calls]
    return read_safe(network=network, safe=safe, extra=tries)


def _refuse_reverts(answers: Sequence[Answer]) -> None:
    reverted = next((answer for answer in answers if isinstance(answer, Reverted)), None)
    if reverted is None:
        return
    revert = decode_revert(reverted.data)
    code = catalogue_code(revert)
    if code is not None:
        raise errors.CATALOGUE[code]
    raise errors.SafeTxReverted(details={"reason": revert.name})


def _ask_guard(*, network: Network, view: SafeView, tx: SafeTransactionData) -> None:
    """Ask the Safe's guard as the Safe would; without signatures, so a guard that wants to see them refuses here."""
    relayer = relayer_for(network)
    executor = Address(relayer.address) if relayer is not None else view.facts.owners[0]
    call = encode_guard_call(facts=view.facts, tx=tx, executor=executor)
    if call is None:
        return
    if isinstance(read_state(network=network, calls=[call]).results[0], Reverted):
        raise errors.SafeTxReverted(details={"reason": "guard_refused", "guard": view.facts.guard})


def _store(*, delegation: Delegation, draft: Draft, actor: str) -> PreparedTransaction:
    """Store the draft under its hash, or take up the row that is there; transactions whose nonce is gone end stale."""
    network = Network(delegation.network)
    digest = safe_tx_hash(chain_id=network.chain_id, safe=delegation.safe, tx=draft.tx)
    _end_outdated(delegation, draft.view.facts.nonce)
    row, created = SafeTransaction.objects.select_for_update(of=("self",)).get_or_create(
        delegation=delegation, safe_tx_hash=digest, defaults=_columns(delegation, draft)
    )
    if row.state in {State.FAILED, State.STALE}:
        row.state, row.last_error, created = State.PREPARED, "", True
    row.save(update_fields=["state", "last_error", "updated_at"])
    row.delegation = delegation
    if delegation.status == Delegation.Status.PENDING:
        delegation.approval = row
        delegation.save(update_fields=["approval", "updated_at"])
    if created:
        evidence = {"safeTxHash": digest, "nonce": draft.tx.nonce, "block": draft.view.block}
        record_event(
            delegation=delegation,
            what=f"{draft.kind}_prepared",
            actor=actor,
            evidence=evidence,
            safe_transaction=row,
        )
    return PreparedTransaction(row, typed_data(chain_id=network.chain_id, safe=delegation.safe, tx=draft.tx))


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
    }


def _end_outdated(delegation: Delegation, nonce: int) -> None:
    delegation.safe_transactions.filter(state=State.PREPARED, nonce__lt=nonce).update(
        state=State.STALE, last_error="nonce_taken"
    )

"""Building the one Safe transaction that owners sign."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db import transaction

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import delegation_for, outdated_transactions
from delegations.services.chain import SafeView, read_safe, require_supported
from delegations.services.choosing import choose_delegate, confirm_choice
from delegations.services.drafting import Draft, PreparedTransaction, ask_guard, refuse_reverts, store_draft
from delegations.services.events import record_event
from delegations.services.reconciling import apply_reading, refuse_foreign_claim
from delegations.services.settling import settle_moved_nonce
from delegations.services.suspending import suspended_row, take_over_suspension
from delegations.services.venue import encode_probes, refuse_contracts, require_current_storage
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.ostium_contracts import encode_approve, encode_remove_delegate, encode_set_delegate
from ostium_service.gateways.safe import InnerCall, SafeTransactionData, batch_calls
from ostium_service.http import errors
from ostium_service.money import USDC_DECIMALS, units_string
from ostium_service.types import Address, Network, UsdcUnits
from relay.selectors import signer_addresses
from safeguards.gate import MAX_ALLOWANCE

Kind = SafeTransaction.Kind


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
    allowance is never unlimited), TraderNotAllowed (another user's Safe, one that lists a key of ours, or the venue
    trades for no contracts), NetworkPaused (the venue's storage is not where an approval would go),
    DelegateUnknown, DelegateKeyMissing, SafeWalletMissing, SafeVersionUnsupported, SafeTxReverted (the venue, USDC or
    the Safe's guard would refuse) and ChainUnavailable; nothing is stored then.
    """
    chosen = choose_delegate(network=network, safe=safe, wanted=delegate)
    calls = [InnerCall(composition.contract_addresses(network).trading, encode_set_delegate(chosen))]
    if allowance is not None:
        calls.append(_approve_call(network=network, allowance=allowance))
    probes = encode_probes(network=network, safe=safe)
    view = _read_and_try(network=network, safe=safe, calls=calls, probes=probes)
    refuse_foreign_claim(view=view, network=network, user_id=user_id, actor=actor)
    tx = _build(network=network, view=view, calls=calls)
    _settle_outdated(user_id=user_id, network=network, view=view, actor=actor)
    with transaction.atomic():
        wish = _wish(user_id=user_id, network=network, safe=safe, delegate=chosen)
        prepared = store_draft(delegation=wish, draft=Draft(Kind.APPROVE, tx, view, allowance), actor=actor)
        confirm_choice(network=network, safe=safe, delegate=chosen)
    return prepared


def prepare_allowance(
    *, user_id: str, network: Network, safe: Address, allowance: UsdcUnits, actor: str
) -> PreparedTransaction:
    """Build a USDC approval of `allowance` (x 1e6; 0 takes it back) for tradingStorage alone.

    It belongs to the user's live delegation of the Safe; without one, to a wish that has no approval yet, so that the
    two may be signed in any order. Refused as `prepare_approval` is.
    """
    delegation = delegation_for(user_id=user_id, network=network, safe=safe)
    is_live = delegation is not None and delegation.status in Delegation.LIVE
    chosen = delegation.delegate if delegation is not None and is_live else None
    if chosen is None:
        chosen = choose_delegate(network=network, safe=safe, wanted=None)
    calls = [_approve_call(network=network, allowance=allowance)]
    view = _read_and_try(network=network, safe=safe, calls=calls)
    refuse_foreign_claim(view=view, network=network, user_id=user_id, actor=actor)
    tx = _build(network=network, view=view, calls=calls)
    _settle_outdated(user_id=user_id, network=network, view=view, actor=actor)
    with transaction.atomic():
        wish = _wish(user_id=user_id, network=network, safe=safe, delegate=chosen)
        prepared = store_draft(delegation=wish, draft=Draft(Kind.ALLOWANCE, tx, view, allowance), actor=actor)
        confirm_choice(network=network, safe=safe, delegate=chosen)
    return prepared


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
    return _prepare_removal(delegation=delegation, actor=actor)


def request_revocation(*, delegation_id: UUID, actor: str, reason: str) -> PreparedTransaction:
    """The same for staff: `actor` wants the delegation gone, and owners are to sign what comes back.

    ValueError without a reason; else as `prepare_revocation`.
    """
    if not reason.strip():
        raise ValueError("a revocation names its reason")
    delegation = Delegation.objects.select_related("approval").get(pk=delegation_id)
    prepared = _prepare_removal(delegation=delegation, actor=actor)
    record_event(
        delegation=delegation,
        what="revocation_requested",
        actor=actor,
        evidence={"reason": reason, "safeTxHash": prepared.safe_transaction.safe_tx_hash},
        safe_transaction=prepared.safe_transaction,
    )
    return prepared


def _prepare_removal(*, delegation: Delegation, actor: str) -> PreparedTransaction:
    network, safe = Network(delegation.network), delegation.safe
    calls = [InnerCall(composition.contract_addresses(network).trading, encode_remove_delegate())]
    view = _read_and_try(network=network, safe=safe, calls=calls)
    if view.delegate != delegation.delegate:
        if apply_reading(delegation=delegation, delegate=view.delegate, block=view.block, actor=actor):
            raise errors.ChainUnavailable(details={"reason": "node_behind"})
        raise errors.DelegationNotActive(details={"reason": "not_set_on_chain"})
    tx = _build(network=network, view=view, calls=calls)
    _settle_outdated(user_id=delegation.user_id, network=network, view=view, actor=actor)
    with transaction.atomic():
        return store_draft(delegation=delegation, draft=Draft(Kind.REVOKE, tx, view), actor=actor)


def _approve_call(*, network: Network, allowance: UsdcUnits) -> InnerCall:
    if allowance > MAX_ALLOWANCE:
        limit, value = (units_string(units, USDC_DECIMALS) for units in (MAX_ALLOWANCE, allowance))
        raise errors.LimitExceeded(details={"limit": limit, "value": value})
    if allowance:
        require_current_storage(network=network)
    addresses = composition.contract_addresses(network)
    return InnerCall(addresses.usdc, encode_approve(addresses.trading_storage, allowance))


def _read_and_try(
    *, network: Network, safe: Address, calls: Sequence[InnerCall], probes: Sequence[Call] = ()
) -> SafeView:
    """Read the Safe and try each inner call in its name, so that a refusal is known before anybody signs."""
    tries = [Call(to=call.to, data=call.data, sender=safe) for call in calls]
    view = read_safe(network=network, safe=safe, extra=[*tries, *probes])
    refuse_contracts(view.extra)
    return replace(view, extra=view.extra[: len(tries)])


def _build(*, network: Network, view: SafeView, calls: Sequence[InnerCall]) -> SafeTransactionData:
    """The transaction for the Safe's next nonce, after everybody who could refuse it was asked."""
    release = require_supported(network=network, facts=view.facts, our_signers=signer_addresses(network))
    refuse_reverts(view.extra)
    tx = batch_calls(calls, multi_send=release.multi_send_call_only, nonce=view.facts.nonce)
    ask_guard(network=network, view=view, tx=tx)
    return tx


def _settle_outdated(*, user_id: str, network: Network, view: SafeView, actor: str) -> None:
    """End the user's prepared transactions whose nonce is spent; one of them may have been what spent it."""
    safe, nonce = view.facts.address, view.facts.nonce
    for row in outdated_transactions(user_id=user_id, network=network, safe=safe, nonce=nonce):
        settle_moved_nonce(safe_transaction=row, actor=actor)


def _wish(*, user_id: str, network: Network, safe: Address, delegate: Address) -> Delegation:
    """The user's live row for this delegate, made now if there is none; a suspended Safe's row begins suspended."""
    delegation, is_new = Delegation.objects.get_or_create(
        user_id=user_id,
        network=network,
        safe_address=safe,
        delegate_address=delegate,
        status__in=Delegation.LIVE,
        defaults={
            "status": Delegation.Status.PENDING,
            "trading_contract": composition.contract_addresses(network).trading,
        },
    )
    suspended = suspended_row(network=network, safe_address=safe) if is_new else None
    if suspended is not None:
        take_over_suspension(delegation=delegation, source=suspended)
        delegation.save()
    return delegation

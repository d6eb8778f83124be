"""Delegations as the API shows them."""

from collections.abc import Iterable
from typing import Any

from delegations.models import Delegation, DelegationEvent, SafeTransaction
from delegations.selectors import list_confirmations, list_events
from delegations.services import ChainState, Outcome, PreparedTransaction, Readiness, read_contracts
from delegations.stages import read_stage
from delegations.wording import describe_safe
from ostium_service.moments import format_time
from ostium_service.money import USDC_DECIMALS, units_string
from ostium_service.types import Network

ACTION_ITEMS = (
    ("SAFE_WALLET", "Safe wallet", "safeWallet"),
    ("DELEGATION", "Delegation", "delegation"),
    ("SAFE_USDC_BALANCE", "USDC in the Safe", "usdcBalance"),
    ("USDC_ALLOWANCE", "USDC allowance", "allowance"),
    ("DELEGATE_GAS", "Delegate gas", "delegateGas"),
)
"""The steps of the set-up page: id, label, and the check that says whether it is done."""


def describe_delegation(delegation: Delegation) -> dict[str, Any]:
    """The delegation row of the contract; `safeTxHash` and `safeTxData` belong to its approval."""
    network = Network(delegation.network)
    approval = delegation.approval
    stage = read_stage(delegation)
    return {
        "id": str(delegation.pk),
        "userId": delegation.user_id,
        "network": network.value,
        "chainId": network.chain_id,
        "safeAddress": delegation.safe_address,
        "delegateAddress": delegation.delegate_address,
        "tradingContract": delegation.trading_contract,
        "status": delegation.status,
        "stage": stage.name,
        "signatures": {"collected": stage.collected, "required": approval.threshold if approval else None},
        "suspended": delegation.suspended,
        "approvalTxHash": delegation.approval_tx_hash or None,
        "revokeTxHash": delegation.revoke_tx_hash or None,
        "safeTxHash": approval.safe_tx_hash if approval else None,
        "safeTxData": approval.safe_tx_data if approval else None,
        "lastError": delegation.last_error or None,
        "createdAt": format_time(delegation.created_at),
        "updatedAt": format_time(delegation.updated_at),
    }


def describe_prepared(prepared: PreparedTransaction) -> dict[str, Any]:
    """The row, and over it the transaction to sign."""
    row = prepared.safe_transaction
    return {**describe_delegation(row.delegation), **_describe_signing(prepared)}


def describe_outcome(outcome: Outcome) -> dict[str, Any]:
    """The row, with what is still missing, or with the call the client shall send."""
    return {**describe_delegation(outcome.safe_transaction.delegation), **_describe_progress(outcome)}


def describe_prepared_allowance(prepared: PreparedTransaction) -> dict[str, Any]:
    """The approval of USDC to sign."""
    return {**_describe_allowance(prepared.safe_transaction), **_describe_signing(prepared)}


def describe_allowance_outcome(outcome: Outcome) -> dict[str, Any]:
    """The approval with its transaction's hash, with what is missing, or with the call the client shall send."""
    row = outcome.safe_transaction
    tx_hash = row.outbound.tx_hash if row.outbound is not None else None
    described = {**_describe_allowance(row), "state": row.state, "txHash": tx_hash}
    return {**described, "transactionHash": tx_hash, **_describe_progress(outcome)}


def describe_readiness(readiness: Readiness) -> dict[str, Any]:
    """The checks by the contract's names, and what follows from them."""
    network = readiness.network
    contracts = read_contracts(network)
    checks = {
        name: {"ok": check.ok, "message": check.message, **check.extra} for name, check in readiness.checks.items()
    }
    return {
        "network": network.value,
        "chainId": network.chain_id,
        "safeAddress": readiness.safe,
        "delegateAddress": readiness.delegate,
        "contracts": {
            "usdc": contracts.usdc,
            "trading": contracts.trading,
            "tradingStorage": contracts.trading_storage,
        },
        "checks": checks,
        "readyForOpenPosition": readiness.ready_to_open,
        "readyForPositionManagement": readiness.ready_to_manage,
        "readyForClose": readiness.ready_to_close,
        "refreshedAt": format_time(readiness.refreshed_at),
    }


def describe_overview(readiness: Readiness) -> dict[str, Any]:
    """The delegation, the readiness, and the steps in the order a user takes them."""
    return {
        "network": readiness.network.value,
        "delegation": describe_delegation(readiness.delegation) if readiness.delegation else None,
        "readiness": describe_readiness(readiness),
        "actionItems": [
            {"id": item, "label": label, "done": readiness.checks[name].ok, "message": readiness.checks[name].message}
            for item, label, name in ACTION_ITEMS
        ],
        "refreshedAt": format_time(readiness.refreshed_at),
    }


def describe_on_chain(state: ChainState | None) -> dict[str, Any]:
    """What the chain said and when; all empty when there was no Safe to look at."""
    if state is None:
        return {"delegate": None, "matches": False, "checkedAt": None, "allowance": None}
    return {
        "delegate": state.delegate,
        "matches": state.matches,
        "checkedAt": format_time(state.checked_at),
        "allowance": units_string(state.allowance, USDC_DECIMALS),
    }


def describe_timeline(delegation: Delegation) -> list[dict[str, Any]]:
    """The newest events, oldest first. Who acted is told by kind alone: staff names stay inside."""
    return [_describe_event(event) for event in list_events(delegation=delegation)]


def _describe_event(event: DelegationEvent) -> dict[str, Any]:
    by, *_ = event.actor.split(" ")
    evidence = {name: value for name, value in event.evidence.items() if name not in {"reason", "suspendedBy"}}
    shown = event.evidence if by != "staff" else evidence
    return {"at": format_time(event.at), "what": event.what, "by": by, "evidence": shown}


def _describe_signing(prepared: PreparedTransaction) -> dict[str, Any]:
    row = prepared.safe_transaction
    return {
        "safeTxHash": row.safe_tx_hash,
        "safeTxData": row.safe_tx_data,
        "typedData": prepared.typed_data,
        "threshold": row.threshold,
        "owners": row.owners,
        "confirmations": _describe_confirmations((item.owner, item.kind) for item in list_confirmations(row)),
        "expiresAt": format_time(row.expires_at),
        "safe": describe_safe(prepared.facts),
    }


def _describe_progress(outcome: Outcome) -> dict[str, Any]:
    row = outcome.safe_transaction
    if outcome.missing:
        confirmations = _describe_confirmations((item.owner, item.kind.value) for item in outcome.confirmations)
        return {"confirmations": confirmations, "missing": outcome.missing}
    if outcome.call_data is None:
        return {}
    payload = {
        "chainId": Network(row.network).chain_id,
        "to": row.delegation.safe_address,
        "data": "0x" + outcome.call_data.hex(),
        "value": "0x0",
    }
    return {"submitOnClient": True, "payload": payload}


def _describe_allowance(row: SafeTransaction) -> dict[str, Any]:
    contracts = read_contracts(Network(row.network))
    return {
        "network": row.network,
        "safeAddress": row.delegation.safe_address,
        "safeTxHash": row.safe_tx_hash,
        "tokenAddress": contracts.usdc,
        "spenderAddress": contracts.trading_storage,
        "amount": units_string(row.allowance or 0, USDC_DECIMALS),
    }


def _describe_confirmations(found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"owner": owner, "kind": kind} for owner, kind in found]

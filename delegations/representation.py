"""Delegations as the API shows them."""

from typing import Any

from delegations.models import Delegation
from delegations.services import ChainState, Outcome, PreparedTransaction
from ostium_service.types import Network


def describe_delegation(delegation: Delegation) -> dict[str, Any]:
    """The delegation row of the contract; `safeTxHash` and `safeTxData` belong to its approval."""
    network = Network(delegation.network)
    approval = delegation.approval
    return {
        "id": str(delegation.pk),
        "userId": delegation.user_id,
        "network": network.value,
        "chainId": network.chain_id,
        "safeAddress": delegation.safe_address,
        "delegateAddress": delegation.delegate_address,
        "tradingContract": delegation.trading_contract,
        "status": delegation.status,
        "suspended": delegation.suspended,
        "approvalTxHash": delegation.approval_tx_hash or None,
        "revokeTxHash": delegation.revoke_tx_hash or None,
        "safeTxHash": approval.safe_tx_hash if approval else None,
        "safeTxData": approval.safe_tx_data if approval else None,
        "lastError": delegation.last_error or None,
        "createdAt": delegation.created_at.isoformat(),
        "updatedAt": delegation.updated_at.isoformat(),
    }


def describe_prepared(prepared: PreparedTransaction) -> dict[str, Any]:
    """The row, and over it the transaction to sign."""
    row = prepared.safe_transaction
    return {
        **describe_delegation(row.delegation),
        "safeTxHash": row.safe_tx_hash,
        "safeTxData": row.safe_tx_data,
        "typedData": prepared.typed_data,
        "threshold": row.threshold,
        "owners": row.owners,
        "confirmations": [],
    }


def describe_outcome(outcome: Outcome) -> dict[str, Any]:
    """The row, with what is still missing, or with the call the client shall send."""
    delegation = outcome.safe_transaction.delegation
    data = describe_delegation(delegation)
    if outcome.missing:
        confirmations = [{"owner": item.owner, "kind": item.kind.value} for item in outcome.confirmations]
        return {**data, "confirmations": confirmations, "missing": outcome.missing}
    if outcome.call_data is None:
        return data
    payload = {
        "chainId": data["chainId"],
        "to": delegation.safe_address,
        "data": "0x" + outcome.call_data.hex(),
        "value": "0x0",
    }
    return {**data, "submitOnClient": True, "payload": payload}


def describe_on_chain(state: ChainState | None) -> dict[str, Any]:
    """What the chain said and when; all empty when there was no Safe to look at."""
    if state is None:
        return {"delegate": None, "matches": False, "checkedAt": None}
    return {"delegate": state.delegate, "matches": state.matches, "checkedAt": state.checked_at.isoformat()}

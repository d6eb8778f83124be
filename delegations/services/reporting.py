"""A client says which transaction it sent; the chain says what that did."""

from delegations.models import Delegation, SafeTransaction
from delegations.selectors import delegation_for, reportable_transactions
from delegations.services.reconciling import reconcile
from delegations.services.settling import conclude, is_backed, read_run
from ostium_service.gateways.safe_reads import read_execution
from ostium_service.http import errors
from ostium_service.types import Address, Network, TxHash

ENDED = (SafeTransaction.State.EXECUTED, SafeTransaction.State.FAILED)


def report_submission(*, user_id: str, network: Network, safe: Address, tx_hash: TxHash, actor: str) -> Delegation:
    """Settle what the reported transaction ran, read the chain, and give the row as it is then.

    A transaction that is not mined yet changes nothing: the worker looks for it, and reporting again helps. Refused
    with DelegationNotFound; SafeTxReverted (it failed on chain); SafeTxNotFound: it ran nothing that was prepared for
    this user, or something nobody had shown an owner's signature for before (details: reason); and ChainUnavailable.
    """
    delegation = delegation_for(user_id=user_id, network=network, safe=safe)
    rows = reportable_transactions(user_id=user_id, network=network, safe=safe)
    if delegation is None or not rows:
        raise errors.DelegationNotFound
    seen = read_run(network=network, safe=safe, tx_hash=tx_hash)
    if seen is None:
        return delegation
    if not seen.receipt.succeeded:
        raise errors.SafeTxReverted(details={"reason": "tx_reverted", "txHash": tx_hash})
    logs = seen.receipt.logs
    ran = [row for row in rows if read_execution(safe=safe, safe_tx_hash=row.safe_tx_hash, logs=logs) is not None]
    if not ran:
        raise errors.SafeTxNotFound(details={"reason": "ran_nothing_prepared"})
    settled = [row for row in ran if row.state in ENDED or is_backed(row)]
    if not settled:
        raise errors.SafeTxNotFound(details={"reason": "no_signature_shown_before"})
    for row in settled:
        if row.state not in ENDED:
            conclude(safe_transaction=row, seen=seen, actor=actor)
    reconcile(delegation=Delegation.objects.get(pk=settled[0].delegation_id), actor=actor)
    return Delegation.objects.select_related("approval").get(pk=settled[0].delegation_id)

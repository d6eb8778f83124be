"""What may be asked of delegations."""

from delegations.services.executing import Outcome, Signed, execute_signed
from delegations.services.following import follow_safe_transaction, sweep_submissions
from delegations.services.preparing import PreparedTransaction, prepare_approval, prepare_revocation
from delegations.services.reconciling import ChainState, mark_replaced, reconcile, sync_delegations
from delegations.services.status import DelegationStatus, read_status

__all__ = [
    "ChainState",
    "DelegationStatus",
    "Outcome",
    "PreparedTransaction",
    "Signed",
    "execute_signed",
    "follow_safe_transaction",
    "mark_replaced",
    "prepare_approval",
    "prepare_revocation",
    "read_status",
    "reconcile",
    "sweep_submissions",
    "sync_delegations",
]

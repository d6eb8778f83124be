"""What may be asked of delegations."""

from delegations.services.collecting import gather_pending
from delegations.services.drafting import PreparedTransaction
from delegations.services.executing import Outcome, Signed, execute_signed
from delegations.services.following import follow_safe_transaction, sweep_submissions
from delegations.services.preparing import (
    prepare_allowance,
    prepare_approval,
    prepare_revocation,
    request_revocation,
)
from delegations.services.proposing import Proposal, ProposalRefused, has_safe_service, propose
from delegations.services.readiness import Check, Readiness, read_contracts, read_readiness
from delegations.services.reconciling import ChainState, check_on_chain, mark_replaced, reconcile
from delegations.services.reporting import report_submission
from delegations.services.retiring import Retirement, active_rows, prepare_move, require_successor, retire_delegate
from delegations.services.status import DelegationStatus, read_status
from delegations.services.suspending import (
    SecondPersonRequired,
    resume_delegation,
    suspend_delegation,
    suspend_delegations,
)
from delegations.services.watching import sync_delegations, watch_events
from ostium_service.gateways.safe_reads import SafeFacts

__all__ = [
    "ChainState",
    "Check",
    "DelegationStatus",
    "Outcome",
    "PreparedTransaction",
    "Proposal",
    "ProposalRefused",
    "Readiness",
    "Retirement",
    "SafeFacts",
    "SecondPersonRequired",
    "Signed",
    "active_rows",
    "check_on_chain",
    "execute_signed",
    "follow_safe_transaction",
    "gather_pending",
    "has_safe_service",
    "mark_replaced",
    "prepare_allowance",
    "prepare_approval",
    "prepare_move",
    "prepare_revocation",
    "propose",
    "read_contracts",
    "read_readiness",
    "read_status",
    "reconcile",
    "report_submission",
    "request_revocation",
    "require_successor",
    "resume_delegation",
    "retire_delegate",
    "suspend_delegation",
    "suspend_delegations",
    "sweep_submissions",
    "sync_delegations",
    "watch_events",
]

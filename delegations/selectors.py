"""Reading delegations."""

from datetime import datetime
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from delegations.models import Delegation, SafeTransaction
from ostium_service.http import errors
from ostium_service.types import Address, Network

Status = Delegation.Status


def tradable_delegation(*, network: Network, trader: Address) -> Delegation:
    """The delegation under which `trader` may be traded for now; DelegationNotActive or DelegationSuspended else.

    A friendly early answer: what holds is the grant that the signing transaction reads.
    """
    row = Delegation.objects.filter(network=network, safe_address=trader, status=Status.ACTIVE).first()
    if row is None:
        raise errors.DelegationNotActive
    if row.suspended:
        raise errors.DelegationSuspended
    return row


def delegation_for(
    *, user_id: str, network: Network, safe: Address | None = None, delegate: Address | None = None
) -> Delegation | None:
    """The user's delegation that matters most: an ACTIVE one, else a PENDING one, else the newest."""
    rows = Delegation.objects.filter(user_id=user_id, network=network)
    if safe is not None:
        rows = rows.filter(safe_address=safe)
    if delegate is not None:
        rows = rows.filter(delegate_address=delegate)
    return _by_importance(rows).select_related("approval").first()


def safe_transaction_for(
    *, user_id: str, network: Network, safe: Address, kind: str, safe_tx_hash: str | None
) -> SafeTransaction | None:
    """The user's prepared transaction by its hash, else the one of its kind that was touched last."""
    rows = SafeTransaction.objects.filter(
        delegation__user_id=user_id, network=network, delegation__safe_address=safe, kind=kind
    )
    if safe_tx_hash is not None:
        rows = rows.filter(safe_tx_hash=safe_tx_hash)
    return rows.select_related("delegation", "outbound__signer").order_by("-updated_at").first()


def get_safe_transaction(safe_transaction_id: UUID) -> SafeTransaction:
    """The row as it is now, with its delegation and what was sent for it."""
    rows = SafeTransaction.objects.select_related("delegation__approval", "outbound__signer")
    return rows.get(pk=safe_transaction_id)


def claim_of_another(*, network: Network, safe: Address, user_id: str) -> Delegation | None:
    """Another user's ACTIVE delegation of the Safe."""
    rows = Delegation.objects.filter(network=network, safe_address=safe, status=Status.ACTIVE)
    return rows.exclude(user_id=user_id).first()


def last_delegate(*, network: Network, safe: Address) -> Address | None:
    """The delegate of the Safe's most important row, whoever asked for it."""
    row = _by_importance(Delegation.objects.filter(network=network, safe_address=safe)).first()
    return row.delegate if row is not None else None


def delegate_loads(*, network: Network) -> dict[str, int]:
    """How many live delegations each delegate has; a delegate without any is not listed."""
    rows = Delegation.objects.filter(network=network, status__in=Delegation.LIVE)
    return dict(rows.values_list("delegate_address").annotate(Count("id")).order_by())


def active_delegations() -> QuerySet[Delegation]:
    """Every ACTIVE row, in a stable order."""
    return Delegation.objects.filter(status=Status.ACTIVE).order_by("id")


def open_submissions(*, delegation: Delegation) -> list[UUID]:
    """The delegation's transactions that are on their way to the chain, as far as is known."""
    rows = delegation.safe_transactions.filter(state=SafeTransaction.State.SUBMITTED)
    return list(rows.order_by("created_at").values_list("id", flat=True))


def watched_submissions(*, client_since: datetime, relay_before: datetime) -> list[UUID]:
    """Transactions somebody must look after: client ones handed out since, relayed ones without progress since."""
    client = _submitted_by(SafeTransaction.Submitter.CLIENT) & Q(updated_at__gte=client_since)
    relayed = _submitted_by(SafeTransaction.Submitter.RELAY) & Q(updated_at__lt=relay_before)
    return list(SafeTransaction.objects.filter(client | relayed).order_by("updated_at").values_list("id", flat=True))


def _submitted_by(submitter: str) -> Q:
    return Q(state=SafeTransaction.State.SUBMITTED, submitted_by=submitter)


def _by_importance(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    rank = Case(
        When(status=Status.ACTIVE, then=Value(0)),
        When(status=Status.PENDING, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.annotate(importance=rank).order_by("importance", "-created_at")

"""Reading delegations."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Now

from delegations.models import Confirmation, Delegation, DelegationEvent, SafeTransaction
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import OutboundTransaction

Status = Delegation.Status

DOUBT = "contradicted_on_chain"
"""`lastError` of an ACTIVE row that nobody trades for until the chain was read again."""

CLIENT_PATIENCE = timedelta(days=1)
"""How long a transaction that was handed back is looked for; later only when somebody asks, or by the venue's event."""


def tradable_delegation(*, network: Network, trader: Address) -> Delegation:
    """The delegation under which `trader` may be traded for now; DelegationNotActive or DelegationSuspended else.

    A friendly early answer: what holds is the grant that the signing transaction reads.
    """
    row = Delegation.objects.filter(network=network, safe_address=trader, status=Status.ACTIVE).first()
    if row is None:
        raise errors.DelegationNotActive
    if row.doubted_block is not None:
        raise errors.DelegationNotActive(details={"reason": DOUBT})
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


def outdated_transactions(*, user_id: str, network: Network, safe: Address, nonce: int) -> list[SafeTransaction]:
    """The user's prepared transactions under nonces before `nonce`, the newest few."""
    rows = SafeTransaction.objects.filter(
        delegation__user_id=user_id, network=network, delegation__safe_address=safe, nonce__lt=nonce
    ).filter(state=SafeTransaction.State.PREPARED)
    return list(rows.select_related("delegation").order_by("-created_at")[:5])


def reportable_transactions(*, user_id: str, network: Network, safe: Address) -> list[SafeTransaction]:
    """The user's newest transactions of the Safe, ended ones included."""
    rows = SafeTransaction.objects.filter(delegation__user_id=user_id, network=network, delegation__safe_address=safe)
    return list(rows.select_related("delegation").order_by("-created_at")[:50])


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


def delegates_of_other_safes(*, network: Network, safe: Address) -> frozenset[Address]:
    """Delegates that a live delegation of another Safe names."""
    rows = Delegation.objects.filter(network=network, status__in=Delegation.LIVE).exclude(safe_address=safe)
    return frozenset(Address(address) for address in rows.values_list("delegate_address", flat=True).distinct())


def live_delegations() -> QuerySet[Delegation]:
    """What the watcher compares: every ACTIVE row, and the PENDING ones that something may still make ACTIVE."""
    states = [SafeTransaction.State.PREPARED, SafeTransaction.State.SUBMITTED]
    open_ones = SafeTransaction.objects.filter(delegation=OuterRef("pk"), state__in=states)
    return Delegation.objects.filter(Q(status=Status.ACTIVE) | Q(Exists(open_ones), status=Status.PENDING)).order_by(
        "id"
    )


def rows_of_safes(*, network: Network, safes: Sequence[Address]) -> QuerySet[Delegation]:
    """Every row of the Safes, ended ones included."""
    return Delegation.objects.filter(network=network, safe_address__in=safes).order_by("id")


def doubted_delegations(*, network: Network, limit: int) -> list[Delegation]:
    """ACTIVE rows that the chain contradicted once and that were not read again since, the longest waiting first."""
    rows = Delegation.objects.filter(network=network, status=Status.ACTIVE, doubted_block__isnull=False)
    return list(rows.order_by("checked_at")[:limit])


_IS_SET = Q(chain_delegate=F("delegate_address"))
DRIFTING = Q(checked_at__isnull=False) & (Q(~_IS_SET, status=Status.ACTIVE) | (_IS_SET & ~Q(status=Status.ACTIVE)))
"""A row whose status the chain contradicted when it was read last.

ACTIVE without being the venue's delegate (until the next read ends it), or the venue's delegate without being ACTIVE:
set from outside, or still standing although it was given up.
"""


def drifting(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    """Those that the chain contradicts."""
    return rows.filter(DRIFTING)


def is_contradicted(row: Delegation) -> bool:
    """What `drifting` selects, for a row that was read already."""
    is_set = row.chain_delegate == row.delegate_address
    return row.checked_at is not None and is_set != (row.status == Status.ACTIVE)


def unfinished_of_safe(*, network: Network, safe: Address) -> list[SafeTransaction]:
    """The Safe's transactions that are prepared or on their way, whoever prepared them."""
    states = [SafeTransaction.State.PREPARED, SafeTransaction.State.SUBMITTED]
    rows = SafeTransaction.objects.filter(network=network, delegation__safe_address=safe, state__in=states)
    return list(rows.select_related("delegation").order_by("created_at"))


def awaiting_signatures(*, network: Network) -> QuerySet[SafeTransaction]:
    """Prepared transactions that an owner has signed and that still have time, the one that changed last first."""
    rows = SafeTransaction.objects.filter(
        Exists(Confirmation.objects.filter(safe_transaction=OuterRef("pk"))),
        network=network,
        state=SafeTransaction.State.PREPARED,
        expires_at__gt=Now(),
    )
    return rows.select_related("delegation").order_by("-updated_at")


def count_handed_out(*, network: Network, delegate: Address) -> int:
    """Approvals naming the delegate that are on their way or in a client's hands, and whose time is not over."""
    rows = SafeTransaction.objects.filter(
        network=network,
        delegation__delegate_address=delegate,
        kind=SafeTransaction.Kind.APPROVE,
        state=SafeTransaction.State.SUBMITTED,
        expires_at__gt=Now(),
    )
    return rows.count()


def vanished_submissions(*, limit: int) -> list[UUID]:
    """Ended transactions whose relayed block the chain has forgotten since."""
    states, sent = SafeTransaction.State, OutboundTransaction.State
    rows = SafeTransaction.objects.filter(
        state__in=[states.EXECUTED, states.FAILED],
        outbound__vanished__gt=0,
        outbound__state__in=[sent.SENT, sent.UNKNOWN],
    )
    return list(rows.order_by("updated_at").values_list("id", flat=True)[:limit])


def list_events(*, delegation: Delegation, limit: int = 50) -> list[DelegationEvent]:
    """The newest events of the row, oldest of them first."""
    return list(delegation.events.order_by("-id")[:limit])[::-1]


def list_confirmations(row: SafeTransaction) -> list[Confirmation]:
    """Owners' signatures collected so far, in the order they came."""
    return list(row.confirmations.order_by("id"))


def safes_of(*, user_id: str, network: Network) -> list[str]:
    """Every Safe that the user has a delegation of, whatever became of it."""
    rows = Delegation.objects.filter(user_id=user_id, network=network)
    return list(rows.order_by().values_list("safe_address", flat=True).distinct())


def open_submissions(*, delegation: Delegation) -> list[UUID]:
    """The delegation's transactions that are on their way to the chain, as far as is known."""
    rows = delegation.safe_transactions.filter(state=SafeTransaction.State.SUBMITTED)
    return list(rows.order_by("created_at").values_list("id", flat=True))


def watched_submissions(*, now: datetime, relay_before: datetime, limit: int) -> list[SafeTransaction]:
    """Transactions somebody must look after, the one that was looked at longest ago first.

    Relayed ones without progress since `relay_before`, and handed-back ones, each ever less often: always in the first
    ten minutes, then every minute, after an hour every ten minutes, after a day no more.
    """
    fresh, young = now - timedelta(minutes=10), now - timedelta(hours=1)
    is_due = Q(updated_at__gte=fresh)
    is_due |= Q(updated_at__gte=young) & _unseen_since(now - timedelta(minutes=1))
    is_due |= Q(updated_at__gte=now - CLIENT_PATIENCE) & _unseen_since(now - timedelta(minutes=10))
    submitter = SafeTransaction.Submitter
    client, relayed = Q(is_due, submitted_by=submitter.CLIENT), Q(submitted_by=submitter.RELAY)
    rows = SafeTransaction.objects.filter(client | (relayed & Q(updated_at__lt=relay_before)), state="submitted")
    return list(rows.select_related("delegation").order_by(F("looked_at").asc(nulls_first=True), "updated_at")[:limit])


def _unseen_since(moment: datetime) -> Q:
    return Q(looked_at__isnull=True) | Q(looked_at__lt=moment)


def _by_importance(rows: QuerySet[Delegation]) -> QuerySet[Delegation]:
    rank = Case(
        When(status=Status.ACTIVE, then=Value(0)),
        When(status=Status.PENDING, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.annotate(importance=rank).order_by("importance", "-created_at")

"""What the staff pages keep of their own: readings of the chain, permissions of the actions, and the audit trail."""

from typing import Any

import pghistory
from django.contrib.auth.models import Group, User
from django.db import models

from delegations.models import Delegation, SafeTransaction
from ostium_service.types import Network
from positions.models import PerpsExecution
from relay.models import Signer
from safeguards.models import Grant

NETWORKS = [(network.value, network.value) for network in Network]


class GasReading(models.Model):
    """What a signer had for gas when the worker looked last."""

    signer = models.OneToOneField(Signer, on_delete=models.CASCADE, related_name="+", primary_key=True)
    wei = models.DecimalField(max_digits=78, decimal_places=0, help_text="Wei.")
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.signer_id} {self.wei} wei"


class PositionReading(models.Model):
    """The open positions of a trader when the worker, or a person's check, looked last."""

    network = models.CharField(max_length=10, choices=NETWORKS)
    trader = models.CharField(max_length=42)
    positions = models.JSONField(help_text="As the API lists them.")
    collateral = models.DecimalField(max_digits=30, decimal_places=6, help_text="USDC, all positions together.")
    notional = models.DecimalField(max_digits=30, decimal_places=6, help_text="USDC, all positions together.")
    block = models.BigIntegerField()
    read_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "trader"], name="one_position_reading_per_trader")]

    def __str__(self) -> str:
        return f"{self.network} {self.trader} {self.collateral} USDC"


class StaffAction(models.Model):
    """No table: it only carries the permissions of the actions, which are given to groups."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("suspend_delegation", "Suspend a delegation"),
            ("resume_delegation", "Resume a delegation that somebody else suspended"),
            ("check_delegation", "Check a delegation on chain"),
            ("prepare_revocation", "Prepare the revocation of a delegation"),
            ("retire_delegate", "Begin the retirement of a delegate"),
            ("export_rows", "Export rows as CSV"),
        ]

    def __str__(self) -> str:
        return "staff action"


# --- the audit trail: database triggers, so that bulk updates and plain SQL are seen as well ------------------------
# The proxies carry the triggers, so the apps below need not know of the trail. Event tables refuse UPDATE and DELETE.


def _track(name: str, *, obj_field: Any = pghistory.constants.DEFAULT, **options: Any) -> Any:
    field = pghistory.ObjForeignKey(related_name="+") if obj_field is pghistory.constants.DEFAULT else obj_field
    return pghistory.track(
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(),
        pghistory.DeleteEvent(),
        model_name=name,
        obj_field=field,
        append_only=True,
        **options,
    )


@_track(
    "DelegationChange",
    fields=[
        *("id", "user_id", "network", "safe_address", "delegate_address", "trading_contract", "status"),
        *("suspended", "suspended_by", "suspend_reason", "approval_tx_hash", "revoke_tx_hash", "last_error"),
    ],
)
class TrackedDelegation(Delegation):
    """Without the chain readings, which change every minute."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track(
    "SafeTransactionChange",
    fields=["id", "network", "kind", "safe_tx_hash", "safe_tx_data", "nonce", "state", "submitted_by", "last_error"],
)
class TrackedSafeTransaction(SafeTransaction):
    """What may be executed under a Safe's signatures."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("SignerChange", fields=["id", "network", "address", "purpose", "state", "halted_reason"])
class TrackedSigner(Signer):
    """Without the nonce, which every transaction takes from it."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("GrantChange", fields=["id", "network", "trader", "delegate", "state", "suspended"])
class TrackedGrant(Grant):
    """What the signing gate reads."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track(
    "ExecutionChange",
    fields=[
        *("id", "operation", "network", "trader_address", "delegate_address", "idempotency_key", "state"),
        *("tx_hash", "order_id", "trade_id", "error_code", "reason"),
    ],
)
class TrackedExecution(PerpsExecution):
    """Trading writes."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("PersonChange", fields=["id", "username", "is_active", "is_staff", "is_superuser"])
class TrackedUser(User):
    """Who may come in. Password hashes stay out of the trail."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("GroupChange", fields=["id", "name"])
class TrackedGroup(Group):
    """Groups by name."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("MembershipChange", obj_field=None)
class TrackedMembership(User.groups.through):  # type: ignore[name-defined,misc]
    """Who was put into which group, and taken out."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("PersonPermissionChange", obj_field=None)
class TrackedUserPermission(User.user_permissions.through):  # type: ignore[name-defined,misc]
    """Permissions given to a person past the groups."""

    class Meta:
        proxy = True
        default_permissions = ()


@_track("GroupPermissionChange", obj_field=None)
class TrackedGroupPermission(Group.permissions.through):  # type: ignore[name-defined,misc]
    """What a group may do."""

    class Meta:
        proxy = True
        default_permissions = ()

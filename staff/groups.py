"""The three groups staff is put into, and what each may do."""

from collections.abc import Mapping
from typing import Any, Final

VIEWS: Final = (
    *("delegations.delegation", "delegations.safetransaction", "delegations.delegationevent"),
    *("positions.perpsexecution", "positions.executionevent", "relay.signer", "relay.outboundtransaction"),
    *("safeguards.grant", "staff.delegationchange", "staff.safetransactionchange", "staff.grantchange"),
    *("staff.signerchange", "staff.executionchange"),
)
INLINES: Final = ("relay.signerevent", "relay.transactionattempt", "relay.transactionevent")

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Viewer": (),
    "Operator": ("suspend_delegation", "check_delegation", "prepare_revocation", "export_rows"),
    "Approver": ("suspend_delegation", "resume_delegation", "check_delegation", "retire_delegate", "export_rows"),
}


def write_groups(registry: Any) -> None:
    """Make the groups and give them their permissions; `registry` is Django's app registry, or a migration's.

    Permissions are normally made after all migrations, so those that are missing are made here. Permissions that an
    installation added to a group stay.
    """
    for group_name, actions in ACTIONS.items():
        group, _ = registry.get_model("auth", "Group").objects.get_or_create(name=group_name)
        wanted = [_view(registry, label) for label in (*VIEWS, *INLINES)]
        wanted += [_permission(registry, "staff", "staffaction", name) for name in actions]
        group.permissions.add(*wanted)


def _view(registry: Any, label: str) -> Any:
    app, model = label.split(".")
    return _permission(registry, app, model, f"view_{model}")


def _permission(registry: Any, app: str, model: str, codename: str) -> Any:
    kinds = registry.get_model("contenttypes", "ContentType").objects
    kind, _ = kinds.get_or_create(app_label=app, model=model)
    permissions = registry.get_model("auth", "Permission").objects
    title = codename.replace("_", " ").capitalize()
    found, _ = permissions.get_or_create(content_type=kind, codename=codename, defaults={"name": title})
    return found

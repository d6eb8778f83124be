"""What a person may do with a delegation. Each action asks for a reason and calls one service function."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from delegations import services
from delegations.models import Delegation
from delegations.services.events import record_event
from ostium_service.http.errors import ServiceError
from ostium_service.types import Address, Network
from staff.identity import NotConfirmed, require_known_before_suspension
from staff.services import read_positions


class Refused(Exception):
    """The service refused; the text is for the person who asked."""


@dataclass(frozen=True, slots=True)
class Done:
    """What happened, in words, and what the owners need when they are to sign something."""

    message: str
    prepared: services.PreparedTransaction | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A button, its confirmation page and what it does. `run` takes the row, the person's name and the reason."""

    name: str
    title: str
    permission: str
    explanation: str
    run: Callable[[Delegation, str, str], Done]
    applies: Callable[[Delegation], bool] = field(default=lambda _row: True)
    is_dangerous: bool = False
    is_bound: bool = False
    """Whether it decides about what the person saw: refused when that has changed meanwhile."""


def name_actor(username: str) -> str:
    """The one spelling of a person in events; the second-person rule compares it."""
    return f"staff {username}"


def perform(*, action: Action, delegation: Delegation, username: str, reason: str) -> Done:
    """Run the action for the person. Refused, with words, when the service or the chain says no."""
    try:
        return action.run(delegation, username, reason)
    except services.SecondPersonRequired as error:
        raise Refused("You suspended it yourself: a second person has to resume it.") from error
    except NotConfirmed as error:
        raise Refused(f"Refused: {error}.") from error
    except ServiceError as error:
        raise Refused(f"{error.message} ({error.code})") from error


def fingerprint(row: Delegation) -> str:
    """What a decision about the row rests on: its status, its delegate, and who suspended it, when and why."""
    seen = (row.status, row.delegate_address, row.suspended, row.suspended_by, row.suspended_at, row.suspend_reason)
    return sha256(repr(seen).encode()).hexdigest()


def available(delegation: Delegation, has_perm: Callable[[str], bool]) -> list[Action]:
    """The actions that make sense for the row and that the person may take."""
    return [action for action in ACTIONS.values() if action.applies(delegation) and has_perm(action.permission)]


def _suspend(row: Delegation, username: str, reason: str) -> Done:
    services.suspend_delegation(delegation_id=row.pk, actor=name_actor(username), reason=reason)
    return Done("Suspended. From now on no process signs for this Safe.")


def _resume(row: Delegation, username: str, reason: str) -> Done:
    require_known_before_suspension(username=username, delegation=row)
    services.resume_delegation(delegation_id=row.pk, actor=name_actor(username), reason=reason)
    return Done("Resumed. The service may sign for this Safe again.")


def _check(row: Delegation, username: str, reason: str) -> Done:
    record_event(delegation=row, what="check_requested", actor=name_actor(username), evidence={"reason": reason})
    state = services.check_on_chain(delegation_id=row.pk, actor=name_actor(username))
    read_positions(network=Network(row.network), traders=[Address(row.safe_address)])
    if state.matches:
        return Done(f"Read from the chain: {state.delegate} is the delegate, as the row says.")
    return Done(f"Read from the chain: the delegate is {state.delegate or 'nobody'}, not the row's.")


def _revoke(row: Delegation, username: str, reason: str) -> Done:
    prepared = services.request_revocation(delegation_id=row.pk, actor=name_actor(username), reason=reason)
    return Done("Prepared. Nothing has changed yet: the owners have to sign it.", prepared)


def _is_live(row: Delegation) -> bool:
    return row.status in Delegation.LIVE


def get_delegation(delegation_id: UUID) -> Delegation | None:
    """The row with its approval."""
    return Delegation.objects.select_related("approval").filter(pk=delegation_id).first()


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            name="suspend",
            title="Suspend",
            permission="staff.suspend_delegation",
            explanation="Stops every signature for this Safe at once, in every process, closing trades included. "
            "Open positions stay open. Only a second person can resume it.",
            run=_suspend,
            applies=lambda row: _is_live(row) and not row.suspended,
            is_dangerous=True,
        ),
        Action(
            name="resume",
            title="Resume",
            permission="staff.resume_delegation",
            explanation="Lets the service sign for this Safe again. You cannot be the one who suspended it, "
            "and your account has to be older than the suspension.",
            run=_resume,
            applies=lambda row: row.suspended,
            is_bound=True,
        ),
        Action(
            name="check",
            title="Check on chain",
            permission="staff.check_delegation",
            explanation="Reads the delegate, the allowance and the open positions from the chain now, "
            "and corrects the row if the chain contradicts it.",
            run=_check,
        ),
        Action(
            name="revoke",
            title="Prepare revocation",
            permission="staff.prepare_revocation",
            explanation="Builds the Safe transaction that removes our delegate, for the owners to sign. "
            "It changes nothing by itself; suspend the delegation to stop trading now.",
            run=_revoke,
            applies=lambda row: row.status == Delegation.Status.ACTIVE,
            is_dangerous=True,
            is_bound=True,
        ),
    )
}


def describe_prepared(prepared: services.PreparedTransaction) -> dict[str, Any]:
    """What the owners sign, as the page shows it."""
    row = prepared.safe_transaction
    return {"row": row, "data": row.safe_tx_data, "typed_data": prepared.typed_data}

"""Points at which a process of the service kills itself, as a power cut would.

A test writes `<role>:<point>` lines into the file that KILL_FILE names; the process of that role (KILL_ROLE) that
reaches the point first takes the line out and dies. Nothing tidies up in it.
"""

import importlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Wrapped = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A function, by the name under which its caller finds it. `to`: only for moves to that state."""

    module: str
    name: str
    is_before: bool
    to: str = ""


def before(module: str, name: str, to: str = "") -> Target:
    return Target(module, name, True, to)


def after(module: str, name: str) -> Target:
    return Target(module, name, False)


POINTS: Mapping[str, Sequence[Target]] = {
    "idempotency_row": (
        after("positions.services.pipeline", "claim_execution"),
        after("delegations.services.executing", "_find"),
    ),
    "admission": (
        after("positions.services.pipeline", "tradable_delegation"),
        after("delegations.services.executing", "confirm_owners"),
    ),
    "nonce_taken": (after("relay.services.signing", "_store"),),
    "bytes_stored": (before("relay.services.sending", "_put"),),
    "broadcast_sent": (after("relay.services.sending", "_put"),),
    "broadcast_answered": (after("relay.services.sending", "_record"),),
    "receipt_seen": (before("relay.services.following", "_decide"),),
    "receipt_stored": (after("relay.services.following", "_decide"),),
    "settlement_seen": (
        before("positions.services.following", "move_execution", to="SETTLED"),
        before("delegations.services.settling", "finish_executed"),
    ),
    "answer_stored": (
        before("positions.services.pipeline", "describe_outcome"),
        after("delegations.services.executing", "follow_until"),
    ),
    "sweep": (before("positions.tasks", "sweep"),),
}


def arm() -> None:
    """Wrap every target of every point; a name that is gone fails here, not silently later."""
    for point, targets in POINTS.items():
        for target in targets:
            module = importlib.import_module(target.module)
            setattr(module, target.name, _wrap(point, target, getattr(module, target.name)))


def _wrap(point: str, target: Target, original: Wrapped) -> Wrapped:
    def replacement(*arguments: Any, **named: Any) -> Any:
        applies = not target.to or named.get("to") == target.to
        if target.is_before and applies:
            _die_if_told(point)
        result = original(*arguments, **named)
        if not target.is_before and applies:
            _die_if_told(point)
        return result

    return replacement


def _die_if_told(point: str) -> None:
    orders = Path(os.environ["KILL_FILE"])
    own = f"{os.environ['KILL_ROLE']}:{point}"
    lines = orders.read_text().split()
    if own in lines:
        orders.write_text("\n".join(line for line in lines if line != own))
        os.kill(os.getpid(), signal.SIGKILL)

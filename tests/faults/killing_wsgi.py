"""The service's WSGI application in a process that kills itself at a named point, as a power cut would.

Served by gunicorn in place of `ostium_service.wsgi`; the environment variable KILL_AT names the point. The whole
process group dies, gunicorn's arbiter included, so nothing tidies up and nothing restarts it.
"""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from ostium_service.wsgi import application

__all__ = ["application"]


def die() -> NoReturn:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    raise AssertionError("unreachable")


def dying_before(_original: Callable[..., Any]) -> Callable[..., Any]:
    def replacement(*_arguments: Any, **_named: Any) -> Any:
        die()

    return replacement


def dying_after(original: Callable[..., Any]) -> Callable[..., Any]:
    def replacement(*arguments: Any, **named: Any) -> Any:
        original(*arguments, **named)
        die()

    return replacement


def _arm(point: str) -> None:
    from ostium_service.gateways.arbitrum import Arbitrum
    from relay.services import following

    target: Any
    target, name, wrap = {
        "claimed": (Arbitrum, "simulate", dying_before),
        "stored": (Arbitrum, "send_raw", dying_before),
        "sent": (Arbitrum, "send_raw", dying_after),
        "receipt_seen": (following, "_decide", dying_before),
        "receipt_stored": (following, "_decide", dying_after),
    }[point]
    setattr(target, name, wrap(getattr(target, name)))


if os.environ.get("KILL_AT"):
    _arm(os.environ["KILL_AT"])

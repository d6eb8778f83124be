"""How often a peer may be refused for its signature before it is told to wait.

Only refusals are counted, and only refusals are answered with RATE_LIMITED: a request that is signed as it must be
passes whatever others behind the same address do, and pays nothing for the count. The count lives in Django's cache,
so with the default one it is per process. A cache that does not answer never refuses anybody (the signature still
does).
"""

import time
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import cache

from ostium_service.observability.metrics import count_security_event

logger = structlog.get_logger(__name__)

WINDOW_SECONDS: Final = 60


def count_refusal(*, peer: str) -> int | None:
    """Count one refused signature of the peer; the seconds it has to wait once it is over its limit, else None.

    The limit is HMAC_REFUSALS_PER_MINUTE, over whole minutes of the clock; 0 switches it off.
    """
    allowed: int = settings.HMAC_REFUSALS_PER_MINUTE
    if not allowed:
        return None
    now = int(time.time())
    refusals = _increase(f"refused-signatures.{peer or 'local'}.{now // WINDOW_SECONDS}")
    if refusals <= allowed:
        return None
    if refusals == allowed + 1:
        logger.warning("peer_rate_limited", peer=peer, refusals_per_minute=allowed)
    count_security_event("rate_limited")
    return WINDOW_SECONDS - now % WINDOW_SECONDS


def _increase(key: str) -> int:
    """The new count; 0 when the cache does not answer or has just forgotten the key."""
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return int(cache.incr(key))
    except Exception as error:  # noqa: BLE001  whatever cache is configured, its trouble is not the caller's
        logger.warning("refusals_not_counted", error_type=type(error).__name__)
        return 0

"""The AppRole's secret id of this process: as configured, or unwrapped once and then kept in memory alone."""

import threading

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.vault_tokens import VaultLogin
from ostium_service.gateways.vault_wrapping import unwrap_secret_id
from ostium_service.observability.metrics import count_security_event
from ostium_service.observability.redaction import learn_secrets

logger = structlog.get_logger(__name__)

_lock = threading.Lock()
_unwrapped: dict[str, str] = {}
"""By wrapping token. Filled before gunicorn forks, so that its processes share what can be had once only."""


def read_secret_id(location: VaultLogin) -> str:
    """The secret id. With VAULT_WRAPPED_SECRET_ID the first call unwraps it at the Vault of `location`.

    ImproperlyConfigured when it cannot be unwrapped: nothing else is tried, since a wrapping token that somebody else
    has used means that the secret id is known to somebody else. Counted and logged as a security event.
    """
    wrapping_token: str = settings.VAULT_WRAPPED_SECRET_ID
    if not wrapping_token:
        configured: str = settings.VAULT_SECRET_ID
        return configured
    with _lock:
        if wrapping_token not in _unwrapped:
            _unwrapped[wrapping_token] = _unwrap(location, wrapping_token)
        return _unwrapped[wrapping_token]


def _unwrap(location: VaultLogin, wrapping_token: str) -> str:
    try:
        secret_id = unwrap_secret_id(location, wrapping_token=wrapping_token)
    except GatewayError as failure:
        count_security_event("vault_unwrap_refused")
        logger.critical("vault_unwrap_refused", reason=failure.token)
        raise ImproperlyConfigured(
            f"ostium.E043: VAULT_WRAPPED_SECRET_ID cannot be unwrapped: {failure.token}. If somebody else has used it, "
            "destroy that secret id in Vault; then start again with a new wrapping token."
        ) from None
    learn_secrets([secret_id])
    return secret_id

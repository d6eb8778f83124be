"""Whether our own Vault token may do more than read a key it knows the address of."""

from typing import Final

import structlog
from django.conf import settings

from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.observability.metrics import count_security_event

logger = structlog.get_logger(__name__)

_ALLOWED: Final = {"data": frozenset({"read"})}
_NOTHING: Final = frozenset({"deny"})
_SOME_ADDRESS: Final = "0x" + "0" * 39 + "1"


def find_wide_paths() -> dict[str, list[str]]:
    """By path of Vault's API, what the service's token may do there beyond its need. Empty when all is well.

    Raises GatewayError when Vault does not say.
    """
    vault = composition.vault()
    allowed: dict[str, frozenset[str]] = {}
    for network in settings.OSTIUM_NETWORKS:
        for what, folder in vault.key_paths(network).items():
            allowed[f"{folder}/{_SOME_ADDRESS}"] = _ALLOWED.get(what, frozenset())
            # Listing is asked of the folder itself.
            allowed[f"{folder}/"] = _ALLOWED.get(what, frozenset())
    found = vault.capabilities(sorted(allowed))
    return {
        path: sorted(can - allowed[path] - _NOTHING) for path, can in found.items() if can - allowed[path] - _NOTHING
    }


def warn_of_wide_policy() -> None:
    """Log and count a policy that is too wide, once at the start of a web or worker process.

    The service starts all the same: what it signs is safe with too wide a token, only a thief of it gains more.
    """
    try:
        wide = find_wide_paths()
    except GatewayError as error:
        logger.warning("vault_policy_not_examined", reason=error.token)
        return
    if wide:
        count_security_event("vault_policy_too_wide")
        logger.error("vault_policy_too_wide", paths=wide)

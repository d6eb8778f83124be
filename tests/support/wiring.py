"""Pointing the service's settings at the real things that the fixtures started."""

from pytest_django import Settings

from ostium_service import composition
from ostium_service.types import Network
from sandbox.openbao import VaultAccess

TEST_SECRET = "a-test-secret-of-32-characters!!"


def point_service(
    settings: Settings,
    *,
    rpc_url: str,
    vault: VaultAccess | None = None,
    subgraph_url: str = "",
    prices_url: str = "",
    safe_service_url: str = "",
) -> None:
    """Use these endpoints for testnet, the only enabled network, and forget clients of earlier ones."""
    settings.OSTIUM_NETWORKS = [Network.TESTNET]
    settings.HMAC_SECRET = TEST_SECRET
    settings.OSTIUM_ENDPOINTS = {
        network: dict.fromkeys(endpoints, "")
        | {"RPC_URL": rpc_url, "SUBGRAPH_URL": subgraph_url, "PRICES_URL": prices_url}
        | {"SAFE_SERVICE_URL": safe_service_url, "SAFE_SERVICE_API_KEY": "eyJ-a-test-key" if safe_service_url else ""}
        for network, endpoints in settings.OSTIUM_ENDPOINTS.items()
    }
    if vault is not None:
        settings.VAULT_ADDR = vault.addr
        settings.VAULT_TOKEN = ""
        settings.VAULT_ROLE_ID = vault.role_id
        settings.VAULT_SECRET_ID = vault.secret_id
    composition.reset()

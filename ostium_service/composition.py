"""The one place where settings become gateways. Each is built at first use and shared by the process.

Nothing is read from the environment below this module; tests swap gateways with `override`. Whoever asks for a gateway
is about to wait for the network, so the thread's database connection goes back to the pool first.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from eth_utils.address import is_checksum_address, is_hex_address, to_checksum_address

from ostium_service.database import release_connection
from ostium_service.gateways.arbitrum import Arbitrum
from ostium_service.gateways.ostium_contracts import DEFAULT_ADDRESSES, Addresses
from ostium_service.gateways.ostium_prices import OstiumPrices
from ostium_service.gateways.ostium_subgraph import OstiumSubgraph
from ostium_service.gateways.safe_transaction_service import SafeTransactionService
from ostium_service.gateways.vault import Vault, VaultLogin
from ostium_service.observability.metrics import count_upstream
from ostium_service.types import Address, Network
from ostium_service.vault_login import read_secret_id

T = TypeVar("T")
Key = tuple[str, str]

NAMES = frozenset({"arbitrum", "contract_addresses", "subgraph", "prices", "safe_service", "vault"})


class _Registry:
    """What has been built, and what tests put in its place."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """As new, the lock included: after a fork it may be held by a thread that is no more."""
        self.lock = threading.RLock()
        self.built: dict[Key, Any] = {}
        self.overrides: dict[str, Any] = {}

    def get(self, name: str, variant: str, build: Callable[[], T]) -> T:
        """The override of `name`, else the built one of this variant, built now if need be."""
        if name in self.overrides:
            found: T = self.overrides[name]
            return found
        key = (name, variant)
        if key not in self.built:
            with self.lock:
                if key not in self.built:
                    self.built[key] = build()
        made: T = self.built[key]
        return made


_registry = _Registry()


def reset() -> None:
    """Forget everything built, after a change of settings; overrides end too."""
    _registry.clear()


# A forked child must not talk on its parent's connections.
os.register_at_fork(after_in_child=reset)


@contextmanager
def override(**named: object) -> Iterator[None]:
    """Put test doubles in place of gateways: `override(vault=..., arbitrum=...)`, each for every network.

    TypeError for a name that is none of `NAMES`.
    """
    if unknown := named.keys() - NAMES:
        raise TypeError(f"no such gateway: {', '.join(sorted(unknown))}")
    before = _registry.overrides
    _registry.overrides = {**before, **named}
    try:
        yield
    finally:
        _registry.overrides = before


def arbitrum(network: Network) -> Arbitrum:
    """The network's node."""
    release_connection()
    endpoints = _endpoints(network)
    return _registry.get(
        "arbitrum",
        network,
        lambda: Arbitrum(
            network,
            rpc_url=endpoints["RPC_URL"],
            submit_url=endpoints["SUBMIT_RPC_URL"],
            on_call=count_upstream,
        ),
    )


def contract_addresses(network: Network) -> Addresses:
    """The network's contracts: the SDK's, each replaceable by configuration."""
    return _registry.get("contract_addresses", network, lambda: _read_addresses(network))


def subgraph(network: Network) -> OstiumSubgraph:
    """The network's index."""
    release_connection()
    url = _endpoints(network)["SUBGRAPH_URL"]
    return _registry.get("subgraph", network, lambda: OstiumSubgraph(url, on_call=count_upstream))


def prices(network: Network) -> OstiumPrices:
    """The price list; two networks with the same URL share one, so that it is fetched once."""
    release_connection()
    url = _endpoints(network)["PRICES_URL"]
    return _registry.get("prices", url, lambda: OstiumPrices(url, on_call=count_upstream))


def safe_service(network: Network) -> SafeTransactionService | None:
    """The network's Safe Transaction Service; None where none is configured."""
    endpoints = _endpoints(network)
    url = endpoints["SAFE_SERVICE_URL"]
    if not url and "safe_service" not in _registry.overrides:
        return None
    release_connection()
    return _registry.get(
        "safe_service",
        network,
        lambda: SafeTransactionService(url, api_key=endpoints["SAFE_SERVICE_API_KEY"], on_call=count_upstream),
    )


def vault() -> Vault:
    """The key store, with the service's own read-only login; a wrapped secret id is unwrapped when it is built.

    ImproperlyConfigured when that is refused.
    """
    release_connection()
    return _registry.get("vault", "", lambda: Vault(_read_login(), on_call=count_upstream, key_seconds=_key_seconds()))


def operator_vault(token: str) -> Vault:
    """The key store with an operator's token, built anew and kept nowhere."""
    login = VaultLogin(**{**_location(), "token": token})
    return _registry.overrides.get("vault") or Vault(login, on_call=count_upstream)


def _endpoints(network: Network) -> Mapping[str, str]:
    found: Mapping[str, str] = settings.OSTIUM_ENDPOINTS[network]
    return found


def _read_addresses(network: Network) -> Addresses:
    endpoints, default = _endpoints(network), DEFAULT_ADDRESSES[network]

    return Addresses(
        usdc=_configured(endpoints, "USDC_ADDRESS") or default.usdc,
        trading=_configured(endpoints, "TRADING_ADDRESS") or default.trading,
        trading_storage=_configured(endpoints, "TRADING_STORAGE_ADDRESS") or default.trading_storage,
        faucet=_configured(endpoints, "FAUCET_ADDRESS") or default.faucet,
    )


def _configured(endpoints: Mapping[str, str], name: str) -> Address | None:
    """The configured address, None when empty; a mistyped one must stop the service, not receive an allowance."""
    text = endpoints[name]
    if not text:
        return None
    if not is_hex_address(text) or (text != text.lower() and not is_checksum_address(text)):
        raise ImproperlyConfigured(f"{name} is no address, or its upper and lower case do not match EIP-55")
    return Address(to_checksum_address(text))


def _location() -> dict[str, str]:
    return {
        "addr": settings.VAULT_ADDR,
        "mount": settings.VAULT_KV_MOUNT,
        "prefix": settings.VAULT_DELEGATE_PREFIX,
        "namespace": settings.VAULT_NAMESPACE,
        "cacert": settings.VAULT_CACERT,
    }


def _key_seconds() -> float:
    seconds: float = settings.VAULT_KEY_LIFETIME_SECONDS
    return seconds


def _read_login() -> VaultLogin:
    return VaultLogin(
        **_location(),
        token=settings.VAULT_TOKEN,
        role_id=settings.VAULT_ROLE_ID,
        secret_id=read_secret_id(VaultLogin(**_location())),
    )

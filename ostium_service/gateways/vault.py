"""Delegate keys in HashiCorp Vault or OpenBao, KV version 2."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog

from ostium_service.gateways.delegate_key import DelegateKey, SignedTransaction
from ostium_service.gateways.failures import KeyMissing, Refused, System, Unreachable
from ostium_service.gateways.http_client import build_session
from ostium_service.gateways.resilience import Guard, OnCall, Policy, ignore_call
from ostium_service.gateways.vault_tokens import DENIED, Lease, TokenKeeper, VaultLogin, translate
from ostium_service.types import Address, Network

__all__ = ["DelegateKey", "KeyMissing", "SignedTransaction", "Vault", "VaultLogin"]

logger = structlog.get_logger(__name__)
T = TypeVar("T")

FIELD = "private_key"
_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_SERVING = frozenset({200, 429, 472, 473})
"""sys/health of an unsealed node: active, standby, disaster-recovery secondary, performance standby."""
_NOT_SERVING = {501: "not_initialised", 503: "sealed"}


class Vault:
    """The key store. Thread-safe. Raises Unreachable, Refused (denied, sealed) and KeyMissing."""

    def __init__(
        self,
        login: VaultLogin,
        *,
        policy: Policy | None = None,
        on_call: OnCall = ignore_call,
        clock: Callable[[], float] = time.monotonic,
        key_seconds: float | None = None,
    ) -> None:
        """`key_seconds`: a key handed out is wiped after as many, whoever still holds it."""
        self._key_seconds = key_seconds
        policy = policy or Policy(read_seconds=3.0, total_seconds=6.0, attempts=2)
        self._login = login
        self._guard = Guard(system=System.VAULT, policy=policy, on_call=on_call)
        self._session = build_session(verify=login.cacert or True)
        self._tokens = TokenKeeper(login, session=self._session, policy=policy, guard=self._guard, clock=clock)

    def close(self) -> None:
        """Close idle connections; the token is left to end by itself."""
        self._session.close()

    def health(self) -> None:
        """Return when Vault is unsealed and lets us in; Unreachable or Refused otherwise."""
        self._guard.read("health", lambda _: self._check_health())
        self._tokens.current()

    def delegate_key(self, network: Network, address: Address) -> DelegateKey:
        """The key of `address`, read anew each time and kept by nobody here.

        KeyMissing: `missing`, `malformed` (not 64 hex digits within the curve's order) or `address_differs`.
        """
        path = self._path(network, address)

        def read(client: Any) -> DelegateKey | None:
            return _read_key(
                client, mount=self._login.mount, path=path, chain_id=network.chain_id, seconds=self._key_seconds
            )

        key = self._ask("read_key", read)
        if key is None:
            raise KeyMissing(System.VAULT, "malformed")
        if key.address != address:
            logger.error("vault_key_of_another_address", network=network, expected=address, found=key.address)
            raise KeyMissing(System.VAULT, "address_differs")
        return key

    def write_delegate_key(self, network: Network, key: DelegateKey) -> None:
        """Store a new key; needs an operator's token.

        Refused `bad_request` when something has ever stood there: a key is never replaced by another.
        """
        path = self._path(network, key.address)

        def write(client: Any) -> None:
            client.secrets.kv.v2.create_or_update_secret(
                path=path, secret={FIELD: key.hand_over()}, cas=0, mount_point=self._login.mount
            )

        self._ask("write_key", write)

    def destroy_delegate_key(self, network: Network, address: Address) -> int:
        """Destroy every version of the key; needs an operator's token. How many versions there were; 0: no such secret.

        The path's metadata stays, so that no other key is ever written there.
        """
        path = self._path(network, address)
        try:
            return self._ask("destroy_key", lambda client: _destroy(client, mount=self._login.mount, path=path))
        except KeyMissing:
            return 0

    def capabilities(self, paths: Sequence[str]) -> dict[str, frozenset[str]]:
        """What our own token may do at each path of Vault's API, by Vault's own word (`deny` for nothing)."""
        return self._ask("capabilities", lambda client: _capabilities(client, paths))

    def key_paths(self, network: Network) -> dict[str, str]:
        """Vault's API paths of a network's keys by what is done there: `data`, `metadata`, `destroy`, `delete`."""
        folder = f"{self._login.prefix}/{network}"
        return {what: f"{self._login.mount}/{what}/{folder}" for what in ("data", "metadata", "destroy", "delete")}

    def _path(self, network: Network, address: Address) -> str:
        return f"{self._login.prefix}/{network}/{address.lower()}"

    def _ask(self, operation: str, work: Callable[[Any], T]) -> T:
        """Run `work` with a live token; a denial is followed by one new login and one more try."""
        lease = self._tokens.current()
        try:
            return self._attempt(operation, lease, work)
        except Refused as refusal:
            if refusal.token != DENIED:
                raise
        lease = self._tokens.replace(lease)
        try:
            return self._attempt(operation, lease, work)
        except Refused as refusal:
            if refusal.token == DENIED:
                self._tokens.report_useless()
            raise

    def _attempt(self, operation: str, lease: Lease, work: Callable[[Any], T]) -> T:
        return self._guard.read(operation, lambda _: translate(lambda: work(lease.client)))

    def _check_health(self) -> None:
        # Without a namespace: only the root one answers sys/health.
        client = self._tokens.build_client()
        status = translate(lambda: client.sys.read_health_status(method="HEAD").status_code)
        if status in _NOT_SERVING:
            raise Refused(System.VAULT, _NOT_SERVING[status])
        if status not in _SERVING:
            raise Unreachable(System.VAULT, "server_error")


def _destroy(client: Any, *, mount: str, path: str) -> int:
    secrets = client.secrets.kv.v2
    versions = [int(v) for v in secrets.read_secret_metadata(path=path, mount_point=mount)["data"]["versions"]]
    secrets.destroy_secret_versions(path=path, versions=versions, mount_point=mount)
    return len(versions)


def _capabilities(client: Any, paths: Sequence[str]) -> dict[str, frozenset[str]]:
    data = client.sys.get_capabilities(list(paths))["data"]
    return {path: frozenset(data[path]) for path in paths}


def _read_key(client: Any, *, mount: str, path: str, chain_id: int, seconds: float | None) -> DelegateKey | None:
    """The stored key, None when it is malformed.

    Returns instead of raising, so that no traceback keeps a frame in which the secret is a local variable.
    """
    answer = client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
    value = answer["data"]["data"].get(FIELD)
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        return None
    try:
        return DelegateKey(bytes.fromhex(value.removeprefix("0x")), chain_id=chain_id, seconds=seconds)
    except ValueError:
        return None

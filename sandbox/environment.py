"""The environments of the stack's children, built from nothing: each gets what it needs and no other's secret."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.openbao import DELEGATE_PREFIX, KV_MOUNT, VaultAccess
from sandbox.processes import LOOPBACK, build_environment


@dataclass(frozen=True, slots=True)
class ServiceSecrets:
    """Made anew at every start; none shows in a representation."""

    hmac: str = field(repr=False)
    django: str = field(repr=False)
    staff_password: str = field(repr=False)


def make_secrets() -> ServiceSecrets:
    """Random secrets for one start."""
    return ServiceSecrets(
        hmac=secrets.token_hex(32), django=secrets.token_urlsafe(50), staff_password=secrets.token_urlsafe(15)
    )


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the service is told about the outside."""

    database_url: str
    rpc_url: str
    subgraph_url: str
    prices_url: str
    vault_addr: str
    submit_url: str = ""


def build_command_environment(*, database_url: str, service_secrets: ServiceSecrets) -> dict[str, str]:
    """For management commands that only need Django and the database."""
    return build_environment(
        DATABASE_URL=database_url,
        DJANGO_SECRET_KEY=service_secrets.django,
        DJANGO_DEBUG="true",
        HMAC_SECRET=service_secrets.hmac,
        OSTIUM_NETWORKS="testnet",
        LOG_LEVEL="WARNING",
        PYTHONUNBUFFERED="1",
    )


def add_endpoints(environment: Mapping[str, str], endpoints: Endpoints) -> dict[str, str]:
    """The same with the addresses of chain, subgraph, prices and Vault."""
    return {
        **environment,
        "OSTIUM_TESTNET_RPC_URL": endpoints.rpc_url,
        "OSTIUM_TESTNET_SUBMIT_RPC_URL": endpoints.submit_url,
        "OSTIUM_TESTNET_SUBGRAPH_URL": endpoints.subgraph_url,
        "OSTIUM_TESTNET_PRICES_URL": endpoints.prices_url,
        "VAULT_ADDR": endpoints.vault_addr,
        "VAULT_KV_MOUNT": KV_MOUNT,
        "VAULT_DELEGATE_PREFIX": DELEGATE_PREFIX,
    }


def build_operator_environment(
    *, endpoints: Endpoints, vault: VaultAccess, service_secrets: ServiceSecrets
) -> dict[str, str]:
    """For `create_delegate`: the operator's token to write the key, and the service's role to read it back."""
    base = build_command_environment(database_url=endpoints.database_url, service_secrets=service_secrets)
    return add_role(add_endpoints(base, endpoints), vault) | {"VAULT_OPERATOR_TOKEN": vault.operator_token}


def add_role(environment: Mapping[str, str], vault: VaultAccess) -> dict[str, str]:
    """The same with the service's read-only role."""
    return {**environment, "VAULT_ROLE_ID": vault.role_id, "VAULT_SECRET_ID": vault.secret_id}


def build_service_environment(
    *, endpoints: Endpoints, vault: VaultAccess, service_secrets: ServiceSecrets, port: int, metrics: Path | None
) -> dict[str, str]:
    """For web and worker: the read-only role, and not the operator's token."""
    base = build_command_environment(database_url=endpoints.database_url, service_secrets=service_secrets)
    environment = add_role(add_endpoints(base, endpoints), vault) | {
        "HOST": LOOPBACK,
        "PORT": str(port),
        "LOG_LEVEL": "INFO",
    }
    if metrics is not None:
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    return environment

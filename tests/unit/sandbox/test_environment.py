"""Which secret reaches which child."""

from pathlib import Path

import pytest

from sandbox.environment import (
    Endpoints,
    ServiceSecrets,
    build_command_environment,
    build_operator_environment,
    build_service_environment,
    make_secrets,
)
from sandbox.openbao import VaultAccess

SECRETS = ServiceSecrets(hmac="hmac-secret", django="django-secret", staff_password="staff-password")
VAULT = VaultAccess(
    addr="http://127.0.0.1:2", role_id="role", secret_id="secret-id", operator_token="operator-token", deployer_token=""
)
ENDPOINTS = Endpoints(
    database_url="postgresql://postgres@127.0.0.1:1/ostium",
    rpc_url="http://127.0.0.1:3",
    subgraph_url="http://127.0.0.1:4/subgraph",
    prices_url="http://127.0.0.1:4",
    vault_addr=VAULT.addr,
)
INHERITED = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"}


@pytest.fixture(autouse=True)
def _secret_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "a-key-of-the-shell")
    monkeypatch.setenv("VAULT_TOKEN", "a-token-of-the-shell")


def own(environment: dict[str, str]) -> dict[str, str]:
    """What was not inherited."""
    return {name: value for name, value in environment.items() if name not in INHERITED}


def test_web_and_worker() -> None:
    environment = build_service_environment(
        endpoints=ENDPOINTS, vault=VAULT, service_secrets=SECRETS, port=5002, metrics=Path("/run/metrics")
    )

    assert own(environment) == {
        "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/ostium",
        "DJANGO_SECRET_KEY": "django-secret",
        "DJANGO_DEBUG": "true",
        "HMAC_SECRET": "hmac-secret",
        "OSTIUM_NETWORKS": "testnet",
        "OSTIUM_TESTNET_RPC_URL": "http://127.0.0.1:3",
        "OSTIUM_TESTNET_SUBMIT_RPC_URL": "",
        "OSTIUM_TESTNET_SUBGRAPH_URL": "http://127.0.0.1:4/subgraph",
        "OSTIUM_TESTNET_PRICES_URL": "http://127.0.0.1:4",
        "VAULT_ADDR": "http://127.0.0.1:2",
        "VAULT_KV_MOUNT": "secret",
        "VAULT_DELEGATE_PREFIX": "ostium/delegates",
        "VAULT_ROLE_ID": "role",
        "VAULT_SECRET_ID": "secret-id",
        "HOST": "127.0.0.1",
        "PORT": "5002",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "PROMETHEUS_MULTIPROC_DIR": "/run/metrics",
    }


def test_only_the_operators_command_gets_the_operators_token() -> None:
    operator = build_operator_environment(endpoints=ENDPOINTS, vault=VAULT, service_secrets=SECRETS)
    plain = build_command_environment(database_url=ENDPOINTS.database_url, service_secrets=SECRETS)

    assert operator["VAULT_OPERATOR_TOKEN"] == "operator-token"
    assert not {name for name in plain if "VAULT" in name}
    assert "staff-password" not in {**operator, **plain}.values()


def test_secrets_are_new_each_time_long_and_not_shown() -> None:
    first, second = make_secrets(), make_secrets()

    assert len({first.hmac, second.hmac, first.django, second.django, first.staff_password, second.staff_password}) == 6
    assert (len(first.hmac), len(first.django) >= 50, len(first.staff_password) >= 14) == (64, True, True)
    assert first.hmac not in repr(first)
    assert repr(first) == "ServiceSecrets()"

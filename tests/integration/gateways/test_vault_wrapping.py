"""V4, V8 and V10 on a real OpenBao: a wrapped secret id, what our token may do, other mounts and namespaces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from ostium_service import composition
from ostium_service.checks import refuse_bad_start
from ostium_service.gateways.failures import KeyMissing, Refused
from ostium_service.gateways.vault import DelegateKey, Vault, VaultLogin
from ostium_service.vault_policy import find_wide_paths, warn_of_wide_policy
from sandbox.openbao import VaultAccess
from tests.integration.gateways.vault_admin import NET, PREFIX, Admin

POLICIES = Path(__file__).resolve().parents[3] / "ops" / "vault"


@pytest.fixture
def wrapped(settings: Settings, admin: Admin) -> Iterator[VaultLogin]:
    """The service pointed to the TLS server, with a wrapping token that was just made."""
    login = admin.make_role()
    settings.DEBUG, settings.HMAC_SECRET = True, "h" * 32
    settings.OSTIUM_NETWORKS = [NET]
    settings.VAULT_ADDR, settings.VAULT_CACERT, settings.VAULT_NAMESPACE = login.addr, login.cacert, ""
    settings.VAULT_TOKEN = settings.VAULT_SECRET_ID = ""
    settings.VAULT_ROLE_ID = login.role_id
    settings.VAULT_WRAPPED_SECRET_ID = wrap_secret_id(admin, newest_role(admin))
    composition.reset()
    yield login
    composition.reset()


def newest_role(admin: Admin) -> str:
    return str(sorted(admin.client.auth.approle.list_roles()["data"]["keys"])[-1])


def wrap_secret_id(admin: Admin, role: str, *, ttl: str = "60s") -> str:
    answer = admin.client.auth.approle.generate_secret_id(role_name=role, wrap_ttl=ttl)
    return str(answer["wrap_info"]["token"])


def test_v4_a_wrapped_secret_id_is_unwrapped_once_and_serves_every_login(wrapped: VaultLogin, admin: Admin) -> None:
    key = admin.store_key()
    assert composition.vault().delegate_key(NET, key.address).address == key.address
    composition.reset()
    assert composition.vault().delegate_key(NET, key.address).address == key.address


def refuse_start() -> tuple[str, list[Any]]:
    with structlog.testing.capture_logs() as logs, pytest.raises(ImproperlyConfigured) as refusal:
        refuse_bad_start()
    return str(refusal.value), [line for line in logs if line["event"] == "vault_unwrap_refused"]


def test_v4_a_token_that_somebody_else_unwrapped_stops_the_start(
    wrapped: VaultLogin, admin: Admin, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", admin.server.token)
    monkeypatch.setenv("VAULT_SECRET_ID", "another")
    hvac.Client(url=wrapped.addr, token=settings.VAULT_WRAPPED_SECRET_ID, verify=wrapped.cacert).sys.unwrap()
    message, logs = refuse_start()
    assert message.startswith("ostium.E043: VAULT_WRAPPED_SECRET_ID cannot be unwrapped: unwrapped_before.")
    assert settings.VAULT_WRAPPED_SECRET_ID not in message
    assert logs == [{"event": "vault_unwrap_refused", "log_level": "critical", "reason": "unwrapped_before"}]


def test_v4_a_token_that_wraps_something_else_is_left_as_it_is(
    wrapped: VaultLogin, admin: Admin, settings: Settings
) -> None:
    token = admin.client.sys.wrap(payload={"secret_id": "of another role"}, ttl=60)["wrap_info"]["token"]
    settings.VAULT_WRAPPED_SECRET_ID = token
    assert "wraps_something_else" in refuse_start()[0]
    assert admin.client.sys.unwrap(token=token)["data"] == {"secret_id": "of another role"}


def test_v4_an_unknown_token_stops_the_start(wrapped: VaultLogin, settings: Settings) -> None:
    settings.VAULT_WRAPPED_SECRET_ID = "s.unknown"
    assert "unwrapped_before" in refuse_start()[0]


def test_v8_our_own_policy_is_as_narrow_as_it_claims(settings: Settings, vault_dev: VaultAccess) -> None:
    point_to(settings, vault_dev.addr, role_id=vault_dev.role_id, secret_id=vault_dev.secret_id)
    with structlog.testing.capture_logs() as logs:
        warn_of_wide_policy()
    assert find_wide_paths() == {}
    assert [line["event"] for line in logs] == []
    composition.reset()


@pytest.mark.parametrize("more", ["list", "create", "update", "delete", "sudo"])
def test_v8_a_policy_that_allows_more_is_named(settings: Settings, admin: Admin, more: str) -> None:
    login = admin.make_role(capabilities=("read", more))
    point_to(settings, login.addr, cacert=login.cacert, role_id=login.role_id, secret_id=login.secret_id)
    with structlog.testing.capture_logs() as logs:
        warn_of_wide_policy()
    folder = f"secret/data/{PREFIX}/testnet"
    wide = {path: [more] for path in (f"{folder}/", f"{folder}/0x{1:040x}")}
    assert find_wide_paths() == wide
    assert [line for line in logs if line["event"] == "vault_policy_too_wide"] == [
        {"event": "vault_policy_too_wide", "log_level": "error", "paths": wide}
    ]
    composition.reset()


def point_to(settings: Settings, addr: str, *, role_id: str, secret_id: str, cacert: str = "") -> None:
    settings.OSTIUM_NETWORKS = [NET]
    settings.VAULT_ADDR, settings.VAULT_CACERT, settings.VAULT_NAMESPACE, settings.VAULT_TOKEN = addr, cacert, "", ""
    settings.VAULT_ROLE_ID, settings.VAULT_SECRET_ID, settings.VAULT_WRAPPED_SECRET_ID = role_id, secret_id, ""
    composition.reset()


@pytest.mark.parametrize("namespace", ["", "team"])
def test_v10_another_mount_prefix_and_namespace(admin: Admin, namespace: str) -> None:
    server = admin.server
    root = hvac.Client(url=server.addr, token=server.token, verify=str(server.authority))
    if namespace:
        root.adapter.post(url=f"/v1/sys/namespaces/{namespace}", json={})
    inside = hvac.Client(url=server.addr, token=server.token, verify=str(server.authority), namespace=namespace or None)
    inside.sys.enable_secrets_engine(backend_type="kv", path="trading/kv", options={"version": "2"})
    if namespace:
        inside.sys.enable_auth_method(method_type="approle")
    for name in ("ostium-service", "ostium-operator"):
        text = (POLICIES / f"{name}.hcl").read_text()
        for what in ("data", "metadata", "destroy"):
            text = text.replace(f"secret/{what}/ostium/delegates/", f"trading/kv/{what}/keys/")
        inside.sys.create_or_update_policy(name=name, policy=text)
    inside.auth.approle.create_or_update_approle(role_name="elsewhere", token_policies=["ostium-service"])
    where = {
        "addr": server.addr,
        "cacert": str(server.authority),
        "mount": "trading/kv",
        "prefix": "keys",
        "namespace": namespace,
    }
    role_id = inside.auth.approle.read_role_id(role_name="elsewhere")["data"]["role_id"]
    secret_id = inside.auth.approle.generate_secret_id(role_name="elsewhere")["data"]["secret_id"]
    operator_token = inside.auth.token.create(policies=["ostium-operator"])["auth"]["client_token"]
    operator = admin.open_vault(VaultLogin(**where, token=operator_token))
    service: Vault = admin.open_vault(VaultLogin(**where, role_id=role_id, secret_id=secret_id))
    key = DelegateKey.generate()
    operator.write_delegate_key(NET, key)
    service.health()
    assert service.delegate_key(NET, key.address).address == key.address
    with pytest.raises(Refused, match="denied"):
        service.write_delegate_key(NET, DelegateKey.generate())
    assert operator.destroy_delegate_key(NET, key.address) == 1
    with pytest.raises(KeyMissing, match="missing"):
        service.delegate_key(NET, key.address)

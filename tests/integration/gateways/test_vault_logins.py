"""Logging in to a real OpenBao: once, again when needed, and never in a loop."""

import pytest

from ostium_service.gateways.failures import Refused
from ostium_service.gateways.vault import DelegateKey, VaultLogin
from sandbox.processes import wait_until
from tests.integration.gateways.vault_admin import NET, PATIENT, PREFIX, Admin, run_threads


def test_v2_a_hundred_threads_log_in_once(admin: Admin) -> None:
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(), policy=PATIENT)
    found = run_threads(100, lambda: vault.delegate_key(NET, key.address).address)
    assert found == [key.address] * 100
    assert admin.operations() == {"login": 1, "read_key": 100}


def test_v2_a_hundred_threads_with_a_revoked_token_log_in_once_more(admin: Admin) -> None:
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(), policy=PATIENT)
    vault.delegate_key(NET, key.address)
    admin.revoke_tokens()
    found = run_threads(100, lambda: vault.delegate_key(NET, key.address).address)
    assert found == [key.address] * 100
    assert admin.operations()["login"] == 2


def test_v3_a_token_is_renewed_before_two_thirds_of_its_life_have_passed(admin: Admin) -> None:
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(token_ttl="60s", token_max_ttl="1h"))
    vault.delegate_key(NET, key.address)
    admin.now = 29.0
    vault.delegate_key(NET, key.address)
    assert admin.operations() == {"login": 1, "read_key": 2}
    admin.now = 31.0
    vault.delegate_key(NET, key.address)
    assert admin.operations() == {"login": 1, "renew": 1, "read_key": 3}


def test_v3_a_token_near_its_greatest_age_is_replaced(admin: Admin) -> None:
    admin.revoke_tokens()
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(token_ttl="6s", token_max_ttl="6s"))
    vault.delegate_key(NET, key.address)
    # By the server's clock well under half of its life is left, so no renewal can bring more.
    wait_until(lambda: max(admin.token_lives()) < 2, seconds=10, purpose="the token's old age")
    admin.now = 3.1
    vault.delegate_key(NET, key.address)
    assert admin.operations() == {"login": 2, "renew": 1, "read_key": 2}


def test_v3_a_token_that_cannot_be_renewed_is_replaced(admin: Admin) -> None:
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(token_type="batch", token_ttl="60s"))
    vault.delegate_key(NET, key.address)
    admin.now = 31.0
    vault.delegate_key(NET, key.address)
    assert admin.operations() == {"login": 2, "read_key": 2}


def test_v3_a_renewal_that_fails_leaves_the_living_token_in_use(admin: Admin) -> None:
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(token_ttl="60s", secret_id_num_uses=1))
    vault.delegate_key(NET, key.address)
    name = admin.client.auth.approle.list_roles()["data"]["keys"][-1]
    assert name
    admin.revoke_tokens()
    admin.now = 31.0
    with pytest.raises(Refused):
        vault.delegate_key(NET, key.address)
    # Revoked, and the secret id used up: the renewal failed, the re-login failed, nothing was read.
    assert [call for call in admin.calls if call[0] != "read_key"] == [
        ("login", "ok"),
        ("renew", "refused"),
        ("login", "refused"),
    ]


def test_v3_a_static_token_without_end_is_looked_up_once(admin: Admin) -> None:
    key = admin.store_key()
    login = VaultLogin(addr=admin.server.addr, cacert=str(admin.server.authority), token=admin.server.token)
    vault = admin.open_vault(login)
    for admin.now in (0.0, 1e6, 1e9):
        assert vault.delegate_key(NET, key.address).address == key.address
    assert admin.operations() == {"lookup": 1, "read_key": 3}


def test_v3_a_static_token_is_renewed_and_its_denial_is_final(admin: Admin) -> None:
    key = admin.store_key()
    admin.client.sys.create_or_update_policy(
        name="static", policy=f'path "secret/data/{PREFIX}/*" {{ capabilities = ["read"] }}'
    )
    token = admin.client.auth.token.create(policies=["static"], ttl="60s")["auth"]["client_token"]
    login = VaultLogin(addr=admin.server.addr, cacert=str(admin.server.authority), token=token)
    vault = admin.open_vault(login)
    vault.delegate_key(NET, key.address)
    admin.now = 31.0
    vault.delegate_key(NET, key.address)
    assert admin.operations() == {"lookup": 1, "renew": 1, "read_key": 2}
    admin.client.auth.token.revoke(token)
    with pytest.raises(Refused, match="denied"):
        vault.delegate_key(NET, key.address)
    assert admin.operations() == {"lookup": 1, "renew": 1, "read_key": 3}


def test_v2_a_policy_that_denies_costs_one_login_in_half_a_minute(admin: Admin) -> None:
    key, vault = admin.store_key(), admin.open_vault(admin.make_role(capabilities=("list",)))
    for _ in range(3):
        with pytest.raises(Refused, match="denied"):
            vault.delegate_key(NET, key.address)
    assert admin.operations() == {"login": 2, "read_key": 4}
    admin.now += 31.0
    with pytest.raises(Refused, match="denied"):
        vault.delegate_key(NET, key.address)
    assert admin.operations() == {"login": 3, "read_key": 6}


def test_v4_a_wrong_secret_id_is_refused_without_falling_back(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", admin.server.token)
    login = admin.make_role()
    wrong = VaultLogin(addr=login.addr, cacert=login.cacert, role_id=login.role_id, secret_id="wrong")
    nothing = VaultLogin(addr=login.addr, cacert=login.cacert)
    for bad in (wrong, nothing):
        with pytest.raises(Refused):
            admin.open_vault(bad).delegate_key(NET, DelegateKey.generate().address)
        with pytest.raises(Refused):
            admin.open_vault(bad).health()
    assert "wrong" not in repr(wrong)
    assert login.role_id not in repr(wrong)

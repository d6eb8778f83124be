"""Delegate keys in a real OpenBao, and everything that is no key or no Vault."""

import time
from collections.abc import Callable

import hvac
import pytest
import structlog
from eth_account import Account

from ostium_service.gateways.failures import BadAnswer, GatewayError, KeyMissing, Refused, Unreachable
from ostium_service.gateways.resilience import Policy
from ostium_service.gateways.vault import DelegateKey, Vault, VaultLogin
from ostium_service.types import Network
from sandbox.openbao import VaultAccess
from sandbox.processes import wait_until
from tests.integration.gateways.faulty_server import FaultyServer, answer, reply_with, stay_silent
from tests.integration.gateways.vault_admin import NET, PREFIX, QUICK, Admin, run_tls_vault

FIELDS: dict[str, object] = {
    "chainId": NET.chain_id,
    "nonce": 0,
    "value": 0,
    "data": b"",
    "gas": 21_000,
    "maxFeePerGas": 1,
    "maxPriorityFeePerGas": 0,
}
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_an_operator_writes_and_the_service_reads_and_signs(vault_dev: VaultAccess) -> None:
    operator = Vault(VaultLogin(addr=vault_dev.addr, token=vault_dev.operator_token))
    service = Vault(VaultLogin(addr=vault_dev.addr, role_id=vault_dev.role_id, secret_id=vault_dev.secret_id))
    key = DelegateKey.generate()
    operator.write_delegate_key(NET, key)
    service.health()
    found = service.delegate_key(NET, key.address)
    signed = found.sign_transaction(FIELDS | {"to": key.address})
    assert Account.recover_transaction(signed.raw) == key.address
    with pytest.raises(Refused, match="denied"):
        service.write_delegate_key(NET, DelegateKey.generate())
    with pytest.raises(KeyMissing, match="missing"):
        service.delegate_key(Network.MAINNET, key.address)
    operator.close()
    service.close()


def test_an_operator_makes_and_destroys_keys_and_can_neither_read_nor_replace_them(vault_dev: VaultAccess) -> None:
    operator = Vault(VaultLogin(addr=vault_dev.addr, token=vault_dev.operator_token))
    service = Vault(VaultLogin(addr=vault_dev.addr, role_id=vault_dev.role_id, secret_id=vault_dev.secret_id))
    key = DelegateKey.generate()
    operator.write_delegate_key(NET, key)
    for forbidden in (lambda: operator.write_delegate_key(NET, key), lambda: operator.delegate_key(NET, key.address)):
        with pytest.raises(Refused, match="denied"):
            forbidden()
    assert service.delegate_key(NET, key.address).hand_over() == key.hand_over()
    with pytest.raises(Refused, match="denied"):
        service.destroy_delegate_key(NET, key.address)
    assert [operator.destroy_delegate_key(NET, key.address) for _ in range(2)] == [1, 1]
    with pytest.raises(KeyMissing, match="missing"):
        service.delegate_key(NET, key.address)
    with pytest.raises(Refused, match="denied"):
        operator.write_delegate_key(NET, key)
    assert operator.destroy_delegate_key(NET, DelegateKey.generate().address) == 0
    operator.close()
    service.close()


def test_a_key_is_wiped_when_its_time_is_over_and_signs_for_its_own_chain_only(vault_dev: VaultAccess) -> None:
    operator = Vault(VaultLogin(addr=vault_dev.addr, token=vault_dev.operator_token))
    made = DelegateKey.generate()
    operator.write_delegate_key(NET, made)
    login = VaultLogin(addr=vault_dev.addr, role_id=vault_dev.role_id, secret_id=vault_dev.secret_id)
    service = Vault(login, key_seconds=0.2)
    key = service.delegate_key(NET, made.address)
    with pytest.raises(ValueError, match="another chain"):
        key.sign_transaction(FIELDS | {"chainId": Network.MAINNET.chain_id, "to": key.address})
    wait_until(lambda: key.hand_over() == "0x" + "00" * 32, seconds=5, purpose="the end of the key")
    with pytest.raises(ValueError):
        key.sign_transaction(FIELDS | {"to": key.address})
    operator.close()
    service.close()


@pytest.mark.parametrize("spell", [lambda text: text, lambda text: text[2:], str.upper], ids=["0x", "bare", "upper"])
def test_v5_spellings_of_a_key(admin: Admin, spell: Callable[[str], str]) -> None:
    key = DelegateKey.generate()
    admin.store(key.address, {"private_key": spell(key.hand_over()).replace("0X", "0x"), "other": "field"})
    assert admin.open_vault(admin.make_role()).delegate_key(NET, key.address).address == key.address


@pytest.mark.parametrize(
    "value",
    [
        *("", "0x", "ab" * 31 + "a", "ab" * 33, "0x" + "ab" * 31 + "a", "zz" * 32, " " + "ab" * 32, "ab" * 32 + "\n"),
        *("00" * 32, f"{ORDER:064x}", "ff" * 32, 12345678901234567890, None, True, ["ab" * 32], {"a": "ab" * 32}),
    ],
    ids=str,
)
def test_v5_what_is_no_key_is_malformed_and_shown_nowhere(admin: Admin, value: object) -> None:
    address = DelegateKey.generate().address
    admin.store(address, {"private_key": value})
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyMissing) as failure:
        admin.open_vault(admin.make_role()).delegate_key(NET, address)
    assert (failure.value.token, str(failure.value)) == ("malformed", "vault: malformed")
    assert logs == []
    assert failure.value.__context__ is None


def test_v5_a_secret_without_the_field_is_malformed(admin: Admin) -> None:
    address = DelegateKey.generate().address
    admin.store(address, {"privateKey": "ab" * 32})
    with pytest.raises(KeyMissing, match="malformed"):
        admin.open_vault(admin.make_role()).delegate_key(NET, address)


def test_v6_the_key_of_another_address_is_refused_and_reported(admin: Admin) -> None:
    key, other = DelegateKey.generate(), DelegateKey.generate()
    admin.store(other.address, {"private_key": key.hand_over()})
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyMissing, match="address_differs"):
        admin.open_vault(admin.make_role()).delegate_key(NET, other.address)
    assert logs == [
        {
            "event": "vault_key_of_another_address",
            "log_level": "error",
            "network": "testnet",
            "expected": other.address,
            "found": key.address,
        }
    ]


def test_v5_missing_deleted_and_destroyed_keys_are_missing(admin: Admin) -> None:
    vault = admin.open_vault(admin.make_role())
    with pytest.raises(KeyMissing, match="missing"):
        vault.delegate_key(NET, DelegateKey.generate().address)
    for end in ("delete_secret_versions", "destroy_secret_versions"):
        key = admin.store_key()
        assert vault.delegate_key(NET, key.address).address == key.address
        path = f"{PREFIX}/{NET}/{key.address.lower()}"
        getattr(admin.client.secrets.kv.v2, end)(path=path, versions=[1])
        with pytest.raises(KeyMissing, match="missing"):
            vault.delegate_key(NET, key.address)


def test_v1_an_unknown_authority_is_refused(admin: Admin) -> None:
    login = VaultLogin(addr=admin.server.addr, token=admin.server.token)
    with pytest.raises(Unreachable, match="tls"):
        admin.open_vault(login).health()


def test_v1_a_sealed_vault_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with run_tls_vault(tmp_path_factory.mktemp("sealed")) as server:
        vault = Vault(VaultLogin(addr=server.addr, cacert=str(server.authority), token=server.token), policy=QUICK)
        vault.health()
        hvac.Client(url=server.addr, token=server.token, verify=str(server.authority)).sys.seal()
        for ask in (vault.health, lambda: vault.delegate_key(NET, DelegateKey.generate().address)):
            with pytest.raises(Refused, match="sealed"):
                ask()
    with pytest.raises(Unreachable, match="no_connection"):
        vault.health()


def test_an_authority_file_that_is_gone_is_no_crash(admin: Admin) -> None:
    login = VaultLogin(addr=admin.server.addr, cacert="/nonexistent/ca.pem", token=admin.server.token)
    with pytest.raises(Unreachable, match="connection_cut"):
        admin.open_vault(login).health()


@pytest.mark.parametrize(
    ("reply", "failure", "token"),
    [
        (answer(b"", status="307 Temporary Redirect", headers="Location: http://127.0.0.1:1/\r\n"), BadAnswer, "shape"),
        (answer(b"<html>"), BadAnswer, "shape"),
        (answer(b'{"data": 1}'), BadAnswer, "shape"),
        (answer(b"", status="500 Oops"), Unreachable, "server_error"),
        (answer(b"", status="473 Standby"), Unreachable, "server_error"),
        (answer(b"", status="503 Sealed"), Refused, "sealed"),
        (answer(b"", status="501 Not initialised"), Refused, "not_initialised"),
        (b"", Unreachable, "connection_cut"),
    ],
)
def test_v1_other_answers(faulty: FaultyServer, reply: bytes, failure: type[GatewayError], token: str) -> None:
    faulty.script = reply_with(reply)
    vault = Vault(VaultLogin(addr=faulty.url.partition("/rpc")[0], token="t"), policy=QUICK)
    with pytest.raises(failure) as raised:
        vault.delegate_key(NET, DelegateKey.generate().address)
    assert raised.value.token == token
    assert raised.value.__cause__ is None


def test_v1_v7_a_hanging_vault_is_given_up(faulty: FaultyServer) -> None:
    faulty.script = stay_silent(faulty)
    vault = Vault(
        VaultLogin(addr=faulty.url.partition("/rpc")[0], token="t"), policy=Policy(read_seconds=0.3, attempts=1)
    )
    began = time.monotonic()
    with pytest.raises(Unreachable, match="too_slow"):
        vault.health()
    assert time.monotonic() - began < 2.0


def test_v7_a_vault_that_hangs_is_asked_no_more_for_a_while(faulty: FaultyServer) -> None:
    """V7: with all its audit devices blocked Vault takes requests and answers none."""
    faulty.script = stay_silent(faulty)
    patience = Policy(read_seconds=0.1, total_seconds=1.0, attempts=1, breaker_failures=2)
    vault = Vault(VaultLogin(addr=faulty.url.partition("/rpc")[0], token="t"), policy=patience)
    address = DelegateKey.generate().address
    reasons = []
    for _ in range(3):
        with pytest.raises(Unreachable) as refusal:
            vault.delegate_key(NET, address)
        reasons.append((refusal.value.token, refusal.value.unsent))
    assert reasons == [("too_slow", False), ("too_slow", False), ("breaker_open", True)]
    assert len(faulty.requests) == 2

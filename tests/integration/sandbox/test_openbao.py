"""The sandbox's Vault: what the service's role and the operator may do, and that nothing is left behind."""

from pathlib import Path

import hvac
import psutil
import pytest
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

from sandbox.openbao import OpenBaoServer, VaultAccess

PATH = "ostium/delegates/testnet/0x1111111111111111111111111111111111111111"


@pytest.fixture
def operator(vault_dev: VaultAccess) -> hvac.Client:
    """The operator's client."""
    return hvac.Client(url=vault_dev.addr, token=vault_dev.operator_token)


@pytest.fixture
def service(vault_dev: VaultAccess) -> hvac.Client:
    """The service's client after its AppRole login."""
    client = hvac.Client(url=vault_dev.addr)
    client.auth.approle.login(role_id=vault_dev.role_id, secret_id=vault_dev.secret_id)
    return client


def read_kv(client: hvac.Client, path: str) -> object:
    """The data of a KV v2 secret."""
    found = client.secrets.kv.v2.read_secret_version(path=path, mount_point="secret", raise_on_deleted_version=True)
    return found["data"]["data"]


def test_the_operator_writes_and_the_service_reads(operator: hvac.Client, service: hvac.Client) -> None:
    operator.secrets.kv.v2.create_or_update_secret(path=PATH, secret={"private_key": "0x01"}, mount_point="secret")

    assert read_kv(service, PATH) == {"private_key": "0x01"}
    with pytest.raises(Forbidden):
        read_kv(operator, PATH)


def test_the_service_may_only_read_delegates(service: hvac.Client) -> None:
    kv = service.secrets.kv.v2
    with pytest.raises(Forbidden):
        kv.create_or_update_secret(path=PATH, secret={"private_key": "0x02"}, mount_point="secret")
    with pytest.raises(Forbidden):
        kv.list_secrets(path="ostium/delegates", mount_point="secret")
    with pytest.raises(Forbidden):
        kv.delete_latest_version_of_secret(path=PATH, mount_point="secret")
    with pytest.raises(Forbidden):
        read_kv(service, "somewhere/else")
    with pytest.raises(InvalidPath):
        read_kv(service, "ostium/delegates/testnet/nobody")


def test_the_operator_may_do_nothing_else(operator: hvac.Client) -> None:
    with pytest.raises(Forbidden):
        operator.secrets.kv.v2.create_or_update_secret(path="other", secret={"a": "b"}, mount_point="secret")
    with pytest.raises(Forbidden):
        operator.sys.list_policies()


def test_service_tokens_are_short_and_renewable(vault_dev: VaultAccess) -> None:
    client = hvac.Client(url=vault_dev.addr)
    login = client.auth.approle.login(role_id=vault_dev.role_id, secret_id=vault_dev.secret_id)["auth"]

    assert (login["lease_duration"], login["renewable"], login["policies"]) == (
        120,
        True,
        ["default", "ostium-service"],
    )
    assert client.auth.token.renew_self()["auth"]["lease_duration"] == 120


def test_a_wrong_secret_id_is_refused(vault_dev: VaultAccess) -> None:
    client = hvac.Client(url=vault_dev.addr)

    with pytest.raises(InvalidRequest):
        client.auth.approle.login(role_id=vault_dev.role_id, secret_id="00000000-0000-0000-0000-000000000000")


def test_secrets_do_not_show(vault_dev: VaultAccess) -> None:
    shown = repr(vault_dev)

    assert vault_dev.secret_id not in shown
    assert vault_dev.operator_token not in shown


def test_start_and_stop_leave_nothing(tmp_path: Path) -> None:
    log_path = tmp_path / "openbao.log"
    server = OpenBaoServer(log_path=log_path)
    access = server.start()
    process = psutil.Process(server.child.pid)
    environment = process.environ()

    assert {name for name in environment if "TOKEN" in name} == {"BAO_DEV_ROOT_TOKEN_ID"}
    with pytest.raises(Forbidden):
        hvac.Client(url=access.addr, token=environment["BAO_DEV_ROOT_TOKEN_ID"]).auth.token.lookup_self()
    assert environment["BAO_DEV_ROOT_TOKEN_ID"] not in log_path.read_text()
    assert access.operator_token not in log_path.read_text()

    server.stop()

    assert not process.is_running()
    server.stop()

"""A server that fails on demand, and a Vault whose administrator the test is."""

from collections.abc import Iterator

import hvac
import pytest

from ostium_service.gateways.arbitrum import Arbitrum
from ostium_service.gateways.delegate_key import DelegateKey
from ostium_service.gateways.resilience import Policy
from tests.fixtures import SandboxUrls
from tests.integration.gateways.faulty_server import FaultyServer, run_faulty_server
from tests.integration.gateways.node_actors import NET, fund
from tests.integration.gateways.vault_admin import Admin, TlsVault, run_tls_vault


@pytest.fixture
def faulty() -> Iterator[FaultyServer]:
    """A server that hangs up on everybody until it is given a script."""
    with run_faulty_server() as server:
        yield server


@pytest.fixture(scope="session")
def tls_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsVault]:
    """One for the whole session."""
    with run_tls_vault(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture
def admin(tls_vault: TlsVault) -> Iterator[Admin]:
    """The administrator of the session's server; calls are counted anew."""
    client = hvac.Client(url=tls_vault.addr, token=tls_vault.token, verify=str(tls_vault.authority))
    if "approle/" not in client.sys.list_auth_methods()["data"]:
        client.sys.enable_auth_method(method_type="approle")
    yield Admin(tls_vault, client)
    client.adapter.close()


@pytest.fixture
def arbitrum(sandbox: SandboxUrls) -> Iterator[Arbitrum]:
    """A client through the sandbox's shaped RPC."""
    client = Arbitrum(NET, rpc_url=sandbox.shaped_rpc_url, policy=Policy(read_seconds=2.0, pause_seconds=0.01))
    yield client
    client.close()


@pytest.fixture
def trader(sandbox: SandboxUrls) -> DelegateKey:
    """A funded account."""
    return fund(sandbox)

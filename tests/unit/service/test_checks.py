"""The service refuses to start half-configured, each time with an id and a hint."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from ostium_service import checks, composition
from ostium_service.gateways.failures import BadAnswer, System, Unreachable
from ostium_service.types import Network

ENDPOINTS = {
    "RPC_URL": "https://rpc.example/v2/0123456789abcdef",
    "SUBMIT_RPC_URL": "https://submit.example",
    "SUBGRAPH_URL": "https://subgraph.example",
    "PRICES_URL": "https://prices.example",
    "SAFE_SERVICE_URL": "https://safes.example/tx-service/arb1",
    "SAFE_SERVICE_API_KEY": "",
    "TRADING_ADDRESS": "",
}


@pytest.fixture
def production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A configuration that is complete."""
    settings.DEBUG = False
    settings.HMAC_SECRET = "h" * 32
    settings.HMAC_SECRET_PREVIOUS = ""
    settings.SECRET_KEY = "k" * 50
    settings.ALLOWED_HOSTS = ["ostium.internal"]
    database = {"ENGINE": "django.db.backends.postgresql", "HOST": "db", "NAME": "ostium", "PASSWORD": "pw-of-the-db"}
    monkeypatch.setattr(django_settings, "DATABASES", {"default": database})
    settings.OSTIUM_NETWORKS = [Network.TESTNET, Network.MAINNET]
    settings.OSTIUM_ENDPOINTS = {network: dict(ENDPOINTS) for network in Network}
    settings.INTERNAL_NETWORKS = ["10.0.0.0/8", "::1/128"]
    settings.VAULT_ADDR = "https://vault.internal:8200"
    settings.VAULT_TOKEN = ""
    settings.VAULT_ROLE_ID = "role"
    settings.VAULT_SECRET_ID = "secret-id-of-the-role"
    settings.VAULT_WRAPPED_SECRET_ID = ""
    return settings


def found() -> list[str]:
    messages = [*checks.check_secrets(), *checks.check_mode(), *checks.check_networks(), *checks.check_vault()]
    assert all(message.hint and message.is_serious() for message in messages)
    return [str(message.id) for message in messages]


def endpoint(name: str, value: str, network: Network = Network.TESTNET) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        settings.OSTIUM_ENDPOINTS[network][name] = value

    return change


def database(**values: str) -> Callable[[Settings], None]:
    return lambda settings: settings.DATABASES["default"].update(values)


def setting(name: str, value: Any) -> Callable[[Settings], None]:
    return lambda settings: setattr(settings, name, value)


def test_a_complete_configuration_is_started(production: Settings) -> None:
    assert found() == []
    checks.refuse_bad_start()


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (setting("HMAC_SECRET", ""), "E001"),
        (setting("HMAC_SECRET", "h" * 31), "E002"),
        (setting("HMAC_SECRET_PREVIOUS", "short"), "E002"),
        (setting("HMAC_SECRET_PREVIOUS", "h" * 32), "E003"),
        (setting("SECRET_KEY", "k" * 31), "E004"),
        (setting("SECRET_KEY", "django-insecure-" + "k" * 50), "E004"),
        (setting("ALLOWED_HOSTS", []), "E011"),
        (setting("ALLOWED_HOSTS", ["a", "*"]), "E011"),
        (database(HOST="database-url-is-not-set"), "E012"),
        (database(ENGINE="django.db.backends.sqlite3"), "E013"),
        (setting("OSTIUM_NETWORKS", []), "E030"),
        (endpoint("RPC_URL", ""), "E031"),
        (endpoint("RPC_URL", "rpc.example"), "E032"),
        (endpoint("RPC_URL", "wss://rpc.example"), "E032"),
        (endpoint("RPC_URL", "http://rpc.example"), "E033"),
        (endpoint("SUBMIT_RPC_URL", "http://10.0.0.1:8545"), "E033"),
        (endpoint("SUBGRAPH_URL", "http://subgraph.example"), "E033"),
        (endpoint("SAFE_SERVICE_URL", "http://safes.example"), "E033"),
        (endpoint("PRICES_URL", "http://prices.example"), "E033"),
        (endpoint("PRICES_URL", "http://127.0.0.1.evil.example"), "E033"),
        (endpoint("SUBMIT_RPC_URL", "", Network.MAINNET), "E034"),
        (setting("INTERNAL_NETWORKS", ["10.0.0.0/8", "everything"]), "E035"),
        (setting("INTERNAL_NETWORKS", ["10.0.0.1/8"]), "E035"),
        (setting("INTERNAL_NETWORKS", ["0.0.0.0/0"]), "E036"),
        (setting("INTERNAL_NETWORKS", ["::/0"]), "E036"),
        (setting("VAULT_ADDR", ""), "E040"),
        (setting("VAULT_ADDR", "http://vault.internal:8200"), "E041"),
        (setting("VAULT_SECRET_ID", ""), "E042"),
        (setting("VAULT_WRAPPED_SECRET_ID", "s.wrapping-token"), "E044"),
        (setting("VAULT_KEY_LIFETIME_SECONDS", 0.0), "E045"),
        (setting("VAULT_KEY_LIFETIME_SECONDS", 3600.0), "E045"),
        (setting("OSTIUM_DELEGATE_POLICY", "shared"), "E046"),
    ],
)
def test_each_gap_refuses_the_start(production: Settings, change: Callable[[Settings], None], number: str) -> None:
    change(production)
    assert found() == [f"ostium.{number}"]
    with pytest.raises(ImproperlyConfigured, match=f"ostium.{number}") as caught:
        checks.refuse_bad_start()
    assert "h" * 31 not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        endpoint("RPC_URL", "http://127.0.0.1:8545"),
        endpoint("RPC_URL", "http://[::1]:8545"),
        endpoint("PRICES_URL", "http://localhost:9000/x"),
        setting("VAULT_ADDR", "http://127.0.0.1:8200"),
        setting("OSTIUM_DELEGATE_POLICY", "dedicated"),
        endpoint("SUBMIT_RPC_URL", ""),
        setting("OSTIUM_NETWORKS", [Network.TESTNET]),
    ],
)
def test_what_is_harmless_is_let_through(production: Settings, change: Callable[[Settings], None]) -> None:
    change(production)
    assert found() == []


def test_only_enabled_networks_are_looked_at(production: Settings) -> None:
    endpoint("RPC_URL", "", Network.MAINNET)(production)
    assert found() == ["ostium.E031"]
    production.OSTIUM_NETWORKS = [Network.TESTNET]
    assert found() == []


def test_debug_with_mainnet_is_refused(production: Settings) -> None:
    production.DEBUG = True
    assert found() == ["ostium.E010"]
    production.OSTIUM_NETWORKS = [Network.TESTNET]
    assert found() == []


def test_a_developers_machine_needs_little(production: Settings) -> None:
    production.DEBUG = True
    production.OSTIUM_NETWORKS = [Network.TESTNET]
    production.SECRET_KEY = "insecure-development-key-never-for-production"
    production.ALLOWED_HOSTS = []
    production.VAULT_ADDR = "http://vault:8200"
    production.HMAC_SECRET = "short"
    endpoint("RPC_URL", "http://rpc:8545")(production)
    assert found() == []
    production.HMAC_SECRET = ""
    assert found() == ["ostium.E001"]


def test_django_runs_the_checks(production: Settings) -> None:
    production.HMAC_SECRET = ""
    assert "ostium.E001" in {message.id for message in run_checks(tags=["security"])}


def test_a_wrapped_secret_id_alone_is_a_login(production: Settings) -> None:
    production.VAULT_SECRET_ID, production.VAULT_WRAPPED_SECRET_ID = "", "s.wrapping-token"
    assert found() == []


def test_the_secrets_of_the_configuration_are_known_to_the_logs(production: Settings) -> None:
    production.VAULT_WRAPPED_SECRET_ID = "s.wrapping-token"
    production.OSTIUM_ENDPOINTS[Network.MAINNET]["SAFE_SERVICE_API_KEY"] = "eyJ.of-the.safe-service"
    assert set(checks.configured_secrets(django_settings)) == {
        "h" * 32,
        "k" * 50,
        "secret-id-of-the-role",
        "s.wrapping-token",
        "pw-of-the-db",
        "0123456789abcdef",
        "eyJ.of-the.safe-service",
    }


class Node:
    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked = 0

    def verify_chain_id(self) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure


def test_a_node_of_another_chain_refuses_the_start(production: Settings) -> None:
    node = Node(BadAnswer(System.RPC, "chain_id"))
    with (
        composition.override(arbitrum=node),
        pytest.raises(ImproperlyConfigured, match=r"ostium\.E020: OSTIUM_TESTNET_RPC_URL .*421614"),
    ):
        checks.verify_chain_ids()


def test_a_silent_node_does_not_keep_the_service_down(production: Settings) -> None:
    node = Node(Unreachable(System.RPC, "refused"))
    with composition.override(arbitrum=node):
        checks.verify_chain_ids()
    assert node.asked == 2

"""Settings become gateways: once each, swappable, and never with a mistyped address."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from ostium_service import composition
from ostium_service.gateways.ostium_contracts import DEFAULT_ADDRESSES
from ostium_service.types import Network

MIXED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture(autouse=True)
def endpoints(settings: Settings) -> Iterator[dict[Network, dict[str, str]]]:
    """Endpoints of the test's own, and nothing built before or after."""
    names = ("USDC_ADDRESS", "TRADING_ADDRESS", "TRADING_STORAGE_ADDRESS", "FAUCET_ADDRESS", "SUBMIT_RPC_URL")
    service = {"SAFE_SERVICE_URL": "", "SAFE_SERVICE_API_KEY": ""}
    settings.OSTIUM_ENDPOINTS = {
        network: dict.fromkeys(names, "")
        | service
        | {"RPC_URL": "http://rpc", "SUBGRAPH_URL": "http://index", "PRICES_URL": "http://prices"}
        for network in Network
    }
    composition.reset()
    yield settings.OSTIUM_ENDPOINTS
    composition.reset()


def test_each_gateway_is_built_once_a_network() -> None:
    for build in (composition.arbitrum, composition.subgraph, composition.contract_addresses):
        assert build(Network.TESTNET) is build(Network.TESTNET)
        assert build(Network.TESTNET) is not build(Network.MAINNET)
    assert composition.vault() is composition.vault()
    assert composition.arbitrum(Network.MAINNET).network is Network.MAINNET
    before = composition.arbitrum(Network.TESTNET)
    composition.reset()
    assert composition.arbitrum(Network.TESTNET) is not before


def test_the_price_list_is_shared_by_networks_with_the_same_url(endpoints: dict[Network, dict[str, str]]) -> None:
    assert composition.prices(Network.TESTNET) is composition.prices(Network.MAINNET)
    endpoints[Network.MAINNET]["PRICES_URL"] = "http://other"
    assert composition.prices(Network.TESTNET) is not composition.prices(Network.MAINNET)


def test_the_safe_service_is_there_only_where_it_is_configured(endpoints: dict[Network, dict[str, str]]) -> None:
    endpoints[Network.MAINNET] |= {"SAFE_SERVICE_URL": "http://safes", "SAFE_SERVICE_API_KEY": "eyJ-the-key"}
    service = composition.safe_service(Network.MAINNET)

    assert composition.safe_service(Network.TESTNET) is None
    assert service is not None
    assert service is composition.safe_service(Network.MAINNET)
    assert "eyJ-the-key" not in repr(vars(service))
    double = object()
    with composition.override(safe_service=double):
        assert composition.safe_service(Network.TESTNET) is double


def test_an_operator_vault_is_kept_nowhere() -> None:
    assert composition.operator_vault("token") is not composition.operator_vault("token")
    assert composition.operator_vault("token") is not composition.vault()


def test_addresses_are_the_sdks_unless_configured(endpoints: dict[Network, dict[str, str]]) -> None:
    assert composition.contract_addresses(Network.TESTNET) == DEFAULT_ADDRESSES[Network.TESTNET]
    endpoints[Network.MAINNET]["TRADING_ADDRESS"] = MIXED.lower()
    found = composition.contract_addresses(Network.MAINNET)
    assert found.trading == MIXED
    assert found.usdc == DEFAULT_ADDRESSES[Network.MAINNET].usdc
    assert found.faucet is None


@pytest.mark.parametrize("text", [MIXED.swapcase(), MIXED[:-1], MIXED[2:], "0x" + "g" * 40, MIXED.replace("aA", "Aa")])
def test_a_mistyped_address_stops_the_service(endpoints: dict[Network, dict[str, str]], text: str) -> None:
    endpoints[Network.TESTNET]["TRADING_STORAGE_ADDRESS"] = text
    with pytest.raises(ImproperlyConfigured, match="TRADING_STORAGE_ADDRESS"):
        composition.contract_addresses(Network.TESTNET)


def test_overrides_stand_in_for_every_network_and_end() -> None:
    real = composition.vault()
    with composition.override(vault="v", arbitrum="a"):
        with composition.override(arbitrum="b", prices="p"):
            found: list[object] = [composition.arbitrum(Network.MAINNET), composition.prices(Network.TESTNET)]
            found += [composition.vault(), composition.operator_vault("t")]
            assert found == ["b", "p", "v", "v"]
        found = [composition.arbitrum(Network.TESTNET)]
        assert found == ["a"]
    assert composition.vault() is real
    with pytest.raises(TypeError, match="nonsense"), composition.override(nonsense=1):
        pass

"""What /ready asks, apart from the database, which the upper tiers have."""

import pytest
from pytest_django.fixtures import Settings

from ostium_service import composition, probes
from ostium_service.gateways.failures import BadAnswer, Refused, System
from ostium_service.http.health import Readiness
from ostium_service.types import Network


class Sealed:
    def health(self) -> None:
        raise Refused(System.VAULT, "sealed")


class OtherChain:
    def verify_chain_id(self) -> None:
        raise BadAnswer(System.RPC, "chain_id")


def test_each_enabled_network_has_its_own_probe(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OSTIUM_NETWORKS = [Network.TESTNET, Network.MAINNET]
    readiness = Readiness(budget=5.0)
    monkeypatch.setattr(probes, "register_probe", readiness.register)
    monkeypatch.setattr(probes, "probe_database", lambda: None)
    monkeypatch.setattr(probes, "probe_migrations", lambda: None)
    probes.register_probes()
    with composition.override(vault=Sealed(), arbitrum=OtherChain()):
        assert readiness.check() == {
            "database": "ok",
            "migrations": "ok",
            "vault": "sealed",
            "rpc_testnet": "chain_id",
            "rpc_mainnet": "chain_id",
        }

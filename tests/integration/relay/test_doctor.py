"""`manage.py doctor` on a real chain, Vault and database: all well, and each thing it must find."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from delegations.models import Delegation
from ostium_service import composition
from ostium_service.types import Network
from relay.models import Signer
from relay.services import create_delegate
from sandbox import actors
from sandbox.openbao import VaultAccess
from tests.integration.relay.conftest import ADDRESSES, World, configure
from tests.integration.relay.steps import use_key_elsewhere

NAMES = [
    *(
        "database",
        "migrations",
        "vault",
        "vault_policy",
        "chain_testnet",
        "contracts_testnet",
        "trading_domain_testnet",
    ),
    *("audit_trail", "signer_key", "signer_gas", "signer_nonce", "delegation_drift", "delegation_watch"),
    "venue_storage_testnet",
]


def examine() -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and verdict and reason by name."""
    out, code = StringIO(), 0
    try:
        call_command("doctor", "--json", stdout=out)
    except CommandError as error:
        code = error.returncode
    findings = json.loads(out.getvalue())["findings"]
    assert all(set(finding) == {"name", "verdict", "why", "facts"} for finding in findings)
    return code, {finding["name"]: (finding["verdict"], finding["why"]) for finding in findings}


def test_a_healthy_installation(world: World) -> None:
    assert examine() == (0, dict.fromkeys(NAMES, ("ok", "")))
    out = StringIO()
    call_command("doctor", stdout=out)
    assert [line.split()[:2] for line in out.getvalue().splitlines()] == [["ok", name] for name in NAMES]


def halt(world: World, settings: Settings) -> None:
    Signer.objects.update(state="halted")


def run_ahead(world: World, settings: Settings) -> None:
    Signer.objects.update(next_nonce=7)


def use_elsewhere(world: World, settings: Settings) -> None:
    use_key_elsewhere(world, nonce=0)


def name_another_signer(world: World, settings: Settings) -> None:
    stranger = actors.create_account(rpc_url=world.rpc_url)
    Signer.objects.update(address=stranger.address)


def move_usdc(world: World, settings: Settings) -> None:
    configure(settings, "USDC_ADDRESS", "0x" + "77" * 20)


def confuse_trading(world: World, settings: Settings) -> None:
    configure(settings, "TRADING_ADDRESS", ADDRESSES.usdc)


def lose_the_node(world: World, settings: Settings) -> None:
    configure(settings, "RPC_URL", "http://127.0.0.1:1")


def drift(world: World, settings: Settings) -> None:
    Delegation.objects.create(
        user_id="ann",
        network="testnet",
        safe_address=world.trader.address,
        delegate_address=world.delegate,
        trading_contract=ADDRESSES.trading,
        status="ACTIVE",
        chain_delegate="0x" + "99" * 20,
        checked_at="2026-11-01T00:00:00Z",
    )


FAULTS: dict[str, tuple[Callable[[World, Settings], None], int, str, tuple[str, str]]] = {
    "a halted signer": (halt, 1, "signer_state", ("failed", "halted")),
    "a nonce ahead of the chain": (run_ahead, 3, "signer_nonce", ("warning", "chain_is_behind")),
    "a key used elsewhere": (use_elsewhere, 1, "signer_nonce", ("failed", "chain_is_ahead")),
    "a signer without a key": (name_another_signer, 1, "signer_key", ("failed", "missing")),
    "no contract there": (move_usdc, 1, "contracts_testnet", ("failed", "no_code")),
    "another contract there": (confuse_trading, 1, "trading_domain_testnet", ("failed", "no_domain_separator")),
    "no node": (lose_the_node, 1, "chain_testnet", ("failed", "rpc_no_connection")),
    "drift": (drift, 1, "delegation_drift", ("failed", "drift")),
}


@pytest.mark.parametrize(("spoil", "code", "name", "finding"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_is_found(
    world: World,
    settings: Settings,
    spoil: Callable[[World, Settings], None],
    code: int,
    name: str,
    finding: tuple[str, str],
) -> None:
    spoil(world, settings)
    found_code, found = examine()
    assert (found_code, found[name]) == (code, finding)


def test_v8_a_token_that_may_write_fails(world: World, settings: Settings, vault_dev: VaultAccess) -> None:
    settings.VAULT_ROLE_ID = settings.VAULT_SECRET_ID = ""
    settings.VAULT_TOKEN = vault_dev.operator_token
    composition.reset()
    code, found = examine()
    assert (code, found["vault_policy"]) == (1, ("failed", "too_wide"))


def test_an_empty_account_is_a_warning(world: World, vault_dev: VaultAccess) -> None:
    create_delegate(network=Network.TESTNET, purpose=Signer.Purpose.RELAYER, operator_token=vault_dev.operator_token)
    code, found = examine()
    assert (code, found["signer_gas"]) == (3, ("warning", "gas_low"))


def test_a_retired_signer_whose_key_is_still_there_is_a_warning(world: World) -> None:
    Signer.objects.update(state="retired")
    code, found = examine()
    expected: tuple[Any, ...] = ("warning", "retired_key_still_there")
    assert (code, found["signer_key"], found["signers_testnet"]) == (3, expected, ("warning", "no_active_signer"))

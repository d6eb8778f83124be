"""`create_delegate`, `register_delegate` and `fund_check` on a real chain and Vault."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from ostium_service import composition
from ostium_service.types import Address, Network
from relay.models import Signer, SignerEvent
from sandbox import actors
from sandbox.openbao import VaultAccess
from tests.integration.relay.conftest import World
from tests.support.wiring import point_service

ADA = ("--yes", "--actor", "ada", "--reason", "more Safes than before")
NEW = ("create_delegate", "--network", "testnet")


def run(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON."""
    out, code = StringIO(), 0
    try:
        call_command(*words, stdout=out, stderr=StringIO())
    except CommandError as error:
        code = error.returncode
    return code, json.loads(out.getvalue() or "{}")


def test_a_new_delegate_is_made_at_once_and_says_who_and_why(
    world: World, vault_dev: VaultAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_OPERATOR_TOKEN", raising=False)
    dry = {"dryRun": True, "network": "testnet", "purpose": "delegate", "active": 1}
    assert run(*NEW, "--dry-run") == (0, dry)
    assert run(*NEW, *ADA) == (2, {}), "nobody makes a key without the operator's token"
    monkeypatch.setenv("VAULT_OPERATOR_TOKEN", vault_dev.operator_token)
    assert run(*NEW, "--actor", "ada lovelace") == (2, {})
    code, made = run(*NEW, *ADA)
    assert (code, set(made)) == (0, {"dryRun", "network", "address", "purpose"})
    signer = Signer.objects.get(address=made["address"])
    assert composition.vault().delegate_key(Network.TESTNET, Address(signer.address)).address == signer.address
    events = SignerEvent.objects.filter(signer=signer).values_list("what", "actor", "reason")
    assert list(events) == [("registered", "staff ada", "more Safes than before")]

    register = ("register_delegate", "--network", "testnet", "--address", made["address"])
    assert run(*register, "--dry-run")[1]["state"] == "active"
    assert run(*register, *ADA) == (0, made)
    assert SignerEvent.objects.filter(signer=signer).count() == 1, "twice is as good as once"
    assert run(*register[:-1], "0x12", *ADA) == (2, {})


def test_an_address_is_registered_without_a_word_more_than_its_name(world: World) -> None:
    """As the contract writes the command; the account of the machine stands for a person then."""
    address = world.delegate
    Signer.objects.filter(address=address).delete()
    code, made = run("register_delegate", "--network", "testnet", "--address", address)
    assert (code, made["address"]) == (0, address)
    event = SignerEvent.objects.get(signer__address=address)
    assert (event.what, event.reason, event.actor.partition(" ")[0]) == ("registered", "no reason given", "account")


def test_fund_check_says_who_needs_how_much(world: World, settings: Settings, vault_dev: VaultAccess) -> None:
    wanted = {"network": "testnet", "address": world.delegate, "purpose": "delegate", "state": "active"}
    wanted |= {"ether": "1", "wanted": "0.0012", "send": "0"}
    code, found = run("fund_check", "--json")
    assert (code, found["signers"][0] | {"ether": "1"}) == (0, wanted)
    actors.fund_native(rpc_url=world.rpc_url, address=world.delegate, wei=2 * 10**14)
    code, found = run("fund_check", "--network", "testnet", "--json")
    assert (code, found) == (3, {"signers": [wanted | {"ether": "0.0002", "send": "0.001"}]})
    point_service(settings, rpc_url="http://127.0.0.1:9", vault=vault_dev)
    assert run("fund_check", "--json") == (1, {})
    Signer.objects.update(state="retired")
    assert run("fund_check", "--json") == (0, {"signers": []}), "nobody asks a node for what retired"

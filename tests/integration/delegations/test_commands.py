"""The operators' commands on a real chain and a real Vault: what they do, what they leave, how they end."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from delegations import services
from delegations.models import Delegation, SafeTransaction
from delegations.services import Signed, execute_signed
from ostium_service import composition
from ostium_service.gateways.failures import KeyMissing
from ostium_service.gateways.ostium_contracts import encode_remove_delegate
from ostium_service.http.errors import DelegateUnknown
from ostium_service.types import Network
from relay.models import OutboundTransaction, Signer, SignerEvent
from sandbox import addresses
from sandbox.environment import build_command_environment, make_secrets
from tests.integration.delegations.conftest import ZERO, Desk, grant_of, sign_all, story
from tests.support import services as processes
from tests.support.safes import sign_digest

BOB = ("--actor", "bob", "--reason", "leaked laptop", "--yes")
ROOT = Path(__file__).resolve().parents[3]


def run(*words: str) -> dict[str, Any]:
    """The JSON of a command that ended well."""
    code, answer = attempt(*words)
    assert code == 0, answer
    return answer


def attempt(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the JSON if there was one."""
    out, code = StringIO(), 0
    try:
        call_command(words[0], *words[1:], "--json", stdout=out, stderr=StringIO())
    except CommandError as error:
        code = error.returncode
    return code, json.loads(out.getvalue() or "{}")


def execute(row: SafeTransaction, signature: bytes) -> None:
    """As the user would, with what the owners signed."""
    delegation = row.delegation
    signed = Signed(
        user_id=delegation.user_id,
        network=Network.TESTNET,
        safe=delegation.safe,
        kind=SafeTransaction.Kind(row.kind),
        signatures=[signature],
        safe_tx_hash=row.safe_tx_hash,
        submit=None,
    )
    execute_signed(signed=signed, actor=f"user {delegation.user_id}")


def settle_everything() -> None:
    """As the worker does once the blocks are safe."""
    OutboundTransaction.objects.filter(state="MINED").update(state="FINAL")


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    row = desk.activate(desk.new_safe())
    before = story(row)
    for words in (("revoke_delegation", "--all"), ("suspend_delegations", "--all"), ("sync_delegations",)):
        network = ("--network", "testnet") if "--all" in words else ()
        assert run(*words, *network)["dryRun"] is True
    run("retire_delegate", "--network", "testnet", "--address", desk.delegate)
    row.refresh_from_db()
    assert (row.suspended, story(row), Signer.objects.get().state) == (False, before, "active")


@pytest.mark.parametrize(
    "words",
    [
        ("revoke_delegation",),
        ("revoke_delegation", "--all"),
        ("revoke_delegation", "--all", "--network", "testnet", "--user", "ann"),
        ("revoke_delegation", "--safe", "0x12"),
        ("revoke_delegation", "--user", "ann", "--yes", "--reason", " "),
        ("revoke_delegation", "--user", "ann", "--yes", "--actor", "bob smith", "--reason", "x"),
        ("revoke_delegation", "--user", "ann", "--yes", "--actor", "nobody", "--reason", "x"),
        ("revoke_delegation", "--user", "ann", "--signature", "zz"),
        ("revoke_delegation", "--user", "nobody", "--signature", "0x00"),
        ("revoke_delegation", "--user", "ann", "--destroy-key", *BOB),
        ("retire_delegate", "--network", "testnet", "--address", "12"),
    ],
)
def test_wrong_usage_is_exit_code_2(desk: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.delenv("VAULT_OPERATOR_TOKEN", raising=False)
    assert attempt(*words) == (2, {})


def test_wrong_usage_is_exit_code_2_of_the_process_too(transactional_db: None) -> None:
    environment = build_command_environment(database_url=processes.test_database_url(), service_secrets=make_secrets())
    for words in (["revoke_delegation", "--nonsense"], ["revoke_delegation"]):
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        assert done.returncode == 2, done.stderr


def test_revoking_suspends_at_once_and_says_what_owners_must_sign(desk: Desk) -> None:
    safes = [desk.new_safe(), desk.new_safe(owners=2, threshold=2)]
    rows = [desk.activate(safe, user=user) for safe, user in zip(safes, ("ann", "ben"), strict=True)]
    answer = run("revoke_delegation", "--all", "--network", "testnet", *BOB)

    assert (answer["selected"], answer["suspended"], answer["failures"]) == (2, 2, [])
    assert [item["result"] for item in answer["items"]] == ["to_be_signed"] * 2
    assert [item["threshold"] for item in answer["items"]] == [1, 2]
    for row, item in zip(rows, answer["items"], strict=True):
        row.refresh_from_db()
        assert (row.status, row.suspended, row.suspended_by) == ("ACTIVE", True, "staff bob")
        assert story(row)[-3:] == ["suspended", "revoke_prepared", "revocation_requested"]
        assert item["safeTxData"]["data"] == "0x36fb8b15"
        assert row.safe_transactions.get(kind="revoke").safe_tx_hash == item["safeTxHash"]

    again = run("revoke_delegation", "--all", "--network", "testnet", *BOB)
    assert (again["suspended"], [item["safeTxHash"] for item in again["items"]]) == (
        0,
        [item["safeTxHash"] for item in answer["items"]],
    )


def test_stopping_waits_for_no_name(desk: Desk) -> None:
    """The account of the machine stands for a person that nobody named."""
    row = desk.activate(desk.new_safe())
    assert run("suspend_delegations", "--safe", row.safe_address, "--yes")["dryRun"] is False
    row.refresh_from_db()
    event = row.events.latest("id")
    assert (row.suspended, event.what, event.actor.partition(" ")[0]) == (True, "suspended", "account")
    assert event.evidence["reason"] == "no reason given"


def test_revoking_with_signatures_takes_the_delegate_off_the_chain(desk: Desk) -> None:
    safe = desk.new_safe(owners=2, threshold=2)
    row = desk.activate(safe)
    words = ("revoke_delegation", "--id", str(row.pk))
    digest = run(*words, *BOB)["items"][0]["safeTxHash"]
    first, second = ("0x" + sign_digest(owner, digest).hex() for owner in safe.owners)

    code, partly = attempt(*words, "--signature", first, *BOB)
    assert (code, partly["items"][0]["result"], partly["items"][0]["missing"]) == (3, "signatures_missing", 1)
    done = run(*words, "--signature", second, *BOB)
    row.refresh_from_db()
    assert (done["items"][0]["result"], row.status) == ("revoked", "REVOKED")
    assert (desk.delegate_on_chain(safe), grant_of(safe)) == (ZERO, (desk.delegate, "withdrawn"))


def test_a_delegation_that_is_not_on_chain_any_more_is_corrected(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    safe.execute(to=addresses.TRADING, data=encode_remove_delegate())
    answer = run("revoke_delegation", "--safe", safe.address, *BOB)
    row.refresh_from_db()
    assert (answer["items"][0]["result"], row.status) == ("not_on_chain", "REVOKED")


def test_a_failure_among_many_is_exit_code_3_and_the_others_are_done(desk: Desk) -> None:
    desk.activate(desk.new_safe())
    lost = desk.activate(desk.new_safe(), user="ben")
    Delegation.objects.filter(pk=lost.pk).update(safe_address="0x" + "55" * 20)
    code, answer = attempt("revoke_delegation", "--all", "--network", "testnet", *BOB)
    assert (code, answer["suspended"], len(answer["items"]), len(answer["failures"])) == (3, 2, 1, 1)
    assert answer["failures"][0]["error"].startswith("SAFE_WALLET_MISSING")


def test_an_interrupted_run_says_so_and_is_finished_by_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("ann", "ben"):
        desk.activate(desk.new_safe(), user=user)
    real = services.request_revocation
    asked: list[str] = []

    def interrupted(**named: Any) -> Any:
        asked.append(str(named["delegation_id"]))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(**named)

    monkeypatch.setattr(services, "request_revocation", interrupted)
    code, answer = attempt("revoke_delegation", "--all", "--network", "testnet", *BOB)
    assert (code, answer["interrupted"], answer["suspended"], len(answer["items"])) == (3, True, 2, 1)
    assert len(run("revoke_delegation", "--all", "--network", "testnet", *BOB)["items"]) == 2


def test_ctrl_c_where_no_step_can_be_told_from_another_is_exit_code_3_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(services, "sync_delegations", interrupted)
    assert attempt("sync_delegations", *BOB) == (3, {})


def test_syncing_corrects_what_the_chain_contradicts(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    safe.execute(to=addresses.TRADING, data=encode_remove_delegate())
    answer = run("sync_delegations", *BOB)
    row.refresh_from_db()
    assert (answer["live"], answer["checked"], row.status) == (1, 1, "REVOKED")


def test_d8_rotation_moves_the_safe_and_ends_with_the_key_destroyed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_OPERATOR_TOKEN", desk.operator_token)
    safe, old = desk.new_safe(), desk.delegate
    desk.activate(safe)
    words = ("rotate_delegate", "--network", "testnet", "--address", old)
    assert attempt(*words, *BOB) == (1, {})
    assert Signer.objects.get(address=old).state == "active"

    new = desk.new_delegate()
    assert run(*words)["items"][0]["safe"] == safe.address
    code, begun = attempt(*words, *BOB)
    item, retirement = begun["items"]
    assert (code, item["to"], item["safeTxHash"][:2]) == (3, new, "0x")
    assert (retirement["state"], retirement["active"], retirement["named_on_chain"]) == ("retiring", 1, 1)
    assert attempt(*words, *BOB)[1]["items"][0]["safeTxHash"] == item["safeTxHash"]

    signature = sign_digest(safe.owners[0], item["safeTxHash"])
    move = Delegation.objects.get(delegate_address=new).safe_transactions.get()
    execute(move, signature)
    assert (desk.delegate_on_chain(safe), grant_of(safe)) == (new, (new, "active"))

    settle_everything()
    done = run("retire_delegate", "--network", "testnet", "--address", old, *BOB)["items"][0]
    assert (done["state"], done["destroyed"]) == ("retired", 1)
    assert list(SignerEvent.objects.filter(signer__address=old).values_list("what", "actor", "reason")) == [
        (what, "staff bob", "leaked laptop") for what in ("retiring", "retired", "key_destroyed")
    ]
    with pytest.raises(KeyMissing, match="missing"):
        composition.vault().delegate_key(Network.TESTNET, old)
    register = ("register_delegate", "--network", "testnet", "--address", old, *BOB)
    with pytest.raises(CommandError):
        call_command(*register)


def test_d8_an_approval_of_a_retiring_delegate_is_not_executed(desk: Desk) -> None:
    safe, old = desk.new_safe(), desk.delegate
    prepared = desk.prepare(safe)
    desk.new_delegate()
    attempt("rotate_delegate", "--network", "testnet", "--address", old, *BOB)
    with pytest.raises(DelegateUnknown) as refusal:
        desk.execute(prepared, sign_all(safe, prepared))
    assert refusal.value.details == {"reason": "delegate_retiring"}
    assert desk.delegate_on_chain(safe) == ZERO
    assert desk.prepare(safe).safe_transaction.delegation.delegate_address != old


def test_revoking_with_destroy_key_keeps_a_key_that_others_need(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_OPERATOR_TOKEN", desk.operator_token)
    first, second = desk.new_safe(), desk.new_safe()
    row = desk.activate(first)
    desk.activate(second, user="ben")
    answer = run("revoke_delegation", "--id", str(row.pk), "--destroy-key", *BOB)
    assert answer["items"][-1] == {"delegate": desk.delegate, "keptFor": 1}
    assert Signer.objects.get(address=desk.delegate).state == "active"

"""A9: operators' commands as processes of their own: Ctrl-C, no terminal, an old locale, what machines read."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from delegations.models import Delegation, DelegationEvent
from sandbox.environment import build_command_environment, make_secrets
from sandbox.processes import wait_until
from tests.integration.delegations.conftest import Desk
from tests.support import services as processes

pytestmark = pytest.mark.timeout(240)
ROOT = Path(__file__).resolve().parents[3]
BOB = ("--actor", "bob", "--reason", "leaked laptop", "--yes")
ALL = ("--all", "--network", "testnet")
SAFES = 6


def start(desk: Desk, *words: str, **changes: str) -> subprocess.Popen[bytes]:
    """The command without a terminal."""
    environment = build_command_environment(database_url=processes.test_database_url(), service_secrets=make_secrets())
    environment |= {"OSTIUM_TESTNET_RPC_URL": desk.rpc_url, **changes}
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(child: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Its exit code and everything it wrote."""
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def story_of_all(what: str) -> list[str]:
    """Which delegations have an event of the kind, once for each."""
    return sorted(str(pk) for pk in DelegationEvent.objects.filter(what=what).values_list("delegation_id", flat=True))


def test_a9_ctrl_c_in_a_long_run_and_the_next_run_does_the_rest(desk: Desk) -> None:
    rows = [desk.activate(desk.new_safe(), user=f"user-{number}") for number in range(SAFES)]
    everybody = sorted(str(row.pk) for row in rows)
    child = start(desk, "revoke_delegation", *ALL, "--json", *BOB)
    wait_until(lambda: bool(story_of_all("revoke_prepared")), seconds=60, purpose="the first prepared revocation")
    child.send_signal(signal.SIGINT)
    code, out, err = finish(child)
    assert code == 3, err
    begun: dict[str, Any] = json.loads(out)
    assert begun["interrupted"] is True
    assert 0 < len(story_of_all("revoke_prepared")) < SAFES
    assert story_of_all("suspended") == everybody, "every key is stopped before the first Safe is asked about"

    code, out, err = finish(start(desk, "revoke_delegation", *ALL, "--json", *BOB))
    assert code == 0, err
    done = json.loads(out)
    assert (done["suspended"], sorted(item["id"] for item in done["items"])) == (0, everybody)
    assert story_of_all("revoke_prepared") == everybody
    assert story_of_all("suspended") == everybody


def test_a9_an_old_locale_and_no_terminal_do_not_end_a_run(desk: Desk) -> None:
    row = desk.activate(desk.new_safe(), user="zoë-Ω")
    old = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"}
    code, out, err = finish(start(desk, "suspend_delegations", "--id", str(row.pk), *BOB, **old))
    assert (code, b"zo\\xeb-\\u03a9" in out) == (0, True), err
    code, out, _ = finish(start(desk, "suspend_delegations", "--id", str(row.pk), "--json", **old))
    assert (code, json.loads(out)["items"][0]["user"]) == (0, "zoë-Ω")


def test_a9_the_wrong_network_selects_nothing_and_twice_changes_nothing(desk: Desk) -> None:
    row = desk.activate(desk.new_safe())
    words = ("suspend_delegations", "--safe", row.safe_address, "--json", *BOB)
    for network, suspended in (("mainnet", 0), ("testnet", 1), ("testnet", 0)):
        code, out, err = finish(start(desk, *words, "--network", network))
        assert (code, json.loads(out)["suspended"]) == (0, suspended), err
    assert story_of_all("suspended") == [str(row.pk)]


def test_what_a_command_changes_names_person_command_and_account_in_the_trail(desk: Desk) -> None:
    row = desk.activate(desk.new_safe())
    code, _, err = finish(start(desk, "suspend_delegations", "--id", str(row.pk), *BOB, LOGNAME="opsuser"))
    assert code == 0, err
    change = apps.get_model("staff", "DelegationChange").objects.select_related("pgh_context").latest("pgh_id")
    assert change.suspended
    assert change.pgh_context.metadata == {"person": "bob", "command": "suspend_delegations", "account": "opsuser"}
    assert Delegation.objects.get(pk=row.pk).suspended_by == "staff bob"
    assert os.environ.get("LOGNAME") != "opsuser"

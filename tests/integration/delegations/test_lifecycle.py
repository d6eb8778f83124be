"""The lifecycle's promises that need a story of their own, each on a real Safe."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from eth_abi import encode
from eth_utils.crypto import keccak

from delegations import services
from delegations.models import Delegation, SafeTransaction
from delegations.services import following, settling
from delegations.services.drafting import load_transaction
from delegations.wording import list_notes
from ostium_service.gateways.ostium_contracts import encode_remove_delegate
from ostium_service.gateways.safe import encode_exec_transaction, safe_tx_hash
from ostium_service.types import Network
from relay import services as relay
from relay.models import OutboundTransaction
from sandbox import actors, addresses
from sandbox.node import Node
from tests.integration.delegations.conftest import ZERO, Desk, fresh, grant_of, sign_all, story
from tests.support.safes import OwnedSafe, sign_digest

SET_NOBODY = keccak(text="setDelegate(address)")[:4] + bytes(32)


def act_as(safe: OwnedSafe, *, to: str, data: bytes) -> None:
    """A call in the Safe's name that takes none of its nonces, as an enabled module would make it."""
    node = Node(safe.rpc_url)
    node.request("anvil_impersonateAccount", safe.address)
    node.request("anvil_setBalance", safe.address, hex(10**18))
    fees = {"gas": hex(300_000), "maxFeePerGas": hex(2_000_000_000), "maxPriorityFeePerGas": "0x0"}
    sent = node.request("eth_sendTransaction", {"from": safe.address, "to": to, "data": "0x" + data.hex(), **fees})
    assert actors.wait_outcome(node=node, transaction_hash=str(sent)).succeeded


def test_s10_a_threshold_that_was_raised_meanwhile_wants_one_more(desk: Desk) -> None:
    safe = desk.new_safe(owners=3, threshold=2)
    prepared = desk.prepare(safe)
    signatures = sign_all(safe, prepared)
    act_as(safe, to=safe.address, data=keccak(text="changeThreshold(uint256)")[:4] + encode(["uint256"], [3]))

    assert desk.execute(prepared, signatures).missing == 1
    assert (OutboundTransaction.objects.count(), safe.nonce()) == (0, 0)


def test_s13_d1_a_receipt_of_status_1_with_an_execution_failure_is_a_failure(desk: Desk) -> None:
    """S13 and D1: `setDelegate(0)` reverts inside, the Safe swallows it for its safeTxGas, and the delegate stays."""
    safe = desk.new_safe()
    desk.activate(safe)
    prepared = desk.prepare_revocation(safe)
    row = prepared.safe_transaction
    tx = replace(load_transaction(row), data=SET_NOBODY, safe_tx_gas=80_000)
    digest = safe_tx_hash(chain_id=Network.TESTNET.chain_id, safe=safe.address, tx=tx)
    SafeTransaction.objects.filter(pk=row.pk).update(safe_tx_hash=digest, state="submitted", submitted_by="client")
    sent = safe.send(encode_exec_transaction(tx, sign_digest(safe.owners[0], digest)))
    assert (sent.succeeded, safe.nonce()) == (True, 2)

    services.sweep_submissions(actor="worker")
    ended = fresh(prepared)
    assert (ended.state, ended.last_error, ended.delegation.status) == ("failed", "execution_failure", "ACTIVE")
    assert (desk.delegate_on_chain(safe), grant_of(safe)) == (desk.delegate, (desk.delegate, "active"))
    assert story(ended.delegation)[-1] == "revoke_failed"


def test_a_transaction_prepared_again_knows_nothing_of_what_became_of_it_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relayed revocation that reverted is prepared again and sent by the client: its own receipt decides."""
    safe = desk.new_safe()
    desk.activate(safe)
    prepared = desk.prepare_revocation(safe)
    with monkeypatch.context() as patched:
        patched.setattr(relay, "broadcast", lambda **_: None)
        patched.setattr("delegations.services.executing.follow_until", lambda **_: None)
        desk.execute(prepared, sign_all(safe, prepared))
    dead = fresh(prepared).outbound
    assert dead is not None
    OutboundTransaction.objects.filter(pk=dead.pk).update(state="REVERTED", mined_hash=dead.tx_hash)
    services.follow_safe_transaction(safe_transaction_id=prepared.safe_transaction.pk, actor="worker")
    assert fresh(prepared).state == "failed"

    again = desk.prepare_revocation(safe)
    assert again.safe_transaction.pk == prepared.safe_transaction.pk
    assert (fresh(again).outbound, fresh(again).submitted_by) == (None, "")
    outcome = desk.execute(again, sign_all(safe, again), submit="client")
    assert outcome.call_data is not None
    services.sweep_submissions(actor="worker")
    assert fresh(again).state == "submitted"
    assert safe.send(outcome.call_data).succeeded
    services.sweep_submissions(actor="worker")
    assert (fresh(again).state, fresh(again).delegation.status) == ("executed", "REVOKED")


def test_an_approval_that_runs_after_its_row_has_ended_takes_the_place_of_the_new_wish(desk: Desk) -> None:
    """The client keeps a second approval, the delegate is removed outside, the user asks anew, the call is sent."""
    safe = desk.new_safe()
    first = desk.activate(safe)
    kept = desk.prepare(safe, allowance=None)
    outcome = desk.execute(kept, sign_all(safe, kept), submit="client")
    assert outcome.call_data is not None
    act_as(safe, to=addresses.TRADING, data=encode_remove_delegate())
    services.sync_delegations(actor="worker")
    first.refresh_from_db()
    assert first.status == "REVOKED"
    anew = desk.prepare(safe)
    assert anew.safe_transaction.delegation.pk != first.pk
    assert safe.send(outcome.call_data).succeeded

    services.sweep_submissions(actor="worker")
    assert fresh(kept).state == "executed"
    live = Delegation.objects.get(status="ACTIVE")
    assert (live.user_id, grant_of(safe), desk.delegate_on_chain(safe)) == (
        "ann",
        (desk.delegate, "active"),
        desk.delegate,
    )
    assert not Delegation.objects.filter(status="PENDING").exists()


def test_one_row_that_cannot_be_followed_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    for _ in range(2):
        safe = desk.new_safe()
        prepared = desk.prepare(safe)
        outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
        assert outcome.call_data is not None
        assert safe.send(outcome.call_data).succeeded
        rows.append(prepared)
    settle = settling.settle_client_submission

    def poisoned(*, safe_transaction: SafeTransaction, actor: str) -> None:
        if safe_transaction.pk == rows[0].safe_transaction.pk:
            raise IntegrityError("one_live_delegation_per_wish")
        settle(safe_transaction=safe_transaction, actor=actor)

    monkeypatch.setattr(following, "settle_client_submission", poisoned)
    services.sweep_submissions(actor="worker")
    assert [fresh(row).delegation.status for row in rows] == ["PENDING", "ACTIVE"]


def test_the_database_keeps_one_active_delegation_of_a_safe(desk: Desk) -> None:
    row = desk.activate(desk.new_safe())
    with pytest.raises(IntegrityError, match="one_active_delegation_per_safe"), transaction.atomic():
        Delegation.objects.create(
            user_id="ben",
            network=row.network,
            safe_address=row.safe_address,
            delegate_address=row.delegate_address,
            trading_contract=row.trading_contract,
            status="ACTIVE",
        )


def test_a_prepared_transaction_has_seven_days(desk: Desk) -> None:
    before = timezone.now()
    expires_at = desk.prepare(desk.new_safe()).safe_transaction.expires_at
    assert expires_at is not None
    assert before + timedelta(days=7) <= expires_at <= timezone.now() + timedelta(days=7)


def test_guard_modules_and_a_missing_handler_are_said_at_prepare(desk: Desk) -> None:
    safe, guard, module = desk.new_safe(version="1.3.0"), "0x" + "69" * 20, "0x" + "6a" * 20
    # Any call to it succeeds.
    Node(desk.rpc_url).request("anvil_setCode", guard, "0x00")
    for signature, value in (("setGuard", guard), ("enableModule", module), ("setFallbackHandler", ZERO)):
        act_as(safe, to=safe.address, data=keccak(text=f"{signature}(address)")[:4] + encode(["address"], [value]))
    facts = desk.prepare(safe).facts

    assert (str(facts.guard).lower(), [str(item).lower() for item in facts.modules]) == (guard, [module])
    assert facts.fallback_handler is None
    assert list_notes(facts) == [
        "The Safe has a guard. It was asked and does not refuse this transaction now.",
        "1 module(s) may act for this Safe without its owners' signatures.",
        "The Safe has no fallback handler, so it cannot sign as an owner of another Safe.",
    ]


def test_d8_a_key_that_a_handed_back_approval_names_is_kept_until_that_has_ended(desk: Desk) -> None:
    """D8: the client may still send it, and the Safe would then be left with a delegate whose key is gone."""
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    desk.execute(prepared, sign_all(safe, prepared), submit="client")

    def retire() -> services.Retirement:
        return services.retire_delegate(
            network=Network.TESTNET,
            address=desk.delegate,
            actor="staff bob",
            reason="rotation",
            operator_token=desk.operator_token,
        )

    held = retire()
    assert (held.state, held.handed_out, held.destroyed) == ("retiring", 1, None)
    SafeTransaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    done = retire()
    assert (done.state, done.handed_out, done.destroyed) == ("retired", 0, 1)

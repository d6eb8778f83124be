"""Revoking, and noticing what happens to a delegate behind our back."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from delegations import services
from delegations.models import Delegation, SafeTransaction
from delegations.selectors import tradable_delegation
from delegations.services.doubting import weigh_readings
from delegations.services.moves import Reading
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call, StateRead
from ostium_service.gateways.ostium_contracts import encode_remove_delegate, encode_set_delegate
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import OutboundTransaction
from sandbox import addresses
from tests.integration.delegations.conftest import ZERO, Desk, fresh, grant_of, sent_hash, sign_all, story
from tests.support.safes import OwnedSafe

ELSEWHERE = Address("0x" + "44" * 20)


def status_of(safe: OwnedSafe, *, user: str = "ann") -> services.DelegationStatus:
    return services.read_status(
        user_id=user, network=Network.TESTNET, safe=safe.address, delegate=None, actor=f"user {user}"
    )


def set_delegate_outside(safe: OwnedSafe, delegate: str) -> None:
    assert safe.execute(to=addresses.TRADING, data=encode_set_delegate(Address(delegate))).succeeded


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
def test_d1_revoking_ends_the_delegation_when_the_chain_says_so(desk: Desk, version: str) -> None:
    safe = desk.new_safe(version=version, owners=2, threshold=2)
    desk.activate(safe)
    prepared = desk.prepare_revocation(safe)

    assert prepared.safe_transaction.safe_tx_data["data"] == "0x36fb8b15"
    assert (prepared.safe_transaction.delegation.status, grant_of(safe)) == ("ACTIVE", (desk.delegate, "active"))

    desk.execute(prepared, sign_all(safe, prepared))
    row = fresh(prepared).delegation

    assert (row.status, row.last_error, row.revoke_tx_hash) == ("REVOKED", "", sent_hash(prepared))
    assert (desk.delegate_on_chain(safe), grant_of(safe)) == (ZERO, (desk.delegate, "withdrawn"))
    assert story(row)[-3:] == ["revoke_prepared", "revoke_submitted", "revoked"]
    with pytest.raises(errors.DelegationNotActive):
        tradable_delegation(network=Network.TESTNET, trader=safe.address)


def test_d3_a_prepared_revocation_changes_nothing(desk: Desk) -> None:
    safe = desk.new_safe()
    before = desk.activate(safe)
    desk.prepare_revocation(safe)

    assert Delegation.objects.values().get() == Delegation.objects.filter(pk=before.pk).values().get()
    assert tradable_delegation(network=Network.TESTNET, trader=safe.address).updated_at == before.updated_at


def test_revoked_and_wished_for_again_is_a_new_row(desk: Desk) -> None:
    safe = desk.new_safe()
    first = desk.activate(safe)
    prepared = desk.prepare_revocation(safe)
    desk.execute(prepared, sign_all(safe, prepared))
    second = desk.activate(safe)

    assert first.pk != second.pk
    assert grant_of(safe) == (desk.delegate, "active")
    assert list(Delegation.objects.order_by("created_at").values_list("status", flat=True)) == ["REVOKED", "ACTIVE"]


def test_there_is_nothing_to_revoke_without_a_row(desk: Desk) -> None:
    with pytest.raises(errors.DelegationNotFound):
        desk.prepare_revocation(desk.new_safe())


def test_revoking_what_the_chain_no_longer_has_corrects_the_row(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    safe.execute(to=addresses.TRADING, data=encode_remove_delegate())

    with pytest.raises(errors.DelegationNotActive):
        desk.prepare_revocation(safe)
    row.refresh_from_db()
    assert (row.status, row.last_error, grant_of(safe)) == ("REVOKED", "removed_on_chain", (desk.delegate, "withdrawn"))


def test_executing_a_revocation_that_came_true_otherwise_sends_nothing(desk: Desk) -> None:
    safe = desk.new_safe()
    desk.activate(safe)
    prepared = desk.prepare_revocation(safe)
    sent = OutboundTransaction.objects.count()
    safe.execute(to=addresses.TRADING, data=encode_remove_delegate())
    outcome = desk.execute(prepared, sign_all(safe, prepared))

    assert (outcome.safe_transaction.delegation.status, OutboundTransaction.objects.count()) == ("REVOKED", sent)


def test_status_says_what_the_chain_says(desk: Desk) -> None:
    safe = desk.new_safe()
    nothing = status_of(safe)
    assert nothing.on_chain is not None
    assert (nothing.delegation, nothing.on_chain.delegate, nothing.on_chain.matches) == (None, None, False)

    desk.activate(safe)
    active = status_of(safe)
    assert active.delegation is not None
    assert active.on_chain is not None
    assert (active.delegation.status, active.on_chain.delegate) == ("ACTIVE", desk.delegate)
    assert active.on_chain.matches

    set_delegate_outside(safe, ELSEWHERE)
    replaced = status_of(safe)
    assert replaced.delegation is not None
    assert replaced.on_chain is not None
    assert (replaced.delegation.status, replaced.delegation.last_error) == ("REVOKED", "replaced_on_chain")
    assert (replaced.on_chain.delegate, replaced.on_chain.matches) == (ELSEWHERE, False)
    assert story(replaced.delegation)[-1] == "revoked_on_chain"


def test_d2_the_watcher_finds_the_replaced_among_many(desk: Desk) -> None:
    safes = [desk.new_safe() for _ in range(3)]
    for safe in safes:
        desk.activate(safe)
    set_delegate_outside(safes[1], ELSEWHERE)

    assert services.sync_delegations(actor="worker") == 3
    assert [status_of(safe).delegation.status for safe in safes] == ["ACTIVE", "REVOKED", "ACTIVE"]  # type: ignore[union-attr]
    assert [grant_of(safe)[1] for safe in safes] == ["active", "withdrawn", "active"]  # type: ignore[index]


def test_the_watcher_reads_in_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Delegation(
            user_id="many",
            network="testnet",
            safe_address=f"0x{number:040x}",
            delegate_address=desk.delegate,
            trading_contract=addresses.TRADING,
            status="ACTIVE",
        )
        for number in range(70_000, 70_200)
    ]
    Delegation.objects.bulk_create(rows)
    arbitrum, sizes = composition.arbitrum(Network.TESTNET), []
    read_state = arbitrum.read_state

    def count_calls(calls: Sequence[Call]) -> StateRead:
        sizes.append(len(calls))
        return read_state(calls)

    monkeypatch.setattr(arbitrum, "read_state", count_calls)
    assert services.sync_delegations(actor="worker") == 200
    # Five for the comparison, 40 Safes with their allowances each, and three for the second look at 200 delegates.
    assert sizes == [80] * 5 + [80, 80, 40]
    assert Delegation.objects.filter(status="REVOKED", last_error="removed_on_chain").count() == 200


def test_d4_a_simulation_that_says_replaced_makes_us_look(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    services.mark_replaced(network=Network.TESTNET, trader=safe.address)
    row.refresh_from_db()
    assert row.status == "ACTIVE"

    set_delegate_outside(safe, ELSEWHERE)
    services.mark_replaced(network=Network.TESTNET, trader=safe.address)
    row.refresh_from_db()
    assert (row.status, story(row)[-1]) == ("REVOKED", "revoked_on_chain")


def test_an_older_read_of_the_chain_changes_nothing(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert row.chain_block is not None
    for block in (row.chain_block - 1, row.chain_block):
        assert weigh_readings(readings={row.pk: Reading(None, block)}, actor="lagging node") == []
    row.refresh_from_db()
    assert (row.status, row.doubted_block, grant_of(safe)) == ("ACTIVE", None, (desk.delegate, "active"))

    for block in (row.chain_block + 1, row.chain_block + 2):
        weigh_readings(readings={row.pk: Reading(None, block)}, actor="node")
    row.refresh_from_db()
    assert row.status == "REVOKED"


def test_the_end_of_a_row_is_written_once(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert row.chain_block is not None
    for block in range(row.chain_block + 1, row.chain_block + 5):
        weigh_readings(readings={row.pk: Reading(None, block)}, actor="node")

    assert story(row)[-2:] == ["contradicted_on_chain", "revoked_on_chain"]


def test_a_delegate_set_from_outside_makes_nobodys_wish_active(desk: Desk) -> None:
    safe = desk.new_safe()
    desk.prepare(safe, user="mallory")
    set_delegate_outside(safe, desk.delegate)
    status = status_of(safe, user="mallory")

    assert status.delegation is not None
    assert status.on_chain is not None
    assert (status.delegation.status, status.on_chain.matches, grant_of(safe)) == ("PENDING", True, None)


def test_a_suspended_delegation_is_not_tradable(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    row.suspended = True
    row.save()

    with pytest.raises(errors.DelegationSuspended):
        tradable_delegation(network=Network.TESTNET, trader=safe.address)


def test_a_transaction_sent_by_the_client_is_seen_on_chain(desk: Desk) -> None:
    safe = desk.new_safe(owners=2, threshold=2)
    prepared = desk.prepare(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")

    assert outcome.call_data is not None
    assert (fresh(prepared).state, fresh(prepared).submitted_by) == ("submitted", "client")
    assert OutboundTransaction.objects.count() == 0
    before = status_of(safe).delegation
    assert before is not None
    assert before.status == "PENDING"

    assert safe.send(outcome.call_data).succeeded
    after = status_of(safe).delegation
    assert after is not None
    assert (after.status, grant_of(safe), fresh(prepared).state) == ("ACTIVE", (desk.delegate, "active"), "executed")


def test_the_worker_sees_what_the_client_sent(desk: Desk) -> None:
    safe = desk.new_safe()
    desk.activate(safe)
    prepared = desk.prepare_revocation(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
    assert outcome.call_data is not None
    assert services.sweep_submissions(actor="worker") == 1
    assert fresh(prepared).state == "submitted"

    safe.send(outcome.call_data)
    assert services.sweep_submissions(actor="worker") == 1
    assert (fresh(prepared).state, fresh(prepared).delegation.status) == ("executed", "REVOKED")
    assert services.sweep_submissions(actor="worker") == 0


def test_a_handed_back_transaction_whose_nonce_went_elsewhere_is_stale(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    desk.execute(prepared, sign_all(safe, prepared), submit="client")
    safe.execute(to=safe.owners[0].address, data=b"")
    status = status_of(safe)

    assert status.delegation is not None
    assert (fresh(prepared).state, status.delegation.status, status.delegation.last_error) == (
        "stale",
        "PENDING",
        "nonce_taken",
    )


def test_a_transaction_handed_back_may_still_be_relayed(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    desk.execute(prepared, sign_all(safe, prepared), submit="client")
    desk.execute(prepared, sign_all(safe, prepared), submit="relay")

    assert (fresh(prepared).submitted_by, fresh(prepared).delegation.status) == ("relay", "ACTIVE")


def test_client_submissions_are_watched_for_a_day(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    desk.execute(prepared, sign_all(safe, prepared), submit="client")
    SafeTransaction.objects.update(updated_at=timezone.now() - timedelta(days=2))

    assert services.sweep_submissions(actor="worker") == 0

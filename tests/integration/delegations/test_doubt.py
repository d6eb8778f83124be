"""One answer of a lagging node ends nothing: trading stops at once, and a later block decides."""

from collections.abc import Callable, Sequence

import pytest
from django.utils import timezone

from delegations import services
from delegations.models import Delegation
from delegations.selectors import doubted_delegations, drifting, tradable_delegation
from delegations.services import chain as chain_reads
from delegations.services import settling
from delegations.services.doubting import QUIET, weigh_readings
from delegations.services.moves import Reading
from ostium_service.gateways.ostium_contracts import encode_remove_delegate, encode_set_delegate
from ostium_service.http import errors
from ostium_service.types import Address, Network
from sandbox import addresses
from tests.integration.delegations.conftest import Desk, fresh, grant_of, sign_all, story
from tests.support.safes import OwnedSafe

ELSEWHERE = Address("0x" + "44" * 20)
Lookup = Callable[..., tuple[dict[Address, Address | None], int]]


@pytest.fixture
def no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every node behind: no later block is to be had within the call."""

    def refuse(**_: object) -> None:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})

    monkeypatch.setattr("delegations.services.reconciling.read_delegates_after", refuse)


def move_on(safe: OwnedSafe) -> None:
    """One block more; the Safe's nonce is spent with it."""
    assert safe.execute(to=safe.owners[0].address, data=b"").succeeded


def lag_once(monkeypatch: pytest.MonkeyPatch, answer: Address | None) -> None:
    """The next read of delegates is of a node that has not seen what happened, under a newer block's number."""
    real: Lookup = chain_reads._read_delegate  # type: ignore[assignment]
    answers: list[Address | None] = [answer]

    def read(found: object) -> object:
        return answers.pop() if answers else real(found)

    monkeypatch.setattr(chain_reads, "_read_delegate", read)


def test_one_stale_answer_ends_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    move_on(safe)
    lag_once(monkeypatch, None)
    assert services.sync_delegations(actor="worker") == 1
    row.refresh_from_db()

    assert (row.status, row.last_error, row.doubted_block, grant_of(safe)) == (
        "ACTIVE",
        "",
        None,
        (desk.delegate, "active"),
    )
    assert story(row)[-2:] == ["contradicted_on_chain", "confirmed_on_chain"]
    assert not drifting(Delegation.objects.all()).exists()


def test_trading_stops_at_the_first_contradiction_and_a_later_block_ends_it(desk: Desk, no_second_look: None) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert safe.execute(to=addresses.TRADING, data=encode_set_delegate(ELSEWHERE)).succeeded
    services.sync_delegations(actor="worker")
    row.refresh_from_db()

    assert (row.status, row.last_error, grant_of(safe)) == (
        "ACTIVE",
        "contradicted_on_chain",
        (desk.delegate, "withdrawn"),
    )
    assert [item.pk for item in drifting(Delegation.objects.all())] == [row.pk]
    with pytest.raises(errors.DelegationNotActive) as refusal:
        tradable_delegation(network=Network.TESTNET, trader=safe.address)
    assert refusal.value.details == {"reason": "contradicted_on_chain"}

    move_on(safe)
    services.watch_events(actor="worker")
    row.refresh_from_db()
    assert (row.status, row.last_error, row.doubted_block) == ("REVOKED", "replaced_on_chain", None)
    assert (story(row)[-2:], grant_of(safe)) == (
        ["contradicted_on_chain", "revoked_on_chain"],
        (desk.delegate, "withdrawn"),
    )


def test_the_watcher_gives_back_what_stands_after_all_and_a_suspension_stays(desk: Desk, no_second_look: None) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert row.chain_block is not None
    weigh_readings(readings={row.pk: Reading(None, row.chain_block + 1)}, actor="lagging node")
    services.suspend_delegation(delegation_id=row.pk, actor="staff bob", reason="drill")
    assert [item.pk for item in doubted_delegations(network=Network.TESTNET, limit=10)] == [row.pk]
    assert grant_of(safe) == (desk.delegate, "withdrawn")

    for _ in range(2):
        move_on(safe)
    services.watch_events(actor="worker")
    row.refresh_from_db()
    assert (row.status, row.last_error, row.doubted_block, row.suspended) == ("ACTIVE", "", None, True)
    assert grant_of(safe) == (desk.delegate, "active")
    with pytest.raises(errors.DelegationSuspended):
        tradable_delegation(network=Network.TESTNET, trader=safe.address)


@pytest.mark.parametrize("agrees", [True, False])
def test_a_second_answer_of_the_same_block_is_no_second_answer(desk: Desk, agrees: bool) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert row.chain_block is not None
    doubted = row.chain_block + 1
    weigh_readings(readings={row.pk: Reading(None, doubted)}, actor="node")
    delegate = row.delegate if agrees else None
    left = weigh_readings(readings={row.pk: Reading(delegate, doubted)}, actor="node")
    row.refresh_from_db()
    assert ([item.pk for item in left], row.status, row.doubted_block) == ([row.pk], "ACTIVE", doubted)


def test_the_same_block_a_while_later_is_a_second_answer(desk: Desk) -> None:
    """A quiet chain makes no blocks: a delegate that was removed there may not stay in doubt until it does."""
    row = desk.activate(desk.new_safe())
    assert row.chain_block is not None
    reading = Reading(None, row.chain_block + 1)
    weigh_readings(readings={row.pk: reading}, actor="node")
    Delegation.objects.update(checked_at=timezone.now() - QUIET)
    assert weigh_readings(readings={row.pk: reading}, actor="node") == []
    row.refresh_from_db()
    assert (row.status, row.last_error) == ("REVOKED", "removed_on_chain")


def test_a_failure_noted_while_in_doubt_stays_said(desk: Desk) -> None:
    row = desk.activate(desk.new_safe())
    assert row.chain_block is not None
    weigh_readings(readings={row.pk: Reading(None, row.chain_block + 1)}, actor="node")
    Delegation.objects.update(last_error="nonce_taken")
    weigh_readings(readings={row.pk: Reading(row.delegate, row.chain_block + 2)}, actor="node")
    row.refresh_from_db()
    assert (row.status, row.doubted_block, row.last_error) == ("ACTIVE", None, "nonce_taken")


def test_a_revocation_is_prepared_although_one_node_lags(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller may repeat: nothing has ended by it."""
    safe = desk.new_safe()
    row = desk.activate(safe)
    move_on(safe)
    lag_once(monkeypatch, None)
    with pytest.raises(errors.ChainUnavailable) as refusal:
        desk.prepare_revocation(safe)
    assert refusal.value.details == {"reason": "node_behind"}
    assert desk.prepare_revocation(safe).safe_transaction.delegation.pk == row.pk
    assert grant_of(safe) == (desk.delegate, "active")


def test_an_approval_that_ran_is_not_superseded_by_one_stale_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    real: Lookup = chain_reads.read_delegates

    def lag(*, network: Network, safes: Sequence[Address]) -> tuple[dict[Address, Address | None], int]:
        _, block = real(network=network, safes=safes)
        return dict.fromkeys(safes), block

    monkeypatch.setattr(settling, "read_delegates", lag)
    desk.execute(prepared, sign_all(safe, prepared))
    row = fresh(prepared).delegation
    assert (row.status, row.last_error, grant_of(safe)) == ("ACTIVE", "", (desk.delegate, "active"))


def test_without_a_later_block_an_approval_that_ran_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    real: Lookup = chain_reads.read_delegates

    def refuse(**_: object) -> None:
        raise errors.ChainUnavailable(details={"reason": "node_behind"})

    with monkeypatch.context() as patched:
        patched.setattr(settling, "read_delegates", lambda **named: (dict.fromkeys(named["safes"]), real(**named)[1]))
        patched.setattr(settling, "read_delegates_after", refuse)
        desk.execute(prepared, sign_all(safe, prepared))
    assert (fresh(prepared).state, fresh(prepared).delegation.status) == ("submitted", "PENDING")

    assert services.follow_safe_transaction(safe_transaction_id=prepared.safe_transaction.pk, actor="worker")
    assert fresh(prepared).delegation.status == "ACTIVE"


def test_a_handed_back_revocation_of_unseen_effect_ends_by_two_readings(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the Safe's events only the venue tells; a node that has not seen the removal does not make it stale."""
    safe = desk.new_safe()
    desk.activate(safe)
    prepared = desk.prepare_revocation(safe)
    desk.execute(prepared, sign_all(safe, prepared), submit="client")
    monkeypatch.setattr(settling, "find_taker", lambda _: None)
    assert safe.execute(to=addresses.TRADING, data=encode_remove_delegate()).succeeded
    row_id = prepared.safe_transaction.pk
    with monkeypatch.context() as patched:
        lag_once(patched, None)
        patched.setattr(
            settling, "read_delegates_after", lambda **named: ({safe.address: desk.delegate}, named["block"] + 1)
        )
        assert not services.follow_safe_transaction(safe_transaction_id=row_id, actor="worker")
    assert (fresh(prepared).state, fresh(prepared).delegation.status) == ("submitted", "ACTIVE")

    assert services.follow_safe_transaction(safe_transaction_id=row_id, actor="worker")
    assert (fresh(prepared).state, fresh(prepared).delegation.status) == ("executed", "REVOKED")

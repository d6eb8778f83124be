"""Reporting, the allowance alone, readiness, and what the watcher sees."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from delegations import services
from delegations.models import Delegation, WatchMark
from delegations.selectors import drifting, vanished_submissions
from delegations.services import Signed, readiness, watching
from delegations.services.moves import reopen_vanished
from delegations.stages import read_stage
from ostium_service import composition
from ostium_service.gateways.failures import System, Unreachable
from ostium_service.gateways.ostium_contracts import encode_remove_delegate, encode_set_delegate
from ostium_service.http import errors
from ostium_service.types import Address, Network, TxHash, UsdcUnits
from relay.models import OutboundTransaction
from sandbox import actors, addresses
from tests.integration.delegations.conftest import Desk, fresh, grant_of, sign_all, story
from tests.support.safes import OwnedSafe, sign_typed

TENTH = UsdcUnits(100_000)


@pytest.fixture
def fee(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle fee of the local venue, without an index to ask."""
    monkeypatch.setattr(readiness, "read_oracle_fee", lambda **_: TENTH)


def look(safe: OwnedSafe, user: str = "ann") -> services.Readiness:
    return services.read_readiness(user_id=user, network=Network.TESTNET, safe=safe.address, actor=f"user {user}")


def oks(seen: services.Readiness) -> dict[str, bool]:
    return {name: check.ok for name, check in seen.checks.items()}


def test_readiness_follows_a_user_through_the_set_up(desk: Desk, fee: None) -> None:
    safe = desk.new_safe()
    nothing = dict.fromkeys(("safeWallet", "delegation", "usdcBalance", "allowance", "delegateGas", "oracleFee"), False)
    assert oks(look(safe)) == nothing | {"safeWallet": True, "delegateGas": True}

    desk.activate(safe)
    actors.mint_usdc(rpc_url=desk.rpc_url, address=safe.address, units=999_999)
    almost = look(safe)
    assert oks(almost) == {**dict.fromkeys(nothing, True), "usdcBalance": False}
    assert (almost.ready_to_manage, almost.ready_to_open, almost.ready_to_close) == (True, False, True)
    assert almost.checks["usdcBalance"].extra == {"balance": "0.999999"}

    actors.mint_usdc(rpc_url=desk.rpc_url, address=safe.address, units=1)
    assert look(safe).ready_to_open

    actors.fund_native(rpc_url=desk.rpc_url, address=desk.delegate, wei=10**14 - 1)
    assert not look(safe).ready_to_manage


def test_readiness_sees_what_the_chain_sees(desk: Desk, fee: None) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert safe.execute(to=addresses.TRADING, data=encode_remove_delegate()).succeeded
    seen = look(safe)
    row.refresh_from_db()

    assert (seen.checks["delegation"].ok, seen.checks["delegation"].extra) == (False, {"status": "REVOKED"})
    assert (row.status, row.last_error) == ("REVOKED", "removed_on_chain")


def test_what_cannot_be_read_is_said_and_never_a_zero(desk: Desk, settings: Settings, fee: None) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    for endpoints in settings.OSTIUM_ENDPOINTS.values():
        endpoints["RPC_URL"] = "http://127.0.0.1:1"
    composition.reset()
    seen = look(safe)
    row.refresh_from_db()

    assert set(oks(seen).values()) == {False}
    assert {check.message for check in seen.checks.values()} == {readiness.UNREAD}
    assert seen.checks["usdcBalance"].extra == {"balance": None}
    assert seen.checks["allowance"].extra == {"amount": None, "spender": addresses.TRADING_STORAGE}
    assert row.status == "ACTIVE"


def test_a_fee_that_cannot_be_read_closes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    desk.activate(safe)

    def refuse(**_: object) -> UsdcUnits:
        raise Unreachable(System.SUBGRAPH, "connect")

    monkeypatch.setattr(readiness, "read_oracle_fee", refuse)
    seen = look(safe)
    assert (seen.ready_to_manage, seen.ready_to_close, seen.checks["oracleFee"].extra) == (
        True,
        False,
        {"amount": None},
    )


def test_an_address_without_a_safe_is_said(desk: Desk, fee: None) -> None:
    seen = look(OwnedSafe(desk.rpc_url, Address("0x" + "66" * 20), ()))
    assert (seen.checks["safeWallet"].ok, "no Safe" in seen.checks["safeWallet"].message) == (False, True)


def set_allowance(desk: Desk, safe: OwnedSafe, units: int) -> services.Outcome:
    prepared = services.prepare_allowance(
        user_id="ann", network=Network.TESTNET, safe=safe.address, allowance=UsdcUnits(units), actor="user ann"
    )
    row = prepared.safe_transaction
    signed = Signed(
        user_id="ann",
        network=Network.TESTNET,
        safe=safe.address,
        kind=type(row).Kind.ALLOWANCE,
        signatures=[bytes.fromhex(sign_typed(safe.owners[0], prepared.typed_data)[2:])],
        safe_tx_hash=row.safe_tx_hash,
        submit=None,
    )
    return services.execute_signed(signed=signed, actor="user ann")


def test_an_allowance_alone_changes_no_delegation(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    outcome = set_allowance(desk, safe, 5_000_000)
    after = Delegation.objects.get(pk=row.pk)

    assert (outcome.safe_transaction.state, story(row)[-1]) == ("executed", "allowance_set")
    assert (after.status, after.approval_id, after.approval_tx_hash) == (
        "ACTIVE",
        row.approval_id,
        row.approval_tx_hash,
    )
    assert services.reconcile(delegation=after, actor="worker").allowance == 5_000_000
    set_allowance(desk, safe, 0)
    assert services.reconcile(delegation=after, actor="worker").allowance == 0


def test_an_allowance_may_come_before_the_delegation(desk: Desk) -> None:
    safe = desk.new_safe()
    outcome = set_allowance(desk, safe, 7)
    wish = outcome.safe_transaction.delegation

    assert (outcome.safe_transaction.state, wish.status, read_stage(wish).name) == ("executed", "PENDING", "drafted")
    assert desk.activate(safe).pk == wish.pk


def report(safe: OwnedSafe, tx_hash: str) -> Delegation:
    return services.report_submission(
        user_id="ann", network=Network.TESTNET, safe=safe.address, tx_hash=TxHash(tx_hash), actor="user ann"
    )


def test_a_reported_transaction_makes_the_row_active_by_the_chain(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
    assert outcome.call_data is not None
    assert report(safe, "0x" + "77" * 32).status == "PENDING"
    unrelated = safe.execute(to=safe.owners[0].address, data=b"")
    with pytest.raises(errors.SafeTxNotFound):
        report(safe, unrelated.transaction_hash)


def test_a_reported_transaction_counts_once_it_ran(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
    assert outcome.call_data is not None
    sent = safe.send(outcome.call_data)
    for _ in range(2):
        row = report(safe, sent.transaction_hash)
        assert (row.status, row.approval_tx_hash, grant_of(safe)) == (
            "ACTIVE",
            sent.transaction_hash,
            (desk.delegate, "active"),
        )
    assert story(row).count("activated") == 1
    assert OutboundTransaction.objects.count() == 0


def test_a_report_without_a_row_is_refused(desk: Desk) -> None:
    with pytest.raises(errors.DelegationNotFound):
        report(desk.new_safe(), "0x" + "77" * 32)


def watch(desk: Desk) -> int:
    return services.watch_events(actor="worker")


def test_d2_another_delegate_set_outside_is_seen_by_its_event(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    watch(desk)
    other = Address("0x" + "44" * 20)
    assert safe.execute(to=addresses.TRADING, data=encode_set_delegate(other)).succeeded
    assert watch(desk) >= 1
    row.refresh_from_db()

    assert (row.status, row.last_error, read_stage(row).name) == ("REVOKED", "replaced_on_chain", "superseded")
    assert (row.chain_delegate, grant_of(safe)) == (other, (desk.delegate, "withdrawn"))


def test_d1_a_revoked_delegate_that_stands_again_is_drift(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    watch(desk)
    assert safe.execute(to=addresses.TRADING, data=encode_remove_delegate()).succeeded
    watch(desk)
    assert not drifting(Delegation.objects.all()).exists()
    assert safe.execute(to=addresses.TRADING, data=encode_set_delegate(desk.delegate)).succeeded
    watch(desk)

    assert [item.pk for item in drifting(Delegation.objects.all())] == [row.pk]
    assert Delegation.objects.get(pk=row.pk).status == "REVOKED"


def test_the_watcher_settles_what_a_client_sent_without_a_word(desk: Desk) -> None:
    safe = desk.new_safe()
    watch(desk)
    prepared = desk.prepare(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
    assert outcome.call_data is not None
    assert safe.send(outcome.call_data).succeeded
    watch(desk)

    assert fresh(prepared).delegation.status == "ACTIVE"


def test_the_watcher_goes_on_from_where_it_was_and_skips_what_is_too_old(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(desk)
    mark = WatchMark.objects.get()
    head = composition.arbitrum(Network.TESTNET).block("latest").number
    assert mark.block <= head
    monkeypatch.setattr(watching, "LARGEST_RANGE", 1)
    WatchMark.objects.update(block=mark.block - 5)
    watch(desk)
    assert WatchMark.objects.get().block == mark.block - 4
    monkeypatch.setattr(watching, "LARGEST_GAP", 2)
    watch(desk)
    assert WatchMark.objects.get().block >= head


def test_a_node_that_fails_leaves_the_mark(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(desk)
    WatchMark.objects.update(block=3)
    before = WatchMark.objects.get().block

    def refuse(*_: object) -> None:
        raise Unreachable(System.RPC, "connect")

    monkeypatch.setattr(composition.arbitrum(Network.TESTNET), "logs", refuse)
    monkeypatch.setattr(watching, "LARGEST_GAP", 10**9)
    assert watch(desk) == 0
    assert WatchMark.objects.get().block == before


def test_the_comparison_notes_the_allowance_of_every_live_row(desk: Desk) -> None:
    first, second = desk.new_safe(), desk.new_safe()
    desk.activate(first)
    desk.prepare(second)
    assert services.sync_delegations(actor="worker") == 2

    noted = dict(Delegation.objects.values_list("safe_address", "chain_allowance"))
    assert noted == {first.address: Decimal(1_000_000_000), second.address: Decimal(0)}


def test_a_block_that_vanishes_takes_the_right_to_trade_until_it_is_mined_again(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    outbound = OutboundTransaction.objects.get()
    mined = {"state": outbound.state, "mined_hash": outbound.mined_hash}
    OutboundTransaction.objects.filter(pk=outbound.pk).update(state="SENT", mined_hash="", vanished=1)
    for safe_transaction_id in vanished_submissions(limit=10):
        reopen_vanished(safe_transaction_id=safe_transaction_id, actor="worker")
    row.refresh_from_db()
    assert (row.status, grant_of(safe), story(row)[-1]) == (
        "PENDING",
        (desk.delegate, "withdrawn"),
        "approve_block_vanished",
    )

    OutboundTransaction.objects.filter(pk=outbound.pk).update(**mined)
    assert row.approval is not None
    services.follow_safe_transaction(safe_transaction_id=row.approval.pk, actor="worker")
    row.refresh_from_db()
    assert (row.status, grant_of(safe)) == ("ACTIVE", (desk.delegate, "active"))

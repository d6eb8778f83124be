"""Safes that cannot be served, Safes of other users, and outside systems that do not answer."""

import pytest
from django.db import DatabaseError
from eth_abi import encode
from eth_utils.crypto import keccak
from pytest_django import Settings

from delegations import services
from delegations.models import Delegation, DelegationEvent, SafeTransaction
from delegations.services import executing
from ostium_service import composition
from ostium_service.gateways.ostium_contracts import encode_remove_delegate
from ostium_service.http import errors
from ostium_service.types import Address, UsdcUnits
from relay import services as relay
from relay.models import OutboundTransaction, Signer
from sandbox import actors, addresses
from sandbox.node import Node
from tests.integration.delegations.conftest import Desk, fresh, sign_all
from tests.support.safes import OwnedSafe, sign_typed

REVERTING_CODE = "0x60006000fd"


@pytest.mark.parametrize(
    "address",
    [Address("0x" + "66" * 20), Address(addresses.USDC), Address(addresses.TRADING)],
    ids=["plain account", "a token", "the venue"],
)
def test_s17_what_is_no_safe_is_refused(desk: Desk, address: Address) -> None:
    safe = OwnedSafe(desk.rpc_url, address, ())

    with pytest.raises(errors.SafeWalletMissing):
        desk.prepare(safe)
    assert not Delegation.objects.exists()


def test_s17_a_safe_with_unknown_code_is_refused_with_its_version(desk: Desk) -> None:
    safe = desk.new_safe(version="1.3.0")
    Node(desk.rpc_url).request("anvil_setStorageAt", safe.address, "0x" + "0" * 64, copy_of_singleton(desk))

    with pytest.raises(errors.SafeVersionUnsupported) as refusal:
        desk.prepare(safe)
    assert refusal.value.details == {"version": "1.3.0", "reason": "unknown_version_or_master_copy"}


def copy_of_singleton(desk: Desk) -> str:
    """The word of an address with a singleton's code that no table lists."""
    node, elsewhere = Node(desk.rpc_url), "0x" + "67" * 20
    code = node.request("eth_getCode", addresses.SAFE_CONTRACTS["1.3.0"]["GnosisSafeL2"], "latest")
    node.request("anvil_setCode", elsewhere, code)
    return "0x" + elsewhere[2:].rjust(64, "0")


def test_s21_a_safe_that_a_key_of_ours_owns_is_refused(desk: Desk) -> None:
    safe = desk.new_safe(more=[desk.delegate])

    with pytest.raises(errors.TraderNotAllowed) as refusal:
        desk.prepare(safe)
    assert refusal.value.details == {"reason": "service_key_is_owner_or_module"}


def test_s21_a_safe_whose_module_is_a_key_of_ours_is_refused(desk: Desk) -> None:
    safe = desk.new_safe()
    enable = keccak(text="enableModule(address)")[:4] + encode(["address"], [desk.delegate])
    assert safe.execute(to=safe.address, data=enable).succeeded

    with pytest.raises(errors.TraderNotAllowed):
        desk.prepare(safe)


def test_s17_a_guard_that_would_refuse_is_said_before_anybody_signs(desk: Desk) -> None:
    safe, guard = desk.new_safe(version="1.3.0"), "0x" + "68" * 20
    Node(desk.rpc_url).request("anvil_setCode", guard, REVERTING_CODE)
    assert safe.execute(
        to=safe.address, data=keccak(text="setGuard(address)")[:4] + encode(["address"], [guard])
    ).succeeded

    with pytest.raises(errors.SafeTxReverted) as refusal:
        desk.prepare(safe)
    assert refusal.value.details == {"reason": "guard_refused", "guard": guard}


@pytest.mark.parametrize("units", [10**15 + 1, 2**192 - 1])
def test_an_unlimited_allowance_is_refused(desk: Desk, units: int) -> None:
    with pytest.raises(errors.LimitExceeded):
        desk.prepare(desk.new_safe(), allowance=UsdcUnits(units))
    assert not Delegation.objects.exists()


def test_d9_a_safe_of_another_user_is_refused_at_every_step(desk: Desk) -> None:
    safe = desk.new_safe()
    early = desk.prepare(safe, user="bob", allowance=UsdcUnits(1))
    desk.activate(safe, user="ann")

    for attempt in (
        lambda: desk.prepare(safe, user="bob"),
        lambda: desk.execute(early, sign_all(safe, early), user="bob"),
    ):
        with pytest.raises(errors.TraderNotAllowed) as refusal:
            attempt()
        assert refusal.value.details == {"reason": "safe_claimed"}
    assert Delegation.objects.get(status="ACTIVE").user_id == "ann"


def test_a_claim_that_the_chain_contradicts_does_not_stand_in_the_way(desk: Desk) -> None:
    safe = desk.new_safe()
    stale = desk.activate(safe, user="ann")
    assert safe.execute(to=addresses.TRADING, data=encode_remove_delegate()).succeeded
    desk.activate(safe, user="bob")
    stale.refresh_from_db()

    assert (stale.status, stale.last_error) == ("REVOKED", "removed_on_chain")
    assert Delegation.objects.get(status="ACTIVE").user_id == "bob"


def test_two_users_with_the_same_transaction_get_it_relayed_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    anns, bobs = desk.prepare(safe, user="ann"), desk.prepare(safe, user="bob")
    assert anns.safe_transaction.safe_tx_hash == bobs.safe_transaction.safe_tx_hash
    prepare_once = relay.prepare

    def prepare_while_bob_executes(**wanted: object) -> object:
        monkeypatch.setattr(relay, "prepare", prepare_once)
        ready = prepare_once(**wanted)  # type: ignore[arg-type]
        monkeypatch.setattr(relay, "broadcast", lambda **_: None)
        monkeypatch.setattr(executing, "follow_until", lambda **_: None)
        desk.execute(bobs, sign_all(safe, bobs), user="bob")
        return ready

    monkeypatch.setattr(relay, "prepare", prepare_while_bob_executes)
    with pytest.raises(errors.TraderNotAllowed):
        desk.execute(anns, sign_all(safe, anns), user="ann")
    assert (fresh(anns).state, fresh(bobs).state) == ("prepared", "submitted")
    assert OutboundTransaction.objects.count() == 1
    assert Signer.objects.get().next_nonce == 1


def test_a_chain_that_does_not_answer_writes_nothing(desk: Desk, settings: Settings) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    before = list(Delegation.objects.values()), list(SafeTransaction.objects.values())
    for endpoints in settings.OSTIUM_ENDPOINTS.values():
        endpoints["RPC_URL"] = "http://127.0.0.1:1"
    composition.reset()

    for attempt in (
        lambda: desk.prepare(safe),
        lambda: desk.execute(prepared, sign_all(safe, prepared)),
        lambda: desk.execute(prepared, sign_all(safe, prepared), submit="client"),
        lambda: services.reconcile(delegation=fresh(prepared).delegation, actor="user ann"),
    ):
        with pytest.raises(errors.ChainUnavailable):
            attempt()
    assert services.sync_delegations(actor="worker") == 0
    assert (list(Delegation.objects.values()), list(SafeTransaction.objects.values())) == before


def test_without_gas_or_key_nothing_is_written(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    actors.fund_native(rpc_url=desk.rpc_url, address=desk.delegate, wei=0)

    with pytest.raises(errors.DelegateGasLow):
        desk.execute(prepared, sign_all(safe, prepared))
    Signer.objects.update(address="0x" + "99" * 20)
    with pytest.raises(errors.DelegateKeyMissing):
        desk.execute(prepared, sign_all(safe, prepared))
    assert (fresh(prepared).state, OutboundTransaction.objects.count()) == ("prepared", 0)


def test_without_any_delegate_there_is_nothing_to_prepare(desk: Desk) -> None:
    Signer.objects.update(state=Signer.State.HALTED)

    with pytest.raises(errors.DelegateKeyMissing):
        desk.prepare(desk.new_safe())


def test_a_relayer_that_is_missing_hands_the_transaction_back(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    Signer.objects.update(state=Signer.State.HALTED)
    outcome = desk.execute(prepared, [sign_typed(safe.owners[0], prepared.typed_data)])

    assert outcome.call_data is not None


def test_the_story_can_only_grow(desk: Desk) -> None:
    desk.prepare(desk.new_safe())

    with pytest.raises(DatabaseError, match="append-only"):
        DelegationEvent.objects.update(actor="nobody")
    with pytest.raises(DatabaseError, match="append-only"):
        DelegationEvent.objects.all()._raw_delete("default")

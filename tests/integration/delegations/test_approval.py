"""From a prepared approval to ACTIVE, on real Safes."""

import pytest
from eth_abi import encode
from eth_utils.crypto import keccak

from delegations.models import Delegation, SafeTransaction
from delegations.stages import Stage, read_stage
from ostium_service.gateways.safe import MULTI_SEND_130, MULTI_SEND_141, SAFE_TX_FIELDS
from ostium_service.http import errors
from ostium_service.types import Address, UsdcUnits
from relay.models import OutboundTransaction
from sandbox import actors, addresses
from sandbox.node import Node
from tests.integration.delegations.conftest import Desk, fresh, grant_of, sent_hash, sign_all, story
from tests.support.safes import OwnedSafe, point_to_approval, sign_digest, sign_personal, sign_typed


def hash_by_contract(safe: OwnedSafe, row: SafeTransaction) -> str:
    """The Safe's own getTransactionHash of the stored transaction."""
    fields = row.safe_tx_data
    values = [bytes.fromhex(fields[name][2:]) if kind == "bytes" else fields[name] for name, kind in SAFE_TX_FIELDS]
    values = [
        int(value) if kind.startswith("uint") else value
        for value, (_, kind) in zip(values, SAFE_TX_FIELDS, strict=True)
    ]
    types = [kind for _, kind in SAFE_TX_FIELDS]
    data = keccak(text=f"getTransactionHash({','.join(types)})")[:4] + encode(types, values)
    return str(Node(safe.rpc_url).request("eth_call", {"to": safe.address, "data": "0x" + data.hex()}, "latest"))


def allowance_of(safe: OwnedSafe) -> int:
    return int(
        actors.read_contract(
            rpc_url=safe.rpc_url,
            contract="Usdc",
            function="allowance",
            arguments=(safe.address, addresses.TRADING_STORAGE),
        )
    )


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
@pytest.mark.parametrize(("owners", "threshold"), [(1, 1), (3, 2)])
@pytest.mark.parametrize("use_l2", [True, False])
def test_owners_sign_once_and_the_delegation_is_active(
    desk: Desk, version: str, owners: int, threshold: int, use_l2: bool
) -> None:
    safe = desk.new_safe(version=version, owners=owners, threshold=threshold, use_l2=use_l2)
    prepared = desk.prepare(safe)
    row = prepared.safe_transaction

    assert row.safe_tx_hash == hash_by_contract(safe, row)
    assert row.safe_tx_data["to"] == {"1.3.0": MULTI_SEND_130, "1.4.1": MULTI_SEND_141}[version]
    assert (row.delegation.status, row.threshold, row.nonce) == ("PENDING", threshold, 0)
    assert set(row.owners) == {owner.address for owner in safe.owners}

    outcome = desk.execute(prepared, sign_all(safe, prepared))
    delegation = outcome.safe_transaction.delegation

    assert (outcome.missing, outcome.call_data, outcome.replayed) == (0, None, False)
    assert (delegation.status, delegation.last_error, delegation.suspended) == ("ACTIVE", "", False)
    assert desk.delegate_on_chain(safe) == delegation.delegate_address == desk.delegate
    assert allowance_of(safe) == 1_000_000_000
    assert grant_of(safe) == (desk.delegate, "active")
    assert delegation.approval_tx_hash == sent_hash(prepared)
    assert story(delegation) == ["approve_prepared", "approve_submitted", "activated"]
    assert safe.nonce() == 1


def test_without_allowance_it_is_one_plain_call(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe, allowance=None)

    assert prepared.safe_transaction.safe_tx_data["to"] == addresses.TRADING
    assert prepared.safe_transaction.safe_tx_data["operation"] == 0
    desk.execute(prepared, sign_all(safe, prepared))

    assert fresh(prepared).delegation.status == "ACTIVE"
    assert allowance_of(safe) == 0


def test_preparing_again_gives_the_same_transaction(desk: Desk) -> None:
    safe = desk.new_safe()
    first, other, again = desk.prepare(safe), desk.prepare(safe, allowance=UsdcUnits(5)), desk.prepare(safe)

    assert again.safe_transaction.pk == first.safe_transaction.pk != other.safe_transaction.pk
    assert again.typed_data == first.typed_data
    assert Delegation.objects.get().approval_id == first.safe_transaction.pk
    assert story(Delegation.objects.get()) == ["approve_prepared", "approve_prepared"]


def test_executing_again_gives_the_same_answer_and_no_second_transaction(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    first = desk.execute(prepared, sign_all(safe, prepared))
    again = desk.execute(prepared, sign_all(safe, prepared), by_hash=False)

    assert (first.replayed, again.replayed) == (False, True)
    assert again.safe_transaction.delegation == first.safe_transaction.delegation
    assert OutboundTransaction.objects.count() == 1


def test_s6_signatures_are_collected_one_by_one_until_the_threshold(desk: Desk) -> None:
    safe = desk.new_safe(owners=3, threshold=2)
    prepared = desk.prepare(safe)
    one, two = sign_all(safe, prepared)
    outcome = desk.execute(prepared, [one, one])

    assert (outcome.missing, [str(item.owner) for item in outcome.confirmations]) == (1, [str(safe.owners[1].address)])
    assert (fresh(prepared).state, OutboundTransaction.objects.count(), safe.nonce()) == ("prepared", 0, 0)
    assert story(fresh(prepared).delegation) == ["approve_prepared", "approve_confirmed"]
    assert read_stage(fresh(prepared).delegation) == Stage("awaiting_signatures", 1)
    assert [item.owner for item in desk.prepare(safe).safe_transaction.confirmations.all()] == [safe.owners[1].address]

    desk.execute(prepared, [two])
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert read_stage(fresh(prepared).delegation) == Stage("active", 2)


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
def test_every_kind_of_signature_counts(desk: Desk, version: str) -> None:
    safe = desk.new_safe(owners=4, threshold=4, version=version)
    prepared = desk.prepare(safe)
    digest = prepared.safe_transaction.safe_tx_hash
    typed, personal, eth_sign, approving = safe.owners
    raw = bytes.fromhex(sign_personal(eth_sign, digest)[2:])
    safe.approve_hash(owner=approving, digest=digest)
    signatures = [
        point_to_approval(approving),
        "0x" + (raw[:64] + bytes([raw[64] + 4])).hex(),
        sign_personal(personal, digest),
        sign_typed(typed, prepared.typed_data),
    ]

    desk.execute(prepared, signatures)
    assert fresh(prepared).delegation.status == "ACTIVE"


def test_s21_a_hash_that_was_not_approved_on_chain_does_not_count(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)

    with pytest.raises(errors.InvalidSignature) as refusal:
        desk.execute(prepared, [point_to_approval(safe.owners[0])])
    assert refusal.value.details == {"reason": "hash_not_approved", "owner": safe.owners[0].address}
    assert OutboundTransaction.objects.count() == 0


def test_s22_a_strangers_signature_is_refused_by_name(desk: Desk) -> None:
    safe, stranger = desk.new_safe(), actors.create_account(rpc_url=desk.rpc_url)
    prepared = desk.prepare(safe)

    with pytest.raises(errors.SignerNotOwner) as refusal:
        desk.execute(prepared, [sign_typed(stranger, prepared.typed_data)])
    assert refusal.value.details == {"reason": "not_an_owner", "signer": stranger.address}
    assert (fresh(prepared).state, OutboundTransaction.objects.count(), safe.nonce()) == ("prepared", 0, 0)


def change_domain(typed: dict[str, object]) -> dict[str, object]:
    return {**typed, "domain": {**typed["domain"], "chainId": 42161}}  # type: ignore[dict-item]


def change_nonce(typed: dict[str, object]) -> dict[str, object]:
    return {**typed, "message": {**typed["message"], "nonce": "1"}}  # type: ignore[dict-item]


def change_refund(typed: dict[str, object]) -> dict[str, object]:
    return {**typed, "message": {**typed["message"], "gasPrice": "1"}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_domain, "signed_for_mainnet"),
        (change_nonce, "signed_for_later_nonce"),
        (change_refund, "not_an_owner"),
    ],
)
def test_s18_s19_only_exactly_what_was_built_counts(desk: Desk, change: type, reason: str) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)

    with pytest.raises(errors.SignerNotOwner) as refusal:
        desk.execute(prepared, [sign_typed(safe.owners[0], change(prepared.typed_data))])
    assert isinstance(refusal.value.details, dict)
    assert refusal.value.details["reason"] == reason


def test_s18_a_signature_over_the_hash_as_text_is_explained(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    text = prepared.safe_transaction.safe_tx_hash
    signature = sign_personal(safe.owners[0], "0x" + text.encode().hex())

    with pytest.raises(errors.SignerNotOwner) as refusal:
        desk.execute(prepared, [signature])
    assert isinstance(refusal.value.details, dict)
    assert refusal.value.details["reason"] == "signed_hash_as_text"


def test_s11_a_nonce_that_moved_voids_the_signatures(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    safe.execute(to=safe.owners[0].address, data=b"")

    for _ in range(2):
        with pytest.raises(errors.SafeNonceStale):
            desk.execute(prepared, sign_all(safe, prepared))
    assert (fresh(prepared).state, OutboundTransaction.objects.count()) == ("stale", 0)

    anew = desk.prepare(safe)
    desk.execute(anew, sign_all(safe, anew))
    assert fresh(anew).delegation.status == "ACTIVE"
    assert Delegation.objects.count() == 1


def test_s10_an_owner_who_left_between_signing_and_execution_does_not_count(desk: Desk) -> None:
    safe = desk.new_safe(owners=2, threshold=1)
    prepared = desk.prepare(safe)
    signature = sign_typed(safe.owners[0], prepared.typed_data)
    swap = keccak(text="addOwnerWithThreshold(address,uint256)")[:4] + encode(
        ["address", "uint256"], ["0x" + "77" * 20, 2]
    )
    safe.execute(to=safe.address, data=swap)

    with pytest.raises(errors.SafeNonceStale):
        desk.execute(prepared, [signature])


def test_d3_a_second_approval_leaves_the_live_delegation_alone_until_it_runs(desk: Desk) -> None:
    safe = desk.new_safe()
    active = desk.activate(safe)
    second = desk.prepare(safe, allowance=UsdcUnits(7))
    during = fresh(second).delegation

    assert (during.pk, during.status, during.approval_id) == (active.pk, "ACTIVE", active.approval_id)
    assert (during.approval_tx_hash, during.updated_at) == (active.approval_tx_hash, active.updated_at)
    desk.execute(second, sign_all(safe, second))
    after = fresh(second).delegation
    assert (after.status, after.approval_id, allowance_of(safe)) == ("ACTIVE", second.safe_transaction.pk, 7)


def test_another_delegate_supersedes_the_first(desk: Desk) -> None:
    safe = desk.new_safe()
    first = desk.activate(safe)
    other = desk.new_delegate()
    second = desk.activate(safe, delegate=other)
    first.refresh_from_db()

    assert (first.status, first.last_error, story(first)[-1]) == ("REVOKED", "superseded", "superseded")
    assert (second.status, desk.delegate_on_chain(safe)) == ("ACTIVE", other)
    assert grant_of(safe) == (other, "active")


def test_the_delegate_stays_with_the_safe_and_new_safes_go_to_the_least_loaded(desk: Desk) -> None:
    sticky = desk.new_safe()
    desk.prepare(sticky)
    other = desk.new_delegate()

    assert desk.prepare(desk.new_safe()).safe_transaction.delegation.delegate_address == other
    assert desk.prepare(sticky).safe_transaction.delegation.delegate_address == desk.delegate


def test_a_delegate_that_is_not_ours_is_unknown(desk: Desk) -> None:
    with pytest.raises(errors.DelegateUnknown):
        desk.prepare(desk.new_safe(), delegate=Address("0x" + "55" * 20))
    assert not Delegation.objects.exists()


def test_the_signature_of_another_kind_of_transaction_is_not_found(desk: Desk) -> None:
    safe = desk.new_safe()
    desk.activate(safe)
    revocation = desk.prepare_revocation(safe)
    revocation.safe_transaction.kind = SafeTransaction.Kind.APPROVE

    with pytest.raises(errors.SafeTxNotFound):
        desk.execute(revocation, sign_all(safe, revocation))


def test_a_stored_transaction_that_was_tampered_with_is_not_executed(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    row = fresh(prepared)
    row.safe_tx_data = {**row.safe_tx_data, "to": addresses.USDC}
    row.save()

    with pytest.raises(errors.OstiumInternalError):
        desk.execute(prepared, ["0x" + sign_digest(safe.owners[0], row.safe_tx_hash).hex()])
    assert OutboundTransaction.objects.count() == 0

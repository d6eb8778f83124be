"""Signatures that come one by one, contracts that own a Safe, nonces that others take, and time that runs out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from eth_abi import encode
from eth_utils.crypto import keccak

from delegations import services
from delegations.models import Confirmation, Delegation, SafeTransaction
from delegations.services import settling
from delegations.services.chain import read_safe
from delegations.services.drafting import load_transaction
from delegations.stages import read_stage
from ostium_service import composition
from ostium_service.gateways.failures import System, Unreachable
from ostium_service.gateways.safe import (
    SafeTransactionData,
    domain_separator,
    encode_exec_transaction,
    safe_tx_hash,
    transaction_preimage,
)
from ostium_service.http import errors
from ostium_service.types import Address, Network, TxHash
from relay.models import OutboundTransaction
from sandbox.node import Node
from tests.integration.delegations.conftest import Desk, fresh, sign_all, story
from tests.support.safes import OwnedSafe, sign_digest, sign_typed

YES = "0x" + "6320c13b0b60e01b60005260206000f3"
"""Code that answers every question with the legacy EIP-1271 magic."""

NEW_MAGIC = "0x" + "631626ba7e60e01b60005260206000f3"
ONE = "0x" + "600160005260206000f3"
BURNS = "0x" + "5b600056"
REVERTS = "0x60006000fd"
EMPTY = "0x00"


def contract_signature(owner: str, data: bytes) -> str:
    fixed = bytes(12) + bytes.fromhex(owner[2:]) + (65).to_bytes(32, "big") + b"\x00"
    return "0x" + (fixed + len(data).to_bytes(32, "big") + data).hex()


def owned_by_contract(desk: Desk, code: str, version: str = "1.4.1") -> tuple[OwnedSafe, str]:
    owner = "0x" + "00" * 17 + "51a" + f"{abs(hash(code)) % 16**3:03x}"
    Node(desk.rpc_url).request("anvil_setCode", owner, code)
    return desk.new_safe(owners=1, threshold=1, version=version, more=[Address(owner)]), owner


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
def test_s5_another_safe_that_owns_it_signs_by_its_own_owners(desk: Desk, version: str) -> None:
    parent = desk.new_safe(version=version)
    safe = desk.new_safe(owners=1, threshold=2, version=version, more=[parent.address])
    prepared = desk.prepare(safe)
    digest = sign_as_message(parent, safe, prepared.safe_transaction)
    joined = contract_signature(parent.address, sign_digest(parent.owners[0], digest))
    first = desk.execute(prepared, [joined])

    assert (first.missing, [item.kind for item in first.confirmations]) == (1, ["contract"])
    desk.execute(prepared, [sign_typed(safe.owners[0], prepared.typed_data)])
    assert fresh(prepared).delegation.status == "ACTIVE"


def sign_as_message(parent: OwnedSafe, safe: OwnedSafe, row: SafeTransaction) -> str:
    """The hash that the parent's owners sign: its fallback handler wraps what the child Safe asks about."""
    tx = stored_transaction(row)
    message = transaction_preimage(chain_id=Network.TESTNET.chain_id, safe=safe.address, tx=tx)
    struct = keccak(encode(["bytes32", "bytes32"], [keccak(text="SafeMessage(bytes message)"), keccak(message)]))
    domain = domain_separator(chain_id=Network.TESTNET.chain_id, safe=parent.address)
    return "0x" + keccak(b"\x19\x01" + domain + struct).hex()


def stored_transaction(row: SafeTransaction) -> SafeTransactionData:
    return load_transaction(row)


@pytest.mark.parametrize(
    ("code", "is_yes"),
    [(YES, True), (NEW_MAGIC, False), (ONE, False), (BURNS, False), (REVERTS, False), (EMPTY, False)],
)
def test_s5_a_contract_owner_counts_only_when_it_says_so(desk: Desk, code: str, is_yes: bool) -> None:
    safe, owner = owned_by_contract(desk, code)
    prepared = desk.prepare(safe)
    signature = contract_signature(owner, b"any")

    if is_yes:
        desk.execute(prepared, [signature])
        assert fresh(prepared).delegation.status == "ACTIVE"
        return
    with pytest.raises(errors.InvalidSignature) as refusal:
        desk.execute(prepared, [signature])
    assert isinstance(refusal.value.details, dict)
    assert refusal.value.details["reason"] == "contract_signature_refused"
    assert OutboundTransaction.objects.count() == 0


def test_s6_two_owners_at_once_reach_the_threshold(desk: Desk) -> None:
    safe = desk.new_safe(owners=3, threshold=3)
    prepared = desk.prepare(safe)
    signatures = sign_all(safe, prepared)

    def attempt(signature: str) -> int:
        try:
            return desk.execute(prepared, [signature]).missing
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        assert 0 in list(pool.map(attempt, signatures))
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert OutboundTransaction.objects.count() == 1


def test_s10_an_owner_who_left_by_a_module_no_longer_counts(desk: Desk) -> None:
    safe = desk.new_safe(owners=3, threshold=2)
    prepared = desk.prepare(safe)
    early, late = sign_all(safe, prepared)
    desk.execute(prepared, [early])
    remove_owner(desk, safe, gone=safe.owners[1].address)
    outcome = desk.execute(prepared, [late])

    assert (outcome.missing, [str(item.owner) for item in outcome.confirmations]) == (1, [str(safe.owners[0].address)])
    assert list(Confirmation.objects.values_list("owner", flat=True)) == [safe.owners[0].address]
    assert "approve_signatures_void" in story(fresh(prepared).delegation)


def remove_owner(desk: Desk, safe: OwnedSafe, *, gone: str) -> None:
    """The Safe calls itself, as an enabled module would make it, so that its nonce stays."""
    node = Node(desk.rpc_url)
    owners = [owner.address for owner in safe.owners]
    position = sorted_by_list(desk, safe).index(gone)
    before = "0x" + "00" * 19 + "01" if position == 0 else sorted_by_list(desk, safe)[position - 1]
    data = keccak(text="removeOwner(address,address,uint256)")[:4]
    data += encode(["address", "address", "uint256"], [before, gone, 2])
    node.request("anvil_impersonateAccount", safe.address)
    node.request("anvil_setBalance", safe.address, hex(10**18))
    tx = {"from": safe.address, "to": safe.address, "data": "0x" + data.hex(), "gas": hex(300_000)}
    tx |= {"maxFeePerGas": hex(2_000_000_000), "maxPriorityFeePerGas": "0x0"}
    tx_hash = node.request("eth_sendTransaction", tx)
    while node.request("eth_getTransactionReceipt", tx_hash) is None:
        pass
    assert gone in owners


def sorted_by_list(desk: Desk, safe: OwnedSafe) -> list[str]:
    return list(read_safe(network=Network.TESTNET, safe=safe.address).facts.owners)


def test_s11_whoever_took_the_nonce_is_named(desk: Desk) -> None:
    safe = desk.new_safe(owners=2, threshold=2)
    prepared = desk.prepare(safe)
    desk.execute(prepared, [sign_all(safe, prepared)[0]])
    taker = safe.execute(to=safe.owners[0].address, data=b"", signers=2)

    for _ in range(2):
        with pytest.raises(errors.SafeNonceStale) as refusal:
            desk.execute(prepared, sign_all(safe, prepared))
        assert isinstance(refusal.value.details, dict)
        assert refusal.value.details["reason"] == "nonce_taken"
        assert refusal.value.details["takenBy"] == taker.transaction_hash
    assert (fresh(prepared).state, fresh(prepared).taken_by) == ("stale", taker.transaction_hash)
    assert not Confirmation.objects.exists()
    assert read_stage(fresh(prepared).delegation).name == "expired"


def test_s12_a_rejection_of_ours_in_the_safes_own_app_is_told_and_preparing_again_works(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    safe.execute(to=safe.address, data=b"")
    anew = desk.prepare(safe)

    assert (fresh(prepared).state, fresh(prepared).last_error) == ("stale", "nonce_taken")
    desk.execute(anew, sign_all(safe, anew))
    assert fresh(anew).delegation.status == "ACTIVE"


def run_it_elsewhere(safe: OwnedSafe, row: SafeTransaction) -> TxHash:
    """The owners execute our very transaction by the Safe's own app."""
    tx = stored_transaction(row)
    signatures = b"".join(sign_digest(owner, row.safe_tx_hash) for owner in safe.owners[: row.threshold])
    outcome = safe.send(encode_exec_transaction(tx, signatures))
    assert outcome.succeeded
    return TxHash(outcome.transaction_hash)


def test_our_transaction_run_by_another_app_counts_when_an_owner_had_signed_here(desk: Desk) -> None:
    safe = desk.new_safe(owners=2, threshold=2)
    prepared = desk.prepare(safe)
    desk.execute(prepared, [sign_all(safe, prepared)[0]])
    tx_hash = run_it_elsewhere(safe, prepared.safe_transaction)
    outcome = desk.execute(prepared, sign_all(safe, prepared))

    assert (outcome.replayed, outcome.safe_transaction.state) == (True, "executed")
    row = fresh(prepared).delegation
    assert (row.status, row.approval_tx_hash, OutboundTransaction.objects.count()) == ("ACTIVE", tx_hash, 0)


def test_d9_who_only_named_the_safe_gets_nothing_from_its_owners_transaction(desk: Desk) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe, user="mallory")
    tx_hash = run_it_elsewhere(safe, prepared.safe_transaction)

    with pytest.raises(errors.SafeNonceStale):
        desk.execute(prepared, sign_all(safe, prepared), user="mallory")
    with pytest.raises(errors.SafeTxNotFound) as refusal:
        services.report_submission(
            user_id="mallory", network=Network.TESTNET, safe=safe.address, tx_hash=tx_hash, actor="user mallory"
        )
    assert refusal.value.details == {"reason": "no_signature_shown_before"}
    assert not Delegation.objects.filter(status="ACTIVE").exists()


def test_a_prepared_transaction_expires_and_its_signatures_with_it(desk: Desk) -> None:
    safe = desk.new_safe(owners=2, threshold=2)
    prepared = desk.prepare(safe)
    one, two = sign_all(safe, prepared)
    desk.execute(prepared, [one])
    SafeTransaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert services.sweep_submissions(actor="worker") == 1
    with pytest.raises(errors.SafeNonceStale) as refusal:
        desk.execute(prepared, [two])
    assert isinstance(refusal.value.details, dict)
    assert refusal.value.details["reason"] == "expired"
    assert (read_stage(fresh(prepared).delegation).name, Confirmation.objects.count()) == ("expired", 0)

    again = desk.prepare(safe)
    assert again.safe_transaction.safe_tx_hash == prepared.safe_transaction.safe_tx_hash
    assert desk.execute(again, [two]).missing == 1


def test_a_node_without_events_names_nobody_and_believes_the_effect_of_what_was_handed_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    outcome = desk.execute(prepared, sign_all(safe, prepared), submit="client")
    assert outcome.call_data is not None
    assert safe.send(outcome.call_data).succeeded

    def refuse(*_: object) -> None:
        raise Unreachable(System.RPC, "range_refused")

    monkeypatch.setattr(composition.arbitrum(Network.TESTNET), "logs", refuse)
    settling.settle_client_submission(safe_transaction=fresh(prepared), actor="worker")
    assert fresh(prepared).delegation.status == "ACTIVE"


def test_s13_an_execution_failure_that_the_relay_sees_is_a_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = desk.new_safe()
    prepared = desk.prepare(safe)
    monkeypatch.setattr(settling, "read_execution", lambda **_: False)

    with pytest.raises(errors.SafeTxReverted) as refusal:
        desk.execute(prepared, sign_all(safe, prepared))
    assert isinstance(refusal.value.details, dict)
    assert refusal.value.details["reason"] == "execution_failure"
    assert (fresh(prepared).state, fresh(prepared).delegation.status) == ("failed", "FAILED")


def test_s19_the_hash_covers_every_field_that_is_executed(desk: Desk) -> None:
    row = desk.prepare(desk.new_safe()).safe_transaction
    tx = stored_transaction(row)

    assert row.safe_tx_hash == safe_tx_hash(chain_id=Network.TESTNET.chain_id, safe=row.delegation.safe, tx=tx)

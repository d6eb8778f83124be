"""Revocations shown to the owners in their Safe app, and a service there that lags, limits or lies."""

from typing import Any

import pytest
from pytest_django import Settings

from delegations import services
from delegations.services import PreparedTransaction, collecting
from ostium_service import composition
from ostium_service.http import errors
from ostium_service.types import Address, Network
from tests.integration.delegations.conftest import ZERO, Desk, fresh, sign_all, story
from tests.integration.delegations.test_commands import BOB, attempt, run
from tests.integration.delegations.test_safe_app import Office, office, signature_of
from tests.support.safes import OwnedSafe

__all__ = ["office"]


def refusal_of(office: Office, prepared: PreparedTransaction) -> str:
    with pytest.raises(services.ProposalRefused) as refusal:
        office.propose(prepared)
    return refusal.value.token


def test_s15_the_chains_nonce_decides_what_is_proposed(office: Office) -> None:
    safe = office.new_safe(owners=2, threshold=2)
    old = office.revocation(safe)
    office.desk.execute(old, [signature_of(safe, 0, old.safe_transaction)])
    safe.execute(to=safe.owners[0].address, data=b"", signers=2)
    with pytest.raises(errors.SafeNonceStale):
        office.propose(old)
    assert office.service.transactions == {}

    anew = office.desk.prepare_revocation(safe)
    office.desk.execute(anew, [signature_of(safe, 0, anew.safe_transaction)])
    assert (office.service.nonces[safe.address], safe.nonce()) == (1, 2)
    proposal = office.propose(anew)
    assert (proposal.is_service_behind, proposal.missing, anew.safe_transaction.nonce) == (True, 1, 2)
    assert [item["nonce"] for item in office.service.transactions.values()] == ["2"]

    office.service.nonces[safe.address] = 3
    with pytest.raises(errors.ChainUnavailable):
        office.propose(anew)


def test_proposing_again_adds_what_was_signed_since(office: Office) -> None:
    safe = office.new_safe(owners=3, threshold=3)
    prepared = office.revocation(safe)
    row = prepared.safe_transaction
    for place in range(2):
        office.desk.execute(prepared, [signature_of(safe, place, row)])
        for _ in range(2):
            owners = [str(owner) for owner in office.propose(prepared).owners]
            assert owners == [owner.address for owner in safe.owners[: place + 1]]
    posts = [path for method, path, _, _ in office.service.asked if method == "POST"]
    assert len(posts) == story(row.delegation).count("revoke_proposed") == 2
    assert len(office.service.transactions[row.safe_tx_hash]["confirmations"]) == 2


def test_nothing_is_proposed_without_an_owners_signature_or_a_service(office: Office, settings: Settings) -> None:
    safe = office.new_safe(owners=2, threshold=2)
    prepared = office.revocation(safe)
    assert refusal_of(office, prepared) == "no_owner_signature"
    approval = office.desk.prepare(safe)
    office.desk.execute(approval, [signature_of(safe, 0, approval.safe_transaction)])
    assert refusal_of(office, approval) == "not_a_revocation"
    settings.OSTIUM_ENDPOINTS[Network.TESTNET]["SAFE_SERVICE_URL"] = ""
    composition.reset()
    assert refusal_of(office, prepared) == "no_safe_service"
    assert [method for method, *_ in office.service.asked if method == "POST"] == []


def test_s16_something_else_under_our_hash_is_a_security_event(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(collecting, "count_security_event", events.append)
    safe = office.new_safe(owners=2, threshold=2)
    prepared = office.revocation(safe)
    row = prepared.safe_transaction
    evil = {**row.safe_tx_data, "to": safe.owners[1].address}
    office.service.show(safe.address, evil, row.safe_tx_hash, sender=safe.owners[1].address)
    office.service.confirm(row.safe_tx_hash, owner=safe.owners[1].address, signature=signature_of(safe, 1, row))

    outcome = office.desk.execute(prepared, [signature_of(safe, 0, row)])
    assert (outcome.missing, row.confirmations.count()) == (1, 1)
    assert refusal_of(office, prepared) == "hash_mismatch"
    assert events == ["safe_service_hash_mismatch"] * 2
    assert "revoke_proposed" not in story(row.delegation)


@pytest.mark.parametrize(
    ("status", "token"), [(429, "rate_limited"), (503, "server_error"), (401, "unauthorized"), (422, "not_accepted")]
)
def test_s16_trouble_with_the_service_stops_no_owner(office: Office, status: int, token: str) -> None:
    safe = office.new_safe(owners=2, threshold=2)
    prepared = office.revocation(safe)
    row = prepared.safe_transaction
    office.service.refuse_with = (status, {"detail": "upstream words"})

    assert office.desk.execute(prepared, [signature_of(safe, 0, row)]).missing == 1
    assert refusal_of(office, prepared) == token
    assert services.gather_pending(actor="worker") == 1
    office.desk.execute(prepared, sign_all(safe, prepared))
    assert fresh(prepared).delegation.status == "REVOKED"


def revoke(safe: OwnedSafe, *words: str) -> tuple[int, dict[str, Any]]:
    return attempt("revoke_delegation", "--safe", safe.address, "--propose", *words, *BOB)


def test_a_revocation_goes_by_the_safe_app_to_its_end(office: Office) -> None:
    safe = office.new_safe(owners=2, threshold=2)
    delegation = office.desk.activate(safe)
    office.service.nonces[safe.address] = 1
    code, answer = revoke(safe)
    (item,) = answer["items"]
    row = delegation.safe_transactions.get(kind="revoke")
    assert (code, item["result"], item["why"]) == (3, "not_proposed", "no_owner_signature")
    assert (item["safeTxHash"], item["threshold"], office.service.transactions) == (row.safe_tx_hash, 2, {})
    delegation.refresh_from_db()
    assert delegation.suspended

    code, answer = revoke(safe, "--signature", signature_of(safe, 0, row))
    assert (code, answer["items"][0]) == (
        0,
        {
            "id": str(delegation.pk),
            "safe": safe.address,
            "result": "proposed",
            "safeTxHash": row.safe_tx_hash,
            "signedBy": [safe.owners[0].address],
            "missing": 1,
        },
    )
    shown = office.service.transactions[row.safe_tx_hash]
    assert (shown["data"], shown["trusted"], shown["proposer"]) == ("0x36fb8b15", True, safe.owners[0].address)

    second = safe.owners[1].address
    office.service.confirm(row.safe_tx_hash, owner=second, signature=signature_of(safe, 1, row))
    code, answer = revoke(safe)
    assert (code, answer["items"][0]["result"]) == (0, "revoked")
    assert office.desk.delegate_on_chain(safe) == ZERO


def test_s16_a_command_shows_nothing_to_sign_after_a_forgery(office: Office) -> None:
    safe = office.new_safe(owners=2, threshold=2)
    delegation = office.desk.activate(safe)
    prepared = office.desk.prepare_revocation(safe)
    row = prepared.safe_transaction
    evil = {**row.safe_tx_data, "to": safe.address}
    office.service.show(safe.address, evil, row.safe_tx_hash, sender=safe.owners[1].address)

    code, answer = revoke(safe, "--signature", signature_of(safe, 0, row))
    assert code == 3
    assert answer["items"] == [
        {"id": str(delegation.pk), "safe": safe.address, "result": "not_proposed", "why": "hash_mismatch"}
    ]


def test_proposing_without_a_service_is_wrong_usage(desk: Desk) -> None:
    safe = desk.new_safe()
    row = desk.activate(safe)
    assert revoke(safe) == (2, {})
    row.refresh_from_db()
    assert not row.suspended
    assert run("revoke_delegation", "--safe", safe.address)["dryRun"] is True
    assert Address(row.safe_address) == safe.address

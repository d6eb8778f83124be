"""Owners who sign in their Safe app: what is picked up from there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

from delegations import services
from delegations.models import SafeTransaction
from delegations.services import PreparedTransaction
from delegations.stages import read_stage
from relay.models import OutboundTransaction
from sandbox.node import Node
from sandbox.openbao import VaultAccess
from tests.integration.delegations.conftest import Desk, fresh, story
from tests.integration.delegations.test_collecting import NEW_MAGIC, YES, contract_signature
from tests.support.safe_service import FakeSafeService, run_safe_service
from tests.support.safes import OwnedSafe, sign_digest, sign_personal
from tests.support.wiring import point_service


@dataclass(frozen=True)
class Office:
    """The desk, with a Safe Transaction Service beside it."""

    desk: Desk
    service: FakeSafeService

    def new_safe(self, **wishes: Any) -> OwnedSafe:
        """A Safe that the service has seen."""
        safe = self.desk.new_safe(**wishes)
        self.service.know(safe.address, [owner.address for owner in safe.owners])
        return safe

    def show(self, safe: OwnedSafe, prepared: PreparedTransaction) -> None:
        """An owner puts the transaction into the Safe app herself."""
        row = prepared.safe_transaction
        self.service.show(safe.address, row.safe_tx_data, row.safe_tx_hash, sender=safe.owners[0].address)

    def revocation(self, safe: OwnedSafe) -> PreparedTransaction:
        """Of a delegation that is ACTIVE; the service has seen the Safe move."""
        self.desk.activate(safe)
        self.service.nonces[safe.address] = safe.nonce()
        return self.desk.prepare_revocation(safe)

    def propose(self, prepared: PreparedTransaction) -> services.Proposal:
        return services.propose(safe_transaction_id=prepared.safe_transaction.pk, actor="staff bob")


@pytest.fixture
def office(desk: Desk, settings: Settings, vault_dev: VaultAccess) -> Iterator[Office]:
    """The service pointed to a Safe Transaction Service of the test's own."""
    with run_safe_service() as service:
        point_service(settings, rpc_url=desk.rpc_url, vault=vault_dev, safe_service_url=service.url)
        cache.clear()
        yield Office(desk, service)


def signature_of(safe: OwnedSafe, place: int, row: SafeTransaction) -> str:
    return "0x" + sign_digest(safe.owners[place], row.safe_tx_hash).hex()


def test_s6_the_second_owner_signs_in_the_safe_app(office: Office) -> None:
    safe = office.new_safe(owners=3, threshold=2)
    prepared = office.desk.prepare(safe)
    row = prepared.safe_transaction
    late, early = signature_of(safe, 0, row), signature_of(safe, 1, row)
    assert office.desk.execute(prepared, [early]).missing == 1
    office.show(safe, prepared)
    office.service.confirm(row.safe_tx_hash, owner=safe.owners[0].address, signature=late)

    # The owner of the higher address came first: joined in that order a Safe says GS026.
    assert office.desk.execute(prepared, [early]).missing == 0
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert story(fresh(prepared).delegation) == [
        *("approve_prepared", "approve_confirmed", "approve_confirmed"),
        *("approve_submitted", "activated"),
    ]


def test_s6_the_worker_picks_up_what_was_signed_in_the_safe_app(office: Office) -> None:
    safe = office.new_safe(owners=3, threshold=3)
    prepared = office.desk.prepare(safe)
    row = prepared.safe_transaction
    office.desk.execute(prepared, [signature_of(safe, 2, row)])
    office.show(safe, prepared)
    office.service.confirm(row.safe_tx_hash, owner=safe.owners[0].address, signature=signature_of(safe, 0, row))
    before = len(office.service.asked)

    assert [services.gather_pending(actor="worker") for _ in range(2)] == [1, 0]
    assert len(office.service.asked) == before + 1
    assert {*row.confirmations.values_list("owner", flat=True)} == {safe.owners[0].address, safe.owners[2].address}
    assert read_stage(row.delegation).name == "awaiting_signatures"
    event = row.delegation.events.order_by("-id")[0]
    assert (event.what, event.actor, event.evidence) == (
        "approve_confirmed",
        "worker",
        {"owners": [safe.owners[0].address], "collected": 2, "threshold": 3, "source": "safe_service"},
    )


def test_s7_every_kind_of_signature_from_the_safe_app_counts(office: Office) -> None:
    """S7: eth_sign, an approved hash and a contract's signature are kept, so the threshold is no false hope (GS020)."""
    contract = "0x" + "00" * 17 + "51b001"
    Node(office.desk.rpc_url).request("anvil_setCode", contract, YES)
    safe = office.new_safe(owners=3, threshold=4, more=[contract])
    prepared = office.desk.prepare(safe)
    row = prepared.safe_transaction
    typed, personal, approving = safe.owners
    digest = row.safe_tx_hash
    office.desk.execute(prepared, [signature_of(safe, 0, row)])
    office.show(safe, prepared)
    raw = bytes.fromhex(sign_personal(personal, digest)[2:])
    safe.approve_hash(owner=approving, digest=digest)
    office.service.confirm(
        digest, owner=personal.address, signature="0x" + (raw[:64] + bytes([raw[64] + 4])).hex(), kind="ETH_SIGN"
    )
    office.service.confirm(digest, owner=approving.address, signature=None, kind="APPROVED_HASH")
    office.service.confirm(
        digest, owner=contract, signature=contract_signature(contract, b"any"), kind="CONTRACT_SIGNATURE"
    )

    office.desk.execute(prepared, [signature_of(safe, 0, row)])
    assert fresh(prepared).delegation.status == "ACTIVE"
    assert dict(row.confirmations.values_list("owner", "kind")) == {
        typed.address: "eip712",
        personal.address: "eth_sign",
        approving.address: "approved_hash",
        contract: "contract",
    }


def test_what_the_service_holds_counts_only_as_far_as_the_chain_agrees(office: Office) -> None:
    silent = "0x" + "00" * 17 + "51b002"
    Node(office.desk.rpc_url).request("anvil_setCode", silent, NEW_MAGIC)
    safe, other = office.new_safe(owners=4, threshold=4, more=[silent]), office.new_safe()
    prepared = office.desk.prepare(safe)
    row, confirm = prepared.safe_transaction, office.service.confirm
    digest = row.safe_tx_hash
    office.desk.execute(prepared, [signature_of(safe, 0, row)])
    office.show(safe, prepared)
    confirm(digest, owner=other.owners[0].address, signature=signature_of(other, 0, row))
    confirm(digest, owner=safe.owners[1].address, signature=None, kind="APPROVED_HASH")
    confirm(digest, owner=silent, signature=contract_signature(silent, b"any"), kind="CONTRACT_SIGNATURE")
    confirm(digest, owner=safe.owners[2].address, signature="0x" + "00" * 64 + "1b")
    confirm(digest, owner=safe.owners[2].address, signature="0x" + "11" * 64)
    confirm(digest, owner=silent, signature="0x" + "ff" * 64 + "00")
    # Under another owner's name: it counts for the one who signed.
    confirm(digest, owner=safe.owners[2].address, signature=signature_of(safe, 3, row))

    outcome = office.desk.execute(prepared, [signature_of(safe, 0, row)])
    assert (outcome.missing, {str(item.owner) for item in outcome.confirmations}) == (
        2,
        {safe.owners[0].address, safe.owners[3].address},
    )
    assert OutboundTransaction.objects.count() == 0

"""Several rows in one round trip: written as the ORM writes them, all or none."""

from datetime import timedelta

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ostium_service.database import Writes
from ostium_service.types import Network
from relay.models import OutboundTransaction, Signer, TransactionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def signer() -> Signer:
    return Signer.objects.create(network=Network.TESTNET, address="0x" + "11" * 20, purpose="delegate")


def draft(signer: Signer, **changes: object) -> OutboundTransaction:
    """Bytes that hold what a statement's text must not be confused by."""
    fields = {
        "signer": signer,
        "kind": "a; 'b' %s",
        "nonce": 7,
        "to": signer.address,
        "data": b"\x00;%s'",
        "gas_limit": 21_000,
        "deadline": timezone.now() + timedelta(seconds=60),
    }
    return OutboundTransaction(**{**fields, **changes})


def test_rows_are_written_as_the_orm_writes_them_in_one_round_trip(signer: Signer) -> None:
    before = Signer.objects.get().updated_at
    row = draft(signer)
    event = TransactionEvent(transaction=row, from_state="", to_state="SIGNED", reason="r", evidence={"a;b": "%s"})
    signer.next_nonce = 8
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        writes = Writes()
        writes.update(signer, "next_nonce", "updated_at")
        writes.insert(row)
        writes.insert(event)
        writes.run()
    assert len([query for query in asked.captured_queries if "INSERT" in query["sql"]]) == 1

    told = ("kind", "nonce", "to", "data", "gas_limit", "deadline", "state", "mined_hash", "block_number", "vanished")
    stored = OutboundTransaction.objects.get(pk=row.pk)
    assert [getattr(stored, name) for name in told] == [getattr(row, name) for name in told]
    assert row.created_at == stored.created_at
    assert not event.pk
    assert list(stored.events.values_list("to_state", "evidence")) == [("SIGNED", {"a;b": "%s"})]
    assert (Signer.objects.get().next_nonce, Signer.objects.get().updated_at > before) == (8, True)
    row.state = "SENT"
    row.save(update_fields=["state"])
    assert OutboundTransaction.objects.get().state == "SENT"


def test_one_refused_row_undoes_them_all(signer: Signer) -> None:
    writes = Writes()
    signer.next_nonce = 8
    writes.update(signer, "next_nonce")
    writes.insert(draft(signer, nonce=2**80))
    with pytest.raises(DataError), transaction.atomic():
        writes.run()
    assert (Signer.objects.get().next_nonce, OutboundTransaction.objects.count()) == (None, 0)

"""A transaction whose follower is gone is brought to its end by the sweep."""

from datetime import timedelta

from django.utils import timezone

from relay import tasks
from relay.models import OutboundTransaction
from relay.services import broadcast
from relay.services.sweeping import sweep_undecided
from tests.integration.relay.conftest import World
from tests.integration.relay.steps import store
from tests.support.services import wait_for


def test_b3_a_transaction_that_nobody_follows_is_swept(world: World) -> None:
    row = store(world.prepare_open())
    broadcast(transaction_id=row.pk)
    assert sweep_undecided() == 0, "young: whoever stored it follows it"
    OutboundTransaction.objects.update(created_at=timezone.now() - timedelta(minutes=1))

    def is_decided() -> bool:
        tasks.sweep(timestamp=0)
        return OutboundTransaction.objects.get().state == "MINED"

    wait_for(is_decided, seconds=20, purpose="the end of the transaction")
    assert sweep_undecided() == 0
    assert world.mined_nonces() == 1

"""A halted signer shows in /ready and /metrics, and does not take the service out of service."""

import pytest

from ostium_service.http.health import Readiness
from ostium_service.observability.metrics import render_metrics
from relay.models import Signer
from relay.selectors import require_no_halted_signer


def sample(name: str) -> float:
    [line] = [line for line in render_metrics().decode().splitlines() if line.startswith(name + " ")]
    return float(line.split()[-1])


@pytest.mark.django_db(transaction=True)
def test_p4_a_halted_signer_is_shown_and_the_service_stays_ready() -> None:
    readiness = Readiness(budget=10.0, cache=0.0)
    readiness.register("database", lambda: None)
    readiness.register("signers", require_no_halted_signer, informational=True)
    signer = Signer.objects.create(network="testnet", address="0x" + "1" * 40, purpose="delegate")
    assert readiness.check() == {"database": "ok", "signers": "ok"}
    assert (sample('ostium_signers{state="active"}'), sample('ostium_signers{state="halted"}')) == (1, 0)

    signer.state = Signer.State.HALTED
    signer.save()
    checks = readiness.check()
    assert checks == {"database": "ok", "signers": "signer_halted"}
    assert readiness.is_ready(checks)
    assert not readiness.is_ready({**checks, "database": "failed"})
    assert (sample('ostium_signers{state="active"}'), sample('ostium_signers{state="halted"}')) == (0, 1)
    assert sample('ostium_transactions_undecided{state="SENT"}') == 0

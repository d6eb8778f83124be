"""The actions and readings that look at a real chain: check, prepare a revocation, gas, open positions."""

from decimal import Decimal
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from delegations.models import Delegation, SafeTransaction
from ostium_service.types import Address, Network
from sandbox.story import Story
from staff import services
from staff.models import GasReading, PositionReading
from tests.fixtures import SandboxUrls
from tests.support.services import Services
from tests.support.staff_login import act, log_in_staff
from tests.support.wiring import point_service

pytestmark = pytest.mark.timeout(240)
REASON = {"reason": "The owner called us."}


@pytest.fixture
def operator(delegated: Story, services: Services, sandbox: SandboxUrls, settings: Settings) -> Client:
    """An operator at pages of this process, on the chain where the Safe has appointed our delegate."""
    point_service(
        settings,
        rpc_url=sandbox.rpc_url,
        vault=services.vault,
        subgraph_url=sandbox.subgraph_url,
        prices_url=sandbox.prices_url,
    )
    settings.SECURE_SSL_REDIRECT = False
    settings.ALLOWED_HOSTS = ["testserver"]
    return log_in_staff("otto", groups=["Operator"])


def test_what_the_pages_show_is_read_from_the_chain(operator: Client, delegated: Story) -> None:
    row = Delegation.objects.get(safe_address=delegated.safe)
    page = reverse("admin:delegations_delegation_change", args=[row.pk])

    answer = operator.post(reverse("admin:delegation_action", args=[row.pk, "check"]), REASON, follow=True)
    assert f"{row.delegate_address} is the delegate, as the row says" in answer.content.decode()
    reading = PositionReading.objects.get(trader=row.safe_address)
    assert (reading.positions, reading.collateral) == ([], Decimal(0))
    assert row.events.filter(what="check_requested", actor="staff otto").exists()

    assert services.read_gas() == 1
    assert GasReading.objects.get(signer__address=row.delegate_address).wei > 0
    assert services.read_positions(network=Network.TESTNET, traders=[Address(row.safe_address)]) == 1

    answer = act(operator, reverse("admin:delegation_action", args=[row.pk, "revoke"]), REASON["reason"])
    prepared = SafeTransaction.objects.get(delegation=row, kind=SafeTransaction.Kind.REVOKE)
    shown = answer.content.decode()
    assert prepared.safe_tx_hash in shown
    assert prepared.safe_tx_data["data"] in shown
    assert f"https://app.safe.global/home?safe=arb-sep:{row.safe_address}" in shown
    assert Delegation.objects.get(pk=row.pk).status == Delegation.Status.ACTIVE
    assert operator.get(page).status_code == HTTPStatus.OK

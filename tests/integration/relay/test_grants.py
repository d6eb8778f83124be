"""Grants as the gate reads them: a suspension is lifted by a resume and by nothing else."""

import pytest

from ostium_service.types import Address, Network
from safeguards.models import Grant
from safeguards.services import grant_trading, resume_grant, suspend_grant, suspend_grants, withdraw_grant

TRADER = Address("0x1111111111111111111111111111111111111111")
FIRST = Address("0x2222222222222222222222222222222222222222")
SECOND = Address("0x3333333333333333333333333333333333333333")
TESTNET = Network.TESTNET

pytestmark = pytest.mark.django_db


def row() -> tuple[str, str, bool]:
    return Grant.objects.values_list("delegate", "state", "suspended").get(trader=TRADER)


def test_a_suspension_survives_a_new_approval_and_another_delegate() -> None:
    grant_trading(network=TESTNET, trader=TRADER, delegate=FIRST)
    suspend_grant(network=TESTNET, trader=TRADER)
    withdraw_grant(network=TESTNET, trader=TRADER)
    assert row() == (FIRST, "withdrawn", True)
    grant_trading(network=TESTNET, trader=TRADER, delegate=FIRST)
    assert row() == (FIRST, "active", True)
    grant_trading(network=TESTNET, trader=TRADER, delegate=SECOND)
    assert row() == (SECOND, "active", True)
    resume_grant(network=TESTNET, trader=TRADER)
    assert row() == (SECOND, "active", False)


def test_a_resume_does_not_bring_a_withdrawn_grant_back() -> None:
    grant_trading(network=TESTNET, trader=TRADER, delegate=FIRST)
    withdraw_grant(network=TESTNET, trader=TRADER)
    resume_grant(network=TESTNET, trader=TRADER)
    assert row() == (FIRST, "withdrawn", False)


def test_many_are_suspended_at_once_and_only_those_named() -> None:
    grant_trading(network=TESTNET, trader=TRADER, delegate=FIRST)
    grant_trading(network=TESTNET, trader=SECOND, delegate=FIRST)
    assert suspend_grants(network=TESTNET, traders=[TRADER]) == 1
    assert suspend_grants(network=Network.MAINNET, traders=[SECOND]) == 0
    assert set(Grant.objects.values_list("trader", "suspended")) == {(TRADER, True), (SECOND, False)}

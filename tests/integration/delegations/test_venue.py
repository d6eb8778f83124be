"""What is noticed about the venue before anybody signs: contracts it never trades for, and a storage that moved."""

from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak
from pytest_django import Settings

from delegations import services
from delegations.models import Delegation
from delegations.services import readiness
from delegations.services.examining import examine_delegations
from ostium_service import composition
from ostium_service.doctor import Finding, Verdict
from ostium_service.gateways.ostium_contracts import ERROR_SELECTORS
from ostium_service.http import errors
from ostium_service.types import Address, Network, UsdcUnits
from sandbox import actors, addresses
from sandbox.deploy import name_bytes
from sandbox.node import Node
from tests.integration.delegations.conftest import Desk
from tests.integration.delegations.test_setup import fee, look, set_allowance
from tests.support.safes import OwnedSafe

__all__ = ["fee"]

STUB = Address("0x" + "00" * 18 + "5aFE")
NEW_STORAGE = Address("0x5B5B5b5B5b5B5B5b5B5B5b5b5B5B5B5b5B5B5b5b")
NOBODY = "0x" + "00" * 20


def venue_that_reverts(error: str, *, delegate: str = NOBODY) -> str:
    """Code of a venue that names `delegate` for everybody, lets it be set, and reverts everything else with `error`.

    (selector) == delegations: return delegate; == setDelegate: stop; else revert error(caller).
    """
    delegations, set_delegate = (
        keccak(text=text)[:4].hex() for text in ("delegations(address)", "setDelegate(address)")
    )
    head = "5f3560e01c"
    dispatch = f"8063{delegations}14602d57" + f"8063{set_delegate}14604e57"
    refuse = f"63{ERROR_SELECTORS[error].hex()}60e01b5f52" + "33600452" + "60245ffd"
    tell = "5b73" + delegate[2:].lower() + "5f5260205ff3"
    body = head + dispatch + refuse
    assert len(body) // 2 <= 0x2D
    code = body.ljust(0x2D * 2, "0") + tell
    return "0x" + code.ljust(0x4E * 2, "0") + "5b00"


@pytest.fixture
def stub(desk: Desk, settings: Settings) -> Address:
    """The service trades at a venue of the test's own from now on."""
    settings.OSTIUM_ENDPOINTS[Network.TESTNET]["TRADING_ADDRESS"] = STUB
    composition.reset()
    return STUB


def install(desk: Desk, code: str) -> None:
    Node(desk.rpc_url).request("anvil_setCode", STUB, code)


def test_d11_a_venue_that_refuses_contracts_is_found_while_preparing(desk: Desk, stub: Address) -> None:
    safe = desk.new_safe()
    install(desk, venue_that_reverts("IsContract"))
    with pytest.raises(errors.TraderNotAllowed) as refusal:
        desk.prepare(safe, allowance=None)
    assert refusal.value.details == {"reason": "venue_refuses_contracts"}
    assert not Delegation.objects.exists()

    # Any other answer is about the probe, which is no trade that could succeed.
    install(desk, venue_that_reverts("IsPaused"))
    assert desk.prepare(safe, allowance=None).safe_transaction.safe_tx_data["to"] == stub


def active_row(desk: Desk, safe: OwnedSafe) -> Delegation:
    """A row as an earlier venue let it become."""
    return Delegation.objects.create(
        user_id="ann",
        network="testnet",
        safe_address=safe.address,
        delegate_address=desk.delegate,
        trading_contract=STUB,
        status="ACTIVE",
    )


@pytest.mark.parametrize(
    ("error", "is_ok"), [("DelegateForbidden", False), ("IsContract", False), ("IsPaused", True), ("WrongTP", True)]
)
def test_d11_a_delegate_whom_the_venue_refuses_is_found_by_readiness(
    desk: Desk, stub: Address, fee: None, error: str, is_ok: bool
) -> None:
    safe = desk.new_safe()
    install(desk, venue_that_reverts(error, delegate=desk.delegate))
    row = active_row(desk, safe)
    seen = look(safe)

    assert (seen.checks["delegation"].ok, row.status) == (is_ok, "ACTIVE")
    assert ("refuses" in seen.checks["delegation"].message) is not is_ok


@pytest.fixture
def moved(desk: Desk) -> Iterator[None]:
    """The venue has put its storage elsewhere; its registry says so."""
    setter = {"rpc_url": desk.rpc_url, "contract": "Registry", "function": "setContracts"}
    actors.call_as_admin(**setter, arguments=([name_bytes("tradingStorage")], [NEW_STORAGE]))
    composition.reset()
    yield
    actors.call_as_admin(**setter, arguments=([name_bytes("tradingStorage")], [addresses.TRADING_STORAGE]))
    composition.reset()


def allowance_check(safe: OwnedSafe) -> tuple[bool, str, dict[str, object]]:
    check = look(safe).checks["allowance"]
    return check.ok, check.message, check.extra


def test_d7_an_approval_of_the_old_storage_is_told_and_asked_for_again(
    desk: Desk, settings: Settings, fee: None, request: pytest.FixtureRequest
) -> None:
    safe = desk.new_safe()
    desk.activate(safe)
    actors.mint_usdc(rpc_url=desk.rpc_url, address=safe.address, units=10_000_000)
    assert look(safe).ready_to_open
    request.getfixturevalue("moved")

    told = {"amount": None, "spender": NEW_STORAGE}
    assert allowance_check(safe) == (False, readiness.MOVED, told)
    seen = look(safe)
    assert (seen.ready_to_open, seen.ready_to_manage, seen.ready_to_close) == (False, True, False)
    for attempt in (lambda: desk.prepare(safe), lambda: set_allowance(desk, safe, 5)):
        with pytest.raises(errors.NetworkPaused) as refusal:
            attempt()
        assert refusal.value.details == {"reason": "venue_storage_moved"}
    finding = Finding("venue_storage_testnet", Verdict.FAILED, "moved", {"registry": NEW_STORAGE})
    assert finding in list(examine_delegations())
    # What was given to the old one can be taken back.
    assert set_allowance(desk, safe, 0).safe_transaction.state == "executed"

    settings.OSTIUM_ENDPOINTS[Network.TESTNET]["TRADING_STORAGE_ADDRESS"] = NEW_STORAGE
    composition.reset()
    assert allowance_check(safe)[::2] == (False, {"amount": "0", "spender": NEW_STORAGE})
    assert set_allowance(desk, safe, 5_000_000).safe_transaction.state == "executed"
    assert allowance_check(safe)[::2] == (True, {"amount": "5", "spender": NEW_STORAGE})
    assert look(safe).ready_to_open


def test_d7_without_a_registry_the_configured_storage_counts(
    desk: Desk, fee: None, settings: Settings, stub: Address
) -> None:
    """Nobody can be sent anywhere else then, and `doctor` says that the registry names no storage."""
    install(desk, venue_that_reverts("IsPaused", delegate=desk.delegate))
    safe = desk.new_safe()
    assert allowance_check(safe)[::2] == (False, {"amount": "0", "spender": addresses.TRADING_STORAGE})
    assert desk.prepare(safe, allowance=UsdcUnits(1)).safe_transaction.state == "prepared"
    found = {finding.name: finding for finding in examine_delegations()}["venue_storage_testnet"]
    assert (found.verdict, found.why) == (Verdict.FAILED, "rpc_registry")
    assert services.read_contracts(Network.TESTNET).trading == stub

"""Every custom error of the venue, and what a caller is told when a simulation meets it."""

from types import SimpleNamespace
from typing import Any, cast

import eth_abi.abi
import pytest

from ostium_service.gateways.failures import Reverted
from ostium_service.gateways.ostium_contracts import decode_revert
from ostium_service.http import errors
from ostium_service.types import Network
from positions.models import Operation, PerpsExecution
from positions.services import refusals
from positions.services.refusals import FAILED_CODES, describe_refusal
from relay.services import SimulationReverted

TRADER = "0x1111111111111111111111111111111111111111"

CODES = {
    "80a71fc5": "COLLATERAL_TOO_HIGH",
    "f77a8069": "TRIGGER_PENDING",
    "eca695e1": "POSITION_TOO_SMALL",
    "f120e11f": "POSITION_TOO_SMALL",
    "46c4ede2": "EXPOSURE_LIMIT",
    "084986e7": "TRADING_PAUSED",
    "1309a563": "TRADING_PAUSED",
    "5c12ea62": "MAX_PENDING_ORDERS",
    "e6f47fab": "MAX_TRADES_REACHED",
    "2a917859": "DELEGATION_NOT_ACTIVE",
    "502b946d": "DELEGATION_NOT_ACTIVE",
    "a35ee470": "ORDER_NOT_FOUND",
    "8aefb98e": "ORDER_NOT_FOUND",
    "17e08e97": "POSITION_NOT_FOUND",
    "efa9e5be": "ORDER_NOT_RECLAIMABLE",
    "c7fe4d00": "ORDER_NOT_RECLAIMABLE",
    "1add0915": "ORDER_NOT_RECLAIMABLE",
    "3e0b1869": "ORDER_NOT_RECLAIMABLE",
    "5ac89f62": "ORDER_NOT_FOUND",
    "df17e316": "FAUCET_NOT_AVAILABLE",
    "3d693ada": "FAUCET_UNAVAILABLE",
    "cb87b762": "INVALID_MARKET",
    "dd9397bb": "TRIGGER_PENDING",
    "35fe85c5": "LEVERAGE_TOO_HIGH",
    "083fbd78": "INVALID_STOP_LOSS",
    "a41bb918": "INVALID_TAKE_PROFIT",
    "e450d38c": "INSUFFICIENT_BALANCE",
    "fb8f41b2": "ALLOWANCE_MISSING",
}
"""Selectors of facts 2.6 that mean one thing to a caller, whatever the operation."""

OTHERS = {
    "5be5878a": "DelegatedActionFailed",
    "4f285592": "IsContract",
    "093650d5": "NotGov",
    "432b6c83": "NotTradesUpKeep",
    "f3d0b126": "NullAddr",
    "5863f789": "WrongParams",
    "b09e78ce": "DelegateForbidden",
    "4f9cbad0": "DelegateReentrant",
    "1c49f4d1": "InvalidCallData",
    "756688fe": "InvalidNonce",
    "8baa579f": "InvalidSignature",
    "0819bdcd": "SignatureExpired",
    "2a19e833": "NotManager",
    "6dfcc650": "SafeCastOverflowedUintDowncast",
    "24775e06": "SafeCastOverflowedUintToInt",
    "5274afe7": "SafeERC20FailedOperation",
    "fc33f1bd": "NotEmptyIndex",
    "797013df": "RefundOracleFeeFailed",
    "46daa3ad": "NotTrading",
    "3f7084a5": "NotTradingOrCallbacks",
    "bde4d0f1": "NotCallbacks",
    "293ac336": "NotPriceUpKeep",
    "4e487b71": "Panic",
}
"""Errors that no caller can do anything about: the operation's own code, with the name and selector as tokens."""


@pytest.fixture(autouse=True)
def corrected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Traders whose delegation row was told to look at the chain again."""
    told: list[str] = []
    monkeypatch.setattr(refusals, "mark_replaced", lambda **named: told.append(named["trader"]))
    return told


def refuse(data: bytes, operation: str = Operation.OPEN, *, at_simulation: bool = True) -> errors.ServiceError:
    row = cast("PerpsExecution", SimpleNamespace(operation=operation, network=Network.TESTNET, trader_address=TRADER))
    error: Any = SimulationReverted(decode_revert(data)) if at_simulation else Reverted(data)
    return describe_refusal(error=error, execution=row)


@pytest.mark.parametrize(("selector", "code"), CODES.items())
def test_an_error_with_a_code_of_its_own(selector: str, code: str, corrected: list[str]) -> None:
    assert refuse(bytes.fromhex(selector) + bytes(96)).code == code
    assert corrected == ([TRADER] if code == "DELEGATION_NOT_ACTIVE" else [])


@pytest.mark.parametrize(("selector", "name"), OTHERS.items())
def test_an_error_without_one_is_the_operations_failure(selector: str, name: str) -> None:
    refusal = refuse(bytes.fromhex(selector) + bytes(64))
    assert (refusal.code, refusal.details) == ("OPEN_POSITION_FAILED", {"reason": name, "selector": f"0x{selector}"})


@pytest.mark.parametrize("operation", Operation.values)
def test_an_unknown_selector_is_the_failure_of_any_operation(operation: str) -> None:
    refusal = refuse(bytes.fromhex("deadbeef"), operation)
    assert refusal.code == FAILED_CODES[operation].code
    assert refusal.details == {"reason": "Unknown", "selector": "0xdeadbeef"}
    assert not refusal.retryable


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ERC20: transfer amount exceeds balance", "INSUFFICIENT_BALANCE"),
        ("ERC20: transfer amount exceeds allowance", "ALLOWANCE_MISSING"),
        ("ERC20: insufficient allowance", "ALLOWANCE_MISSING"),
        ("something else", "OPEN_POSITION_FAILED"),
        ("a long story of how the transfer amount exceeds balance", "OPEN_POSITION_FAILED"),
    ],
)
def test_strings_of_the_token(text: str, code: str) -> None:
    assert refuse(bytes.fromhex("08c379a0") + eth_abi.abi.encode(["string"], [text])).code == code


def test_a_revert_of_a_read_is_told_the_same_way() -> None:
    assert refuse(bytes.fromhex("17e08e97") + bytes(96), at_simulation=False).code == "POSITION_NOT_FOUND"

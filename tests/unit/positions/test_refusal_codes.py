"""Every custom error of the venue, and what a caller is told when a simulation meets it."""

from types import SimpleNamespace
from typing import Any, cast

import eth_abi.abi
import pytest
from eth_utils.crypto import keccak

from ostium_service.gateways.failures import Reverted
from ostium_service.gateways.ostium_contracts import ERROR_SELECTORS, REVERT_CODES, Revert, decode_revert
from ostium_service.gateways.ostium_errors import STRING_REVERT
from ostium_service.http import errors
from ostium_service.types import Network
from positions.models import Operation, PerpsExecution
from positions.services import refusals
from positions.services.refusals import FAILED_CODES, describe_refusal
from relay.services import SimulationReverted

TRADER = "0x1111111111111111111111111111111111111111"

VENUE_ERRORS = """
80a71fc5 AboveMaxAllowedCollateral() COLLATERAL_TOO_HIGH
f77a8069 AlreadyMarketClosed(address,uint16,uint8) TRIGGER_PENDING
eca695e1 BelowMinLevPos() POSITION_TOO_SMALL
5be5878a DelegatedActionFailed() -
46c4ede2 ExposureLimits() EXPOSURE_LIMIT
4f285592 IsContract(address) -
084986e7 IsDone() TRADING_PAUSED
1309a563 IsPaused() TRADING_PAUSED
5c12ea62 MaxPendingMarketOrdersReached(address) MAX_PENDING_ORDERS
e6f47fab MaxTradesPerPairReached(address,uint16) MAX_TRADES_REACHED
2a917859 NoDelegate(address) DELEGATION_NOT_ACTIVE
a35ee470 NoLimitFound(address,uint16,uint8) ORDER_NOT_FOUND
17e08e97 NoTradeFound(address,uint16,uint8) POSITION_NOT_FOUND
efa9e5be NoTradeToTimeoutFound(uint256) ORDER_NOT_RECLAIMABLE
c7fe4d00 NotCloseMarketTimeoutOrder(uint256) ORDER_NOT_RECLAIMABLE
502b946d NotDelegate(address,address) DELEGATION_NOT_ACTIVE
093650d5 NotGov(address) -
1add0915 NotOpenMarketTimeoutOrder(uint256) ORDER_NOT_RECLAIMABLE
432b6c83 NotTradesUpKeep(address) -
df17e316 NotWhitelisted(address) FAUCET_NOT_AVAILABLE
5ac89f62 NotYourOrder(uint256,address) ORDER_NOT_FOUND
f3d0b126 NullAddr() -
cb87b762 PairNotListed(uint16) INVALID_MARKET
dd9397bb TriggerPending(address,uint16,uint8) TRIGGER_PENDING
3e0b1869 WaitTimeout(uint256) ORDER_NOT_RECLAIMABLE
35fe85c5 WrongLeverage(uint32) LEVERAGE_TOO_HIGH
5863f789 WrongParams() -
083fbd78 WrongSL() INVALID_STOP_LOSS
a41bb918 WrongTP() INVALID_TAKE_PROFIT
"""
"""The errors that the vendor's own map knows (facts 2.6): selector, signature, and the code it means to a caller,
`-` where no caller can do anything about it and only the operation's own code fits."""

OTHER_ERRORS = """
f120e11f BelowFees() POSITION_TOO_SMALL
b09e78ce DelegateForbidden() -
4f9cbad0 DelegateReentrant() -
1c49f4d1 InvalidCallData() -
756688fe InvalidNonce() -
8baa579f InvalidSignature() -
0819bdcd SignatureExpired() -
2a19e833 NotManager(address) -
6dfcc650 SafeCastOverflowedUintDowncast(uint8,uint256) -
24775e06 SafeCastOverflowedUintToInt(uint256) -
5274afe7 SafeERC20FailedOperation(address) -
8aefb98e NoOpenLimitOrder(address,uint16,uint8) ORDER_NOT_FOUND
fc33f1bd NotEmptyIndex() -
797013df RefundOracleFeeFailed() -
46daa3ad NotTrading(address) -
3f7084a5 NotTradingOrCallbacks(address) -
bde4d0f1 NotCallbacks(address) -
293ac336 NotPriceUpKeep(address) -
3d693ada NotAllowed() FAUCET_UNAVAILABLE
e450d38c ERC20InsufficientBalance(address,uint256,uint256) INSUFFICIENT_BALANCE
fb8f41b2 ERC20InsufficientAllowance(address,uint256,uint256) ALLOWANCE_MISSING
4e487b71 Panic(uint256) -
"""
"""Those that it lacks, with the two ERC-20 errors of newer tokens and Solidity's own panic."""

TABLE = [tuple(line.split()) for line in (VENUE_ERRORS + OTHER_ERRORS).split("\n") if line]
SAMPLES = {"address": TRADER, "uint8": 7, "uint16": 65_535, "uint32": 4_294_967_295, "uint256": 2**256 - 1}


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


@pytest.mark.parametrize(("selector", "signature", "code"), TABLE)
def test_every_error_of_the_venue_by_its_selector(
    selector: str, signature: str, code: str, corrected: list[str]
) -> None:
    name, _, inner = signature.removesuffix(")").partition("(")
    kinds = inner.split(",") if inner else []
    arguments = tuple(SAMPLES[kind] for kind in kinds)
    data = bytes.fromhex(selector) + eth_abi.abi.encode(kinds, arguments)
    assert keccak(text=signature)[:4].hex() == selector
    assert decode_revert(data) == Revert(name, f"0x{selector}", arguments)
    for operation in Operation.values:
        refusal = refuse(data, operation)
        if code == "-":
            assert refusal.code == FAILED_CODES[operation].code
            assert refusal.details == {"reason": name, "selector": f"0x{selector}"}
        else:
            assert refusal.code == code
    assert set(corrected) == ({TRADER} if code == "DELEGATION_NOT_ACTIVE" else set())


def test_the_table_is_the_whole_of_what_means_a_code() -> None:
    """A new code for an error has to be entered in the table above and thought about."""
    assert len(TABLE) == 51
    named = {signature.partition("(")[0]: code for _, signature, code in TABLE}
    assert {name: code for name, code in named.items() if code != "-"} == dict(REVERT_CODES)
    assert {*named, STRING_REVERT} <= set(ERROR_SELECTORS)


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

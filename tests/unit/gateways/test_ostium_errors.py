"""Reverts by their selectors, and the codes that callers get for them."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.gateways import ostium_contracts as oc
from ostium_service.http.errors import CATALOGUE
from ostium_service.types import Address

TRADER = Address("0x1111111111111111111111111111111111111111")
DELEGATE = Address("0x2222222222222222222222222222222222222222")
SELECTORS = {
    "AboveMaxAllowedCollateral": "80a71fc5",
    "AlreadyMarketClosed": "f77a8069",
    "BelowMinLevPos": "eca695e1",
    "DelegatedActionFailed": "5be5878a",
    "ExposureLimits": "46c4ede2",
    "IsContract": "4f285592",
    "IsDone": "084986e7",
    "IsPaused": "1309a563",
    "MaxPendingMarketOrdersReached": "5c12ea62",
    "MaxTradesPerPairReached": "e6f47fab",
    "NoDelegate": "2a917859",
    "NoLimitFound": "a35ee470",
    "NoTradeFound": "17e08e97",
    "NoTradeToTimeoutFound": "efa9e5be",
    "NotCloseMarketTimeoutOrder": "c7fe4d00",
    "NotDelegate": "502b946d",
    "NotGov": "093650d5",
    "NotOpenMarketTimeoutOrder": "1add0915",
    "NotTradesUpKeep": "432b6c83",
    "NotWhitelisted": "df17e316",
    "NotYourOrder": "5ac89f62",
    "NullAddr": "f3d0b126",
    "PairNotListed": "cb87b762",
    "TriggerPending": "dd9397bb",
    "WaitTimeout": "3e0b1869",
    "WrongLeverage": "35fe85c5",
    "WrongParams": "5863f789",
    "WrongSL": "083fbd78",
    "WrongTP": "a41bb918",
    "BelowFees": "f120e11f",
    "DelegateForbidden": "b09e78ce",
    "DelegateReentrant": "4f9cbad0",
    "InvalidCallData": "1c49f4d1",
    "InvalidNonce": "756688fe",
    "InvalidSignature": "8baa579f",
    "SignatureExpired": "0819bdcd",
    "NotManager": "2a19e833",
    "SafeCastOverflowedUintDowncast": "6dfcc650",
    "SafeCastOverflowedUintToInt": "24775e06",
    "SafeERC20FailedOperation": "5274afe7",
    "NoOpenLimitOrder": "8aefb98e",
    "NotEmptyIndex": "fc33f1bd",
    "RefundOracleFeeFailed": "797013df",
    "NotTrading": "46daa3ad",
    "NotTradingOrCallbacks": "3f7084a5",
    "NotCallbacks": "bde4d0f1",
    "NotPriceUpKeep": "293ac336",
    "NotAllowed": "3d693ada",
    "ERC20InsufficientBalance": "e450d38c",
    "ERC20InsufficientAllowance": "fb8f41b2",
    "Error": "08c379a0",
    "Panic": "4e487b71",
}


@pytest.mark.parametrize(("name", "selector"), SELECTORS.items())
def test_every_known_error_is_named_by_its_selector(name: str, selector: str) -> None:
    assert oc.ERROR_SELECTORS[name].hex() == selector
    assert oc.decode_revert(bytes.fromhex(selector)).name == name


def test_arguments_are_decoded() -> None:
    data = bytes.fromhex("502b946d") + encode(["address", "address"], [TRADER, DELEGATE])
    assert oc.decode_revert(data) == oc.Revert("NotDelegate", "0x502b946d", (TRADER, DELEGATE))
    data = bytes.fromhex("dd9397bb") + encode(["address", "uint16", "uint8"], [TRADER, 5, 1])
    assert oc.decode_revert(data) == oc.Revert("TriggerPending", "0xdd9397bb", (TRADER, 5, 1))
    data = bytes.fromhex("4e487b71") + encode(["uint256"], [0x11])
    assert oc.decode_revert(data) == oc.Revert("Panic", "0x4e487b71", (0x11,))


def test_arguments_that_do_not_decode_leave_the_name() -> None:
    assert oc.decode_revert(bytes.fromhex("502b946d00")) == oc.Revert("NotDelegate", "0x502b946d", ())


def test_a_selector_inside_the_data_is_not_the_error() -> None:
    data = bytes.fromhex("deadbeef") + bytes.fromhex("502b946d") * 8
    assert oc.decode_revert(data) == oc.Revert("Unknown", "0xdeadbeef", ())
    assert oc.decode_revert(b"") == oc.Revert("Unknown", "0x", ())


@given(st.binary(max_size=200))
def test_noise_never_raises(noise: bytes) -> None:
    for selector in SELECTORS.values():
        oc.decode_revert(bytes.fromhex(selector) + noise)


def test_codes_are_of_the_catalogue_and_names_of_the_contracts() -> None:
    assert set(oc.REVERT_CODES.values()) <= set(CATALOGUE)
    assert set(oc.REVERT_CODES) <= set(oc.ERROR_SELECTORS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ERC20: transfer amount exceeds balance", "INSUFFICIENT_BALANCE"),
        ("ERC20: transfer amount exceeds allowance", "ALLOWANCE_MISSING"),
        ("ERC20: insufficient allowance", "ALLOWANCE_MISSING"),
        ("transfer amount exceeds balance, so they say", None),
        ("Blacklistable: account is blacklisted", None),
        ("", None),
    ],
)
def test_token_texts_become_codes_only_as_a_whole(text: str, code: str | None) -> None:
    revert = oc.decode_revert(bytes.fromhex("08c379a0") + encode(["string"], [text]))
    assert revert.args == (text,)
    assert oc.catalogue_code(revert) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NotDelegate", "DELEGATION_NOT_ACTIVE"),
        ("WrongTP", "INVALID_TAKE_PROFIT"),
        ("WrongParams", None),
        ("Error", None),
    ],
)
def test_catalogue_code_of_a_revert(name: str, code: str | None) -> None:
    assert oc.catalogue_code(oc.Revert(name, "0x00000000")) == code

"""Reverts of Ostium's contracts and of its USDC, by selector, and the catalogue codes that they mean to a caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ostium_service.gateways.ostium_abi import (
    Function,
    NotEncoded,
    declare,
    decode_values,
    load_entries,
    parse_parameters,
)

UNKNOWN_REVERT = "Unknown"
STRING_REVERT = "Error"


@dataclass(frozen=True, slots=True)
class Revert:
    """A decoded revert. `name` is `Unknown` for a selector of no contract here; `selector` is 0x + 8 hex, or 0x.

    `args` may hold the contract's own text: for logs, not for answers.
    """

    name: str
    selector: str
    args: tuple[Any, ...] = ()


def _load_errors() -> dict[bytes, Function]:
    loaded = [
        Function(entry["name"], parse_parameters(entry["inputs"]), ())
        for contract in ("trading", "callbacks", "trading_storage", "pairs_storage", "faucet_testnet")
        for entry in load_entries(contract)
        if entry["type"] == "error"
    ]
    return {error.selector: error for error in (*loaded, *map(declare, _DECLARED))}


# Solidity's own two, and the errors of OpenZeppelin 5 tokens, which no ABI of the SDK lists.
_DECLARED = (
    "Error(string)",
    "Panic(uint256)",
    "ERC20InsufficientBalance(address,uint256,uint256)",
    "ERC20InsufficientAllowance(address,uint256,uint256)",
)
_ERRORS = _load_errors()
ERROR_SELECTORS: Mapping[str, bytes] = MappingProxyType({e.name: s for s, e in reversed(_ERRORS.items())})
"""Error name to selector; of two errors with one name the trading contract's."""


def decode_revert(data: bytes) -> Revert:
    """The error behind revert data, by its first four bytes; arguments that do not decode are left out."""
    error = _ERRORS.get(bytes(data[:4]))
    if error is None:
        return Revert(UNKNOWN_REVERT, "0x" + data[:4].hex())
    try:
        args = decode_values(error.inputs, data[4:])
    except NotEncoded:
        args = ()
    return Revert(error.name, "0x" + data[:4].hex(), args)


REVERT_CODES: Mapping[str, str] = MappingProxyType(
    {
        "AboveMaxAllowedCollateral": "COLLATERAL_TOO_HIGH",
        "AlreadyMarketClosed": "TRIGGER_PENDING",
        "BelowFees": "POSITION_TOO_SMALL",
        "BelowMinLevPos": "POSITION_TOO_SMALL",
        "ERC20InsufficientAllowance": "ALLOWANCE_MISSING",
        "ERC20InsufficientBalance": "INSUFFICIENT_BALANCE",
        "ExposureLimits": "EXPOSURE_LIMIT",
        "IsDone": "TRADING_PAUSED",
        "IsPaused": "TRADING_PAUSED",
        "MaxPendingMarketOrdersReached": "MAX_PENDING_ORDERS",
        "MaxTradesPerPairReached": "MAX_TRADES_REACHED",
        "NoDelegate": "DELEGATION_NOT_ACTIVE",
        "NoLimitFound": "ORDER_NOT_FOUND",
        "NoOpenLimitOrder": "ORDER_NOT_FOUND",
        "NoTradeFound": "POSITION_NOT_FOUND",
        "NoTradeToTimeoutFound": "ORDER_NOT_RECLAIMABLE",
        "NotAllowed": "FAUCET_UNAVAILABLE",
        "NotCloseMarketTimeoutOrder": "ORDER_NOT_RECLAIMABLE",
        "NotDelegate": "DELEGATION_NOT_ACTIVE",
        "NotOpenMarketTimeoutOrder": "ORDER_NOT_RECLAIMABLE",
        "NotWhitelisted": "FAUCET_NOT_AVAILABLE",
        "NotYourOrder": "ORDER_NOT_FOUND",
        "PairNotListed": "INVALID_MARKET",
        "TriggerPending": "TRIGGER_PENDING",
        "WaitTimeout": "ORDER_NOT_RECLAIMABLE",
        "WrongLeverage": "LEVERAGE_TOO_HIGH",
        "WrongSL": "INVALID_STOP_LOSS",
        "WrongTP": "INVALID_TAKE_PROFIT",
    }
)
"""Revert name to error code. WrongLeverage also means too low: who knows the market's minimum refines it."""

_STRING_CODES = (
    ("transfer amount exceeds balance", "INSUFFICIENT_BALANCE"),
    ("transfer amount exceeds allowance", "ALLOWANCE_MISSING"),
    ("insufficient allowance", "ALLOWANCE_MISSING"),
)


def catalogue_code(revert: Revert) -> str | None:
    """The error code of a revert, None where only the operation's own failure code fits.

    USDC on mainnet reverts with strings; they count only as the whole of an Error(string).
    """
    if revert.name == STRING_REVERT and revert.args:
        text = str(revert.args[0]).removeprefix("ERC20: ")
        return next((code for wording, code in _STRING_CODES if text == wording), None)
    return REVERT_CODES.get(revert.name)

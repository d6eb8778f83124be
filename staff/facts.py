"""Stored values as a person reads them: a label, a value with its unit, a link where the value is on chain."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ostium_service.types import Network
from staff.explorers import link_address, link_transaction

LABELS = {
    "market": ("Market", ""),
    "pair": ("Market", ""),
    "pairId": ("Pair", ""),
    "side": ("Side", ""),
    "orderType": ("Order type", ""),
    "collateral": ("Collateral", "USDC"),
    "leverage": ("Leverage", "x"),
    "notional": ("Notional", "USDC"),
    "price": ("Price", "USD"),
    "triggerPrice": ("Trigger price", "USD"),
    "slPrice": ("Stop-loss", "USD"),
    "tpPrice": ("Take-profit", "USD"),
    "slippage": ("Slippage at most", "%"),
    "dayTrade": ("Day trade", ""),
    "closePercentage": ("Closed part", "%"),
    "openInterest": ("Size", "of the asset"),
    "priceImpactPercent": ("Price impact", "%"),
    "usdcSentToTrader": ("Sent to the Safe", "USDC"),
    "pnl": ("Profit", "USDC"),
    "pnlPercent": ("Profit", "%"),
    "netPnl": ("Profit after fees", "USDC"),
    "closeFee": ("Close fee", "USDC"),
    "funding": ("Funding", "USDC"),
    "rollover": ("Rollover", "USDC"),
    "to": ("To", ""),
    "value": ("Value", "wei"),
    "operation": ("Operation", ""),
    "nonce": ("Nonce", ""),
    "reason": ("Reason", ""),
    "safeTxHash": ("safeTxHash", ""),
    "txHash": ("Transaction", ""),
    "takenBy": ("Nonce taken by", ""),
    "block": ("Block", ""),
    "blockHash": ("Block hash", ""),
    "gasUsed": ("Gas used", "gas"),
    "maxFeePerGas": ("Fee cap", "wei per gas"),
    "allowance": ("Allowance", "millionths of USDC"),
}
"""In the order in which they are read; what stands in no such list follows."""

PLACES = {name: place for place, name in enumerate(LABELS)}
OPERATIONS = {"0": "call", "1": "delegate call (a batch)"}
ZERO = "0x" + "0" * 40
TRANSACTIONS = frozenset({"txHash", "takenBy", "previousTxHash"})
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line. `link` leads to the explorer; `is_code` is what is compared letter by letter."""

    label: str
    value: str
    link: str = ""
    is_code: bool = False


def describe(values: Mapping[str, Any] | None, *, network: str) -> list[Fact]:
    """Every value that is set; nothing is left out but what is empty."""
    found = [(name, value) for name, value in (values or {}).items() if value not in (None, "", [])]
    found.sort(key=lambda item: PLACES.get(item[0], len(PLACES)))
    return [_describe_one(name, value, network) for name, value in found]


def _describe_one(name: str, value: Any, network: str) -> Fact:
    label, unit = LABELS.get(name, (_split_words(name), ""))
    if isinstance(value, bool):
        return Fact(label, "yes" if value else "no")
    if isinstance(value, list):
        return Fact(label, ", ".join(str(item) for item in value), is_code=any("0x" in str(item) for item in value))
    text = OPERATIONS.get(str(value), str(value)) if name == "operation" else str(value)
    if name in TRANSACTIONS:
        return Fact(label, text, link_transaction(Network(network), text), is_code=True)
    if ADDRESS.fullmatch(text) and text != ZERO:
        return Fact(label, text, link_address(Network(network), text), is_code=True)
    if text.startswith("0x"):
        return Fact(label, text, is_code=True)
    return Fact(label, _join_unit(_group_digits(text) if unit else text, unit))


def _join_unit(text: str, unit: str) -> str:
    return f"{text}{unit}" if unit in {"%", "x"} else f"{text} {unit}".rstrip()


def _group_digits(text: str) -> str:
    """Thousands separated, no digit dropped; text that is no number as it is."""
    if not NUMBER.fullmatch(text):
        return text
    try:
        return f"{Decimal(text):,f}"
    except InvalidOperation:
        return text


def _split_words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").capitalize()

"""Parts of whole payloads about Safe transactions, shared by the contract tests."""

from typing import Any

from relay.models import OutboundTransaction
from sandbox import addresses


def plain_tx(data: str, nonce: int) -> dict[str, Any]:
    """A call to the venue, as the API shows it."""
    return {
        "to": addresses.TRADING,
        "value": "0",
        "data": data,
        "operation": 0,
        "safeTxGas": "0",
        "baseGas": "0",
        "gasPrice": "0",
        "gasToken": "0x" + "00" * 20,
        "refundReceiver": "0x" + "00" * 20,
        "nonce": nonce,
    }


def plain_safe(version: str) -> dict[str, Any]:
    """What is said of a Safe without guard and modules."""
    handler = addresses.SAFE_CONTRACTS[version]["CompatibilityFallbackHandler"]
    return {"version": version, "guard": None, "modules": [], "fallbackHandler": handler, "notes": []}


def sent_hash(place: int) -> str:
    """The hash of the transaction that the service sent as its first, second..."""
    return OutboundTransaction.objects.order_by("nonce")[place].tx_hash

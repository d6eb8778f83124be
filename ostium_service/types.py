"""Names for the values that cross rooms: networks, addresses, hashes and scaled integers."""

from enum import StrEnum
from typing import NewType

Address = NewType("Address", str)
"""0x + 40 hex in EIP-55 form, never zero."""

TxHash = NewType("TxHash", str)
"""0x + 64 lower-case hex."""

Wei = NewType("Wei", int)
UsdcUnits = NewType("UsdcUnits", int)
"""USDC x 1e6."""

PriceUnits = NewType("PriceUnits", int)
"""Price in the pair's quote currency x 1e18."""

LeverageUnits = NewType("LeverageUnits", int)
"""Leverage x 100."""

PercentUnits = NewType("PercentUnits", int)
"""Percent x 100, which is also basis points."""


class Network(StrEnum):
    """The two networks the service knows; the value is the API's name."""

    TESTNET = "testnet"
    MAINNET = "mainnet"

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id: Arbitrum Sepolia 421614, Arbitrum One 42161."""
        return {"testnet": 421614, "mainnet": 42161}[self.value]

    @property
    def chain(self) -> str:
        """The chain's name as callers use it for explorer links."""
        return {"testnet": "ARBITRUM_SEPOLIA", "mainnet": "ARBITRUM"}[self.value]

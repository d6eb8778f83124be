"""The Safe releases the service builds transactions for, and where their contracts live.

Source: the deployment table of safe-eth-py 7.27.0, which a test compares with this one. On Arbitrum One release 1.3.0
exists twice, under the canonical addresses and under those of the chains that demand EIP-155 deployment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ostium_service.gateways.safe import MULTI_SEND_130, MULTI_SEND_141
from ostium_service.types import Address, Network


@dataclass(frozen=True, slots=True)
class Release:
    """One Safe release on one network; `master_copies` are the Safe and SafeL2 singletons."""

    multi_send_call_only: Address
    master_copies: frozenset[str]


V130_CANONICAL: Final = frozenset(
    {"0xd9Db270c1B5E3Bd161E8c8503c55cEABeE709552", "0x3E5c63644E683549055b9Be8653de26E0B4CD36E"}
)
V130_EIP155: Final = frozenset(
    {"0x69f4D1788e39c87893C980c06EdF4b7f686e2938", "0xfb1bffC9d739B8D520DaF37dF666da4C687191EA"}
)
V141: Final = Release(
    multi_send_call_only=MULTI_SEND_141,
    master_copies=frozenset(
        {"0x41675C099F32341bf84BFc5382aF534df5C7461a", "0x29fcB43b46531BcA003ddC8FCB67FFE91900C762"}
    ),
)

RELEASES: Final[Mapping[Network, Mapping[str, Release]]] = {
    Network.TESTNET: {"1.3.0": Release(MULTI_SEND_130, V130_CANONICAL), "1.4.1": V141},
    Network.MAINNET: {"1.3.0": Release(MULTI_SEND_130, V130_CANONICAL | V130_EIP155), "1.4.1": V141},
}


def find_release(*, network: Network, version: str, master_copy: str) -> Release | None:
    """The release of a Safe by what it says and by the code its proxy runs; None when either is unknown."""
    release = RELEASES[network].get(version)
    return release if release is not None and master_copy in release.master_copies else None

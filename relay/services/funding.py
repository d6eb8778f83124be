"""What the signers have for gas, and what each should be sent."""

from dataclasses import dataclass

from django.conf import settings

from ostium_service import composition
from ostium_service.gateways.failures import GatewayError
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import Signer

ENOUGH_GAS = 30_000_000
"""Gas units at the least fee cap that a signer should be able to pay: ten large trades."""

SIGNERS_PER_READ = 80


@dataclass(frozen=True, slots=True)
class Purse:
    """A signer and its balance; `wanted` is what it should have at least. Both in wei."""

    signer: Signer
    wei: int
    wanted: int

    @property
    def missing(self) -> int:
        """Wei to send; 0 when it has enough."""
        return max(0, self.wanted - self.wei)


def enough_wei() -> int:
    """What a signer should have at least, in wei."""
    return ENOUGH_GAS * int(settings.OSTIUM_MIN_FEE_WEI)


def read_purses(*, network: Network) -> list[Purse]:
    """The balance of every signer of the network that is not retired, oldest first. Refused with ChainUnavailable."""
    signers = list(Signer.objects.filter(network=network).exclude(state=Signer.State.RETIRED).order_by("id"))
    found: list[Purse] = []
    for start in range(0, len(signers), SIGNERS_PER_READ):
        part = signers[start : start + SIGNERS_PER_READ]
        try:
            read = composition.arbitrum(network).read_state((), balances=[Address(row.address) for row in part])
        except GatewayError as error:
            raise errors.ChainUnavailable(details={"reason": error.token}) from error
        found += [Purse(signer, wei, enough_wei()) for signer, wei in zip(part, read.balances, strict=True)]
    return found

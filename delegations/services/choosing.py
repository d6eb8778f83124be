"""Which of our delegates shall trade for a Safe."""

from delegations.selectors import delegate_loads, last_delegate
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import Signer
from relay.selectors import active_signers


def choose_delegate(*, network: Network, safe: Address, wanted: Address | None) -> Address:
    """The delegate asked for, else the Safe's last one, else the one with the fewest live delegations.

    Refused with DelegateUnknown when the one asked for is not in the pool, with DelegateKeyMissing when the pool is
    empty.
    """
    pool = [Address(signer.address) for signer in active_signers(network, Signer.Purpose.DELEGATE)]
    if wanted is not None:
        if wanted not in pool:
            raise errors.DelegateUnknown
        return wanted
    if not pool:
        raise errors.DelegateKeyMissing(details={"reason": "no_active_delegate"})
    last = last_delegate(network=network, safe=safe)
    if last in pool:
        return last
    loads = delegate_loads(network=network)
    return min(pool, key=lambda address: loads.get(address, 0))

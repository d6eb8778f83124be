"""Which of our delegates shall trade for a Safe."""

from django.conf import settings

from delegations.selectors import delegate_loads, delegates_of_other_safes, last_delegate
from ostium_service.http import errors
from ostium_service.types import Address, Network
from relay.models import Signer
from relay.selectors import LEAVING, active_signers, signer_states


def choose_delegate(*, network: Network, safe: Address, wanted: Address | None) -> Address:
    """The delegate asked for, else the Safe's last one, else the one with the fewest live delegations.

    Under the `dedicated` policy one that no other Safe has. Refused with DelegateUnknown when the one asked for is not
    in service or is another Safe's, with DelegateKeyMissing when there is none left (`no_active_delegate`, or
    `no_free_delegate`: create_delegate makes another).
    """
    pool = [Address(signer.address) for signer in active_signers(network, Signer.Purpose.DELEGATE)]
    taken = delegates_of_other_safes(network=network, safe=safe) if _is_dedicated() else frozenset()
    if wanted is not None:
        if wanted not in pool:
            raise errors.DelegateUnknown
        if wanted in taken:
            raise errors.DelegateUnknown(details={"reason": "delegate_of_another_safe"})
        return wanted
    if not pool:
        raise errors.DelegateKeyMissing(details={"reason": "no_active_delegate"})
    free = [address for address in pool if address not in taken]
    if not free:
        raise errors.DelegateKeyMissing(details={"reason": "no_free_delegate"})
    last = last_delegate(network=network, safe=safe)
    if last in free:
        return last
    loads = delegate_loads(network=network)
    return min(free, key=lambda address: loads.get(address, 0))


def confirm_choice(*, network: Network, safe: Address, delegate: Address) -> None:
    """Under the `dedicated` policy: look again under the signer's lock, where the wish was stored a moment ago.

    Two Safes may have chosen the same free delegate at once; the later one is refused with DelegateKeyMissing and may
    ask again. The caller holds the Safe transaction's row: the relay, too, locks that one before the signer.
    """
    if not _is_dedicated():
        return
    Signer.objects.select_for_update().filter(network=network, address=delegate).first()
    if delegate in delegates_of_other_safes(network=network, safe=safe):
        raise errors.DelegateKeyMissing(details={"reason": "delegate_taken_meanwhile"})


def require_in_service(*, network: Network, delegate: Address) -> None:
    """DelegateUnknown when the delegate has begun to retire since owners were asked to name it."""
    if signer_states(network).get(delegate) in LEAVING:
        raise errors.DelegateUnknown(details={"reason": "delegate_retiring"})


def _is_dedicated() -> bool:
    return bool(settings.OSTIUM_DELEGATE_POLICY == "dedicated")

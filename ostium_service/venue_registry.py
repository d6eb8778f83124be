"""The venue's contracts that only its registry names. They are proxies that the venue may replace."""

import time
from threading import Lock
from weakref import WeakKeyDictionary

from ostium_service import composition
from ostium_service.gateways.arbitrum import Arbitrum, Call
from ostium_service.gateways.failures import BadAnswer, Reverted, System
from ostium_service.gateways.ostium_contracts import GET_CONTRACT_ADDRESS, REGISTRY, contract_key
from ostium_service.types import Address, Network

REFRESH_SECONDS = 60.0
CALLBACKS = "callbacks"
TRADING_STORAGE = "tradingStorage"
"""Whoever it names now is the only spender of USDC that counts."""

UNNAMED = "registry"
"""The failure's token when the venue has no registry, or one that does not know the name."""

_lock = Lock()
_known: WeakKeyDictionary[Arbitrum, dict[str, tuple[float, Address]]] = WeakKeyDictionary()


def find_contract(*, network: Network, name: str) -> Address:
    """The address under `name` in the venue's registry, at most a minute old.

    GatewayError when the chain does not answer; an older address is not used then, since it may have been replaced.
    """
    arbitrum = composition.arbitrum(network)
    with _lock:
        read_at, address = _known.get(arbitrum, {}).get(name, (float("-inf"), Address("")))
    if time.monotonic() - read_at < REFRESH_SECONDS:
        return address
    trading = composition.contract_addresses(network).trading
    try:
        registry = _require(REGISTRY.decode(arbitrum.call(Call(to=trading, data=REGISTRY.encode()))))
        lookup = Call(to=registry, data=GET_CONTRACT_ADDRESS.encode(contract_key(name)))
        address = _require(GET_CONTRACT_ADDRESS.decode(arbitrum.call(lookup)))
    except Reverted:
        raise BadAnswer(System.RPC, UNNAMED) from None
    with _lock:
        _known.setdefault(arbitrum, {})[name] = (time.monotonic(), address)
    return address


def _require(address: Address | None) -> Address:
    if address is None:
        raise BadAnswer(System.RPC, UNNAMED)
    return address

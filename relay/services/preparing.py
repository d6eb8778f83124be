"""Everything a signature needs from outside, fetched before any lock is taken."""

import time
from dataclasses import dataclass

from django.conf import settings

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call, Simulation, StateRead
from ostium_service.gateways.delegate_key import DelegateKey
from ostium_service.gateways.failures import GatewayError, KeyMissing, Reverted, System
from ostium_service.gateways.ostium_errors import Revert, decode_revert
from ostium_service.http import errors
from ostium_service.observability.metrics import observe_relay_stage
from ostium_service.parallel import gather
from ostium_service.types import Address, Network, Wei
from relay.fees import fee_cap, padded_gas
from relay.models import Signer
from relay.services.signers import halt_if_behind
from safeguards.gate import MAX_GAS


class SimulationReverted(Exception):
    """The exact call would revert, by the node's own word. Nothing was signed and no gas was spent."""

    def __init__(self, revert: Revert) -> None:
        super().__init__(revert.name)
        self.revert = revert


@dataclass(frozen=True, slots=True)
class Prepared:
    """A simulated call with the key that will sign it. Short-lived: it holds the key in memory.

    `made_at` is `time.monotonic()` when the work on it began.
    """

    network: Network
    signer: Address
    kind: str
    to: Address
    data: bytes
    gas_limit: int
    max_fee_per_gas: Wei
    chain_nonce: int
    key: DelegateKey
    made_at: float


def prepare(*, network: Network, signer: Address, to: Address, data: bytes, kind: str) -> Prepared:
    """Simulate `data` to `to` from `signer`, fetch the key, the fee and the signer's chain nonce, all at once.

    Refused with SimulationReverted (the call would fail), ChainUnavailable, VaultUnavailable, DelegateKeyMissing,
    DelegateGasLow (the balance does not cover gas limit x fee cap) or NetworkPaused (the signer is not active, or
    the chain shows that somebody else used its key: the signer is halted then). Nothing is signed or stored.
    """
    started = time.monotonic()
    arbitrum, vault = composition.arbitrum(network), composition.vault()
    try:
        simulation, state, key = gather(
            lambda: arbitrum.simulate(Call(to=to, data=data, sender=signer)),
            lambda: arbitrum.read_state((), balances=(signer,), nonces=(signer,)),
            lambda: vault.delegate_key(network, signer),
        )
    except Reverted as error:
        raise SimulationReverted(decode_revert(error.data)) from error
    except GatewayError as error:
        raise _refusal(error) from error
    _check_nonce(network=network, address=signer, chain_nonce=state.nonces[0])
    fee, gas_limit = _price(simulation, state)
    observe_relay_stage("prepare", time.monotonic() - started)
    return Prepared(network, signer, kind, to, data, gas_limit, fee, state.nonces[0], key, started)


def _price(simulation: Simulation, state: StateRead) -> tuple[Wei, int]:
    """Fee cap and gas limit that the signer's balance covers."""
    fee = fee_cap(
        base_fee=simulation.base_fee, floor=Wei(settings.OSTIUM_MIN_FEE_WEI), ceiling=Wei(settings.OSTIUM_MAX_FEE_WEI)
    )
    if fee is None:
        raise errors.ChainUnavailable(details={"reason": "base_fee_above_ceiling"})
    gas_limit = padded_gas(simulation.gas)
    if gas_limit > MAX_GAS:
        # A stranger's contract that poses as a Safe, or a greedy guard of one, could burn what our signer holds.
        raise SimulationReverted(Revert(name="gas_above_ceiling", selector="0x"))
    if state.balances[0] < gas_limit * fee:
        raise errors.DelegateGasLow
    return fee, gas_limit


def _check_nonce(*, network: Network, address: Address, chain_nonce: int) -> None:
    """Refuse a signer whose key was used by somebody else.

    The chain's nonce is read before ours, and ours only grows, so the chain being ahead cannot be our own work.
    """
    signer = Signer.objects.get(network=network, address=address)
    if signer.state in {Signer.State.HALTED, Signer.State.RETIRED}:
        raise errors.NetworkPaused(details={"reason": f"signer_{signer.state}"})
    if halt_if_behind(signer_id=signer.pk, chain_nonce=chain_nonce):
        raise errors.NetworkPaused(details={"reason": "signer_halted"})


def _refusal(error: GatewayError) -> errors.ServiceError:
    if isinstance(error, KeyMissing):
        return errors.DelegateKeyMissing()
    if error.system is not System.VAULT:
        return errors.ChainUnavailable(details={"reason": error.token})
    # A standby node's redirect (BadAnswer) included: nothing is known about the key, and asking again may help.
    return errors.VaultUnavailable(details={"reason": error.token})

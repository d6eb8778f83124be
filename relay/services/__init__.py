"""What the apps above may ask of the relay."""

from relay.services.following import advance, broadcast, wait_for_receipt
from relay.services.preparing import Prepared, SimulationReverted, prepare
from relay.services.signers import create_delegate, register_signer
from relay.services.signing import sign_and_store

__all__ = [
    "Prepared",
    "SimulationReverted",
    "advance",
    "broadcast",
    "create_delegate",
    "prepare",
    "register_signer",
    "sign_and_store",
    "wait_for_receipt",
]

"""What the apps above may ask of the relay."""

from relay.services.following import advance, broadcast, wait_for_receipt
from relay.services.preparing import Prepared, SimulationReverted, prepare
from relay.services.signers import (
    begin_retirement,
    create_delegate,
    destroy_key,
    finish_retirement,
    register_signer,
)
from relay.services.signing import sign_and_store

__all__ = [
    "Prepared",
    "SimulationReverted",
    "advance",
    "begin_retirement",
    "broadcast",
    "create_delegate",
    "destroy_key",
    "finish_retirement",
    "prepare",
    "register_signer",
    "sign_and_store",
    "wait_for_receipt",
]

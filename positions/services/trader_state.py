"""What the chain says about a trader right now, in one batch with whatever else an operation has to know."""

from collections.abc import Sequence
from dataclasses import dataclass

from delegations.services import mark_replaced
from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import Reverted
from ostium_service.gateways.ostium_contracts import ALLOWANCE, BALANCE_OF, DELEGATIONS, IS_PAUSED
from ostium_service.http import errors
from ostium_service.money import USDC_DECIMALS, units_string
from ostium_service.types import Address, Network, UsdcUnits


@dataclass(frozen=True, slots=True)
class TraderState:
    """One trader at one block: the delegate on chain (None when unset), and what tradingStorage may pull."""

    trader: Address
    delegate: Address | None
    is_paused: bool
    balance: UsdcUnits
    allowance: UsdcUnits
    extra: tuple[bytes, ...]


def read_trader_state(*, network: Network, trader: Address, extra: Sequence[Call] = ()) -> TraderState:
    """Delegate, pause flag, USDC balance and allowance, and the outputs of `extra`, in one request.

    GatewayError when the node does not answer; Reverted when one of the calls reverts.
    """
    addresses = composition.contract_addresses(network)
    own = (
        Call(to=addresses.trading, data=DELEGATIONS.encode(trader)),
        Call(to=addresses.trading, data=IS_PAUSED.encode()),
        Call(to=addresses.usdc, data=BALANCE_OF.encode(trader)),
        Call(to=addresses.usdc, data=ALLOWANCE.encode(trader, addresses.trading_storage)),
    )
    outputs = [require_output(item) for item in composition.arbitrum(network).call_many([*own, *extra])]
    return TraderState(
        trader=trader,
        delegate=DELEGATIONS.decode(outputs[0]),
        is_paused=IS_PAUSED.decode(outputs[1]),
        balance=UsdcUnits(BALANCE_OF.decode(outputs[2])),
        allowance=UsdcUnits(ALLOWANCE.decode(outputs[3])),
        extra=tuple(outputs[len(own) :]),
    )


def require_output(item: bytes | Reverted) -> bytes:
    """The output of a call in a batch; its revert is raised."""
    if isinstance(item, Reverted):
        raise item
    return item


def check_delegate(*, network: Network, state: TraderState, delegate: Address) -> None:
    """Refuse with DelegationNotActive when the chain names another delegate, after correcting our own row."""
    if state.delegate != delegate:
        mark_replaced(network=network, trader=state.trader)
        raise errors.DelegationNotActive(details={"reason": "replaced_on_chain"})


def check_funds(*, state: TraderState, needed: UsdcUnits) -> None:
    """Refuse with InsufficientBalance or AllowanceMissing when tradingStorage could not pull `needed` USDC units."""
    if state.balance < needed:
        raise errors.InsufficientBalance(details=_describe_amounts(needed, state.balance))
    if state.allowance < needed:
        raise errors.AllowanceMissing(details=_describe_amounts(needed, state.allowance))


def _describe_amounts(needed: UsdcUnits, available: UsdcUnits) -> dict[str, str]:
    return {"needed": units_string(needed, USDC_DECIMALS), "available": units_string(available, USDC_DECIMALS)}

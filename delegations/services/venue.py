"""What the venue itself thinks of a Safe as a trader, and whether it still is where it was."""

from collections.abc import Sequence
from typing import Final

import structlog

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.failures import BadAnswer, GatewayError, Reverted
from ostium_service.gateways.ostium_contracts import (
    OrderType,
    TradeRequest,
    decode_revert,
    encode_cancel_limit,
    encode_delegated_action,
    encode_open_trade,
)
from ostium_service.gateways.safe_reads import Answer
from ostium_service.http import errors
from ostium_service.types import Address, LeverageUnits, Network, PercentUnits, PriceUnits, UsdcUnits
from ostium_service.venue_registry import TRADING_STORAGE, UNNAMED, find_contract

logger = structlog.get_logger(__name__)

REFUSALS: Final = frozenset({"IsContract", "DelegateForbidden"})
"""Reverts that say: never, for this trader in this way. Everything else a probe reverts with is about the probe."""


def require_current_storage(*, network: Network) -> None:
    """NetworkPaused `venue_storage_moved` when an approval would go to a storage that the venue has left.

    An operator has to look at the new one and name it (OSTIUM_N_TRADING_STORAGE_ADDRESS): the registry alone must not
    decide who may spend. Refused with ChainUnavailable when the node does not answer.
    """
    try:
        moved_to = look_for_moved_storage(network=network)
    except GatewayError as error:
        raise errors.ChainUnavailable(details={"reason": error.token}) from error
    if moved_to is not None:
        raise errors.NetworkPaused(details={"reason": "venue_storage_moved"})


def find_moved_storage(*, network: Network) -> Address | None:
    """Where the registry says tradingStorage is, if that is not where we think; at most a minute old. GatewayError."""
    current = find_contract(network=network, name=TRADING_STORAGE)
    return None if current == composition.contract_addresses(network).trading_storage else current


def look_for_moved_storage(*, network: Network) -> Address | None:
    """The same where a registry that names no storage is no reason to stop: `doctor` says so, the configuration counts.

    GatewayError when the node does not answer.
    """
    try:
        return find_moved_storage(network=network)
    except BadAnswer as error:
        if error.token != UNNAMED:
            raise
        logger.warning("venue_storage_unnamed", network=network)
        return None


def encode_probes(*, network: Network, safe: Address) -> tuple[Call, ...]:
    """An opening and a cancellation in the Safe's own name; both fail, and how they fail is the answer."""
    trading = composition.contract_addresses(network).trading
    calls = (_open_probe(safe), encode_cancel_limit(pair_id=0, trade_index=255))
    return tuple(Call(to=trading, data=data, sender=safe) for data in calls)


def encode_delegated_probe(*, network: Network, safe: Address, delegate: Address) -> Call:
    """The opening as the delegate would send it."""
    data = encode_delegated_action(safe, _open_probe(safe))
    return Call(to=composition.contract_addresses(network).trading, data=data, sender=delegate)


def refuses_trader(answer: Answer) -> bool:
    """Whether the venue will never trade for this Safe."""
    return isinstance(answer, Reverted) and decode_revert(answer.data).name in REFUSALS


def refuse_contracts(answers: Sequence[Answer]) -> None:
    """TraderNotAllowed `venue_refuses_contracts`: known before anybody signs, not at the first trade."""
    if any(refuses_trader(answer) for answer in answers):
        raise errors.TraderNotAllowed(details={"reason": "venue_refuses_contracts"})


def _open_probe(safe: Address) -> bytes:
    trade = TradeRequest(
        trader=safe,
        pair_id=0,
        is_long=True,
        collateral=UsdcUnits(1),
        price=PriceUnits(10**18),
        leverage=LeverageUnits(100),
    )
    return encode_open_trade(trade=trade, order_type=OrderType.MARKET, slippage=PercentUnits(100))

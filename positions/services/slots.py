"""The slots in which the venue keeps positions: (trader, pair, index), used again after a close."""

from collections.abc import Sequence
from dataclasses import dataclass

from ostium_service import composition
from ostium_service.gateways.arbitrum import Call
from ostium_service.gateways.ostium_contracts import (
    GET_OPEN_TRADE,
    GET_OPEN_TRADE_INFO,
    OpenTrade,
    OpenTradeInfo,
)
from ostium_service.http import errors
from ostium_service.types import Address, Network


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """A position as the chain holds it now."""

    trade: OpenTrade
    info: OpenTradeInfo

    @property
    def trade_id(self) -> str:
        """The position's own number, unlike its slot never used again."""
        return str(self.info.trade_id)


def describe_slot_calls(*, network: Network, trader: Address, pair_id: int, index: int) -> tuple[Call, Call]:
    """The two reads whose outputs `decode_slot` takes."""
    storage = composition.contract_addresses(network).trading_storage
    return (
        Call(to=storage, data=GET_OPEN_TRADE.encode(trader, pair_id, index)),
        Call(to=storage, data=GET_OPEN_TRADE_INFO.encode(trader, pair_id, index)),
    )


def decode_slot(outputs: Sequence[bytes]) -> HeldPosition | None:
    """The position in a slot, None for an empty one. BadAnswer for outputs that are not the contract's."""
    trade = GET_OPEN_TRADE.decode(outputs[0])
    return None if trade is None else HeldPosition(trade=trade, info=GET_OPEN_TRADE_INFO.decode(outputs[1]))


def require_position(position: HeldPosition | None, *, trade_id: str | None) -> HeldPosition:
    """The position the caller means: PositionNotFound for an empty slot, PositionChanged for another trade in it."""
    if position is None:
        raise errors.PositionNotFound
    if trade_id is not None and trade_id != position.trade_id:
        raise errors.PositionChanged(details={"tradeId": position.trade_id})
    return position

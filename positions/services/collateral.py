"""Adding collateral to a position, or taking some out: the size stays and the leverage moves."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markets import services as markets
from markets.catalogue import Market
from ostium_service.gateways.ostium_contracts import encode_remove_collateral, encode_top_up_collateral
from ostium_service.http import errors
from ostium_service.money import LEVERAGE_DECIMALS, USDC_DECIMALS, decimal_string, units_string
from ostium_service.parallel import gather
from ostium_service.types import Address, LeverageUnits, Network, UsdcUnits
from positions.formulas import compute_removal, compute_top_up
from positions.models import Operation
from positions.services.ledger import Intent
from positions.services.pipeline import Answer, Plan, run_write
from positions.services.scaling import scale_usdc
from positions.services.slots import HeldPosition, decode_slot, describe_slot_calls, require_position
from positions.services.trader_state import TraderState, check_delegate, check_funds, read_trader_state


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralChange:
    """A validated request to move collateral, in USDC. The contract moves a little less, for a whole 0.01 leverage."""

    network: Network
    trader: Address
    pair_id: int
    trade_index: int
    amount: Decimal
    trade_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a change is judged by."""

    amount: UsdcUnits
    position: HeldPosition
    market: Market
    state: TraderState


def add_collateral(*, change: CollateralChange, key: str, request_id: str, signature: str = "") -> Answer:
    """Lower a position's leverage with more collateral, once per key; settles in the transaction itself.

    Refused before the signature, with nothing sent and the key free: DelegationNotActive, DelegationSuspended,
    PositionNotFound, PositionChanged, ValidationError for an amount too small to move the leverage by 0.01,
    LeverageTooLow, InsufficientBalance, AllowanceMissing, and what the simulation says: TriggerPending, ExposureLimit,
    CollateralTooHigh.
    """
    return _change(
        change, Operation.ADD_COLLATERAL, _check_top_up, encode_top_up_collateral, key, request_id, signature
    )


def remove_collateral(*, change: CollateralChange, key: str, request_id: str, signature: str = "") -> Answer:
    """Raise a position's leverage by taking collateral out, once per key; settles by the oracle.

    Refused as `add_collateral`, with ValidationError for the whole collateral or more, LeverageTooHigh above what the
    position may have, TradingPaused, and InsufficientBalance or AllowanceMissing for the oracle fee.
    """
    return _change(
        change, Operation.REMOVE_COLLATERAL, _check_removal, encode_remove_collateral, key, request_id, signature
    )


def _change(
    change: CollateralChange,
    operation: Operation,
    check: Callable[[_Facts], None],
    encode: Callable[..., bytes],
    key: str,
    request_id: str,
    signature: str,
) -> Answer:
    amount = scale_usdc(change.amount, field="amount")
    intent = Intent(
        operation=operation,
        network=change.network,
        trader=change.trader,
        key=key,
        request=_describe_request(change),
        request_id=request_id,
        signature=signature,
    )

    def make_plan(delegate: Address) -> Plan:
        facts = _read_facts(change, amount, delegate)
        check(facts)
        return Plan(
            inner=encode(pair_id=change.pair_id, trade_index=change.trade_index, amount=amount),
            pair_id=change.pair_id,
            trade_id=facts.position.trade_id,
            terms=_describe_terms(change, facts),
        )

    return run_write(intent=intent, make_plan=make_plan)


def _read_facts(change: CollateralChange, amount: UsdcUnits, delegate: Address) -> _Facts:
    calls = describe_slot_calls(
        network=change.network, trader=change.trader, pair_id=change.pair_id, index=change.trade_index
    )
    market, state = gather(
        lambda: markets.resolve_market(network=change.network, market=change.pair_id),
        lambda: read_trader_state(network=change.network, trader=change.trader, extra=calls),
    )
    check_delegate(network=change.network, state=state, delegate=delegate)
    position = require_position(decode_slot(state.extra), trade_id=change.trade_id)
    return _Facts(amount=amount, position=position, market=market, state=state)


def _check_top_up(facts: _Facts) -> None:
    trade = facts.position.trade
    moved, leverage = compute_top_up(collateral=trade.collateral, leverage=trade.leverage, amount=facts.amount)
    if moved <= 0 or leverage >= trade.leverage:
        raise _refuse("too small to lower the leverage by 0.01")
    if leverage < facts.market.min_leverage:
        raise errors.LeverageTooLow(details={"minimum": _leverage(facts.market.min_leverage)})
    check_funds(state=facts.state, needed=moved)


def _check_removal(facts: _Facts) -> None:
    trade = facts.position.trade
    if facts.state.is_paused:
        raise errors.TradingPaused
    if facts.amount >= trade.collateral:
        raise _refuse("not less than the position's collateral")
    _, leverage = compute_removal(collateral=trade.collateral, leverage=trade.leverage, amount=facts.amount)
    if leverage <= trade.leverage:
        raise _refuse("too small to raise the leverage by 0.01")
    maximum = facts.market.effective_max_leverage(is_day_trade=trade.is_day_trade)
    if leverage > maximum:
        raise errors.LeverageTooHigh(details={"maximum": _leverage(maximum)})
    check_funds(state=facts.state, needed=UsdcUnits(facts.market.row.oracle_fee))


def _refuse(message: str) -> errors.ServiceError:
    return errors.ValidationError(details=[{"field": "amount", "message": message}])


def _leverage(leverage: LeverageUnits) -> str:
    return units_string(leverage, LEVERAGE_DECIMALS)


def _describe_terms(change: CollateralChange, facts: _Facts) -> dict[str, Any]:
    """`amount` and `leverage` are what the contract says that it did: null until then."""
    return {
        "pairId": change.pair_id,
        "tradeIndex": change.trade_index,
        "tradeId": facts.position.trade_id,
        "requestedAmount": units_string(facts.amount, USDC_DECIMALS),
        "amount": None,
        "leverage": None,
    }


def _describe_request(change: CollateralChange) -> dict[str, Any]:
    return {
        "pairId": change.pair_id,
        "tradeIndex": change.trade_index,
        "amount": decimal_string(change.amount),
        "tradeId": change.trade_id,
    }

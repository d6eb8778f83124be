"""The control API's commands: what each takes, checked, and what it does to the world."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from eth_utils import is_address, to_checksum_address

from sandbox.actors import fund_native, mint_usdc
from sandbox.prices import PriceScript
from sandbox.shaping import Endpoint, Failure
from sandbox.world import World

Arguments = Mapping[str, Any]


class BadCommand(Exception):
    """The command or its arguments are wrong; the text says how."""


def run_command(*, world: World, name: str, arguments: Arguments) -> dict[str, Any]:
    """Carry out one command and return its answer; BadCommand for an unknown one or arguments it cannot take."""
    command = COMMANDS.get(name)
    if command is None:
        raise BadCommand(f"unknown command {name}; known: {', '.join(sorted(COMMANDS))}")
    try:
        return command(world, arguments) or {}
    except KeyError as error:
        raise BadCommand(f"missing or unknown: {error.args[0]}") from error
    except (ValueError, TypeError, InvalidOperation) as error:
        raise BadCommand(str(error) or type(error).__name__) from error


def to_decimal(value: Any) -> Decimal:
    """A decimal given as text; TypeError otherwise, since a JSON float would already have lost digits."""
    if not isinstance(value, str):
        raise TypeError("prices and amounts are text, as in '95687.1'")
    number = Decimal(value)
    if not number.is_finite():
        raise TypeError("prices and amounts are finite")
    return number


def to_units(value: Decimal, *, decimals: int) -> int:
    """Scale by 10**decimals; ValueError for a negative amount or more fraction digits than that."""
    scaled = value.scaleb(decimals)
    if value < 0 or scaled != scaled.to_integral_value():
        raise ValueError(f"amounts are not negative and have at most {decimals} fraction digits")
    return int(scaled)


def set_price(world: World, arguments: Arguments) -> None:
    """pairId, mid, halfSpread?"""
    spread = arguments.get("halfSpread")
    world.prices.set_price(
        pair_id=int(arguments["pairId"]),
        mid=to_decimal(arguments["mid"]),
        half_spread=None if spread is None else to_decimal(spread),
    )


def set_market(world: World, arguments: Arguments) -> None:
    """pairIds? (all), isOpen"""
    world.prices.set_market(pair_ids=arguments.get("pairIds"), is_open=bool(arguments["isOpen"]))


def set_day_trading(world: World, arguments: Arguments) -> None:
    """pairIds? (all stocks), isClosed"""
    world.prices.set_day_trading(pair_ids=arguments.get("pairIds"), is_closed=bool(arguments["isClosed"]))


def set_timestamp(world: World, arguments: Arguments) -> None:
    """pairIds? (all), timestamp (unix seconds, null for fresh)"""
    timestamp = arguments["timestamp"]
    world.prices.set_timestamp(
        pair_ids=arguments.get("pairIds"), timestamp=None if timestamp is None else int(timestamp)
    )


def omit_fields(world: World, arguments: Arguments) -> None:
    """pairIds? (all), names"""
    world.prices.omit_fields(pair_ids=arguments.get("pairIds"), names=arguments["names"])


def set_drift(world: World, arguments: Arguments) -> None:
    """basisPoints, seed?"""
    world.prices.set_drift(drift_bp=to_decimal(arguments["basisPoints"]), seed=int(arguments.get("seed", 0)))


def set_keeper(world: World, arguments: Arguments) -> None:
    """delaySeconds?, isSilent?, isAutomating?"""
    if "delaySeconds" in arguments:
        world.keeper.set_delay(float(arguments["delaySeconds"]))
    if "isSilent" in arguments:
        world.keeper.set_silent(bool(arguments["isSilent"]))
    if "isAutomating" in arguments:
        world.keeper.set_automation(bool(arguments["isAutomating"]))


def cancel_next(world: World, arguments: Arguments) -> None:
    """reason, count?"""
    world.keeper.cancel_next(reason=int(arguments["reason"]), count=int(arguments.get("count", 1)))


def cancel_all(world: World, arguments: Arguments) -> None:
    """reason (null stops it)"""
    reason = arguments["reason"]
    world.keeper.cancel_all(None if reason is None else int(reason))


def set_lag(world: World, arguments: Arguments) -> None:
    """seconds?, blocks?"""
    world.indexer.set_lag(seconds=float(arguments.get("seconds", 0)), blocks=int(arguments.get("blocks", 0)))


def set_latency(world: World, arguments: Arguments) -> None:
    """endpoint (feed, subgraph, rpc), milliseconds"""
    world.shaper.set_latency(endpoint=Endpoint(arguments["endpoint"]), milliseconds=int(arguments["milliseconds"]))


def set_failure(world: World, arguments: Arguments) -> None:
    """endpoint, status, body?, times?, method?, afterServing?; status null clears"""
    endpoint = Endpoint(arguments["endpoint"])
    if arguments["status"] is None:
        world.shaper.clear_failure(endpoint)
        return
    times = arguments.get("times")
    world.shaper.set_failure(
        Failure(
            endpoint=endpoint,
            status=int(arguments["status"]),
            body=str(arguments.get("body", "")),
            times=None if times is None else int(times),
            method=arguments.get("method"),
            after_serving=bool(arguments.get("afterServing", False)),
        )
    )


def fund(world: World, arguments: Arguments) -> None:
    """address, usdc? (added), ether? (the balance becomes this)"""
    address = arguments["address"]
    if not is_address(address):
        raise ValueError("not an address")
    address, rpc_url = to_checksum_address(address), world.node.rpc_url
    if "usdc" in arguments:
        mint_usdc(rpc_url=rpc_url, address=address, units=to_units(to_decimal(arguments["usdc"]), decimals=6))
    if "ether" in arguments:
        fund_native(rpc_url=rpc_url, address=address, wei=to_units(to_decimal(arguments["ether"]), decimals=18))


def reset(world: World, _arguments: Arguments) -> None:
    """(nothing)"""
    world.reset()


def show_state(world: World, _arguments: Arguments) -> dict[str, Any]:
    """(nothing)"""
    return world.state()


def reset_calls(world: World, _arguments: Arguments) -> None:
    """(nothing)"""
    world.shaper.reset_calls()


def catch_up(world: World, _arguments: Arguments) -> dict[str, Any]:
    """(nothing); reads the chain now and says up to which block"""
    return {"block": world.indexer.catch_up().head.number}


def list_prices(world: World, _arguments: Arguments) -> dict[str, Any]:
    """(nothing)"""
    return {"prices": describe_prices(world.prices)}


def describe_prices(prices: PriceScript) -> list[dict[str, Any]]:
    """The script as rows of text, for people and tests."""
    return [
        {
            "pairId": quote.instrument.pair_id,
            "pair": f"{quote.instrument.base}/{quote.instrument.quote}",
            "bid": format(quote.bid, "f"),
            "mid": format(quote.mid, "f"),
            "ask": format(quote.ask, "f"),
            "isMarketOpen": quote.is_market_open,
            "isDayTradingClosed": quote.is_day_trading_closed,
            "timestamp": quote.timestamp,
        }
        for quote in prices.quotes()
    ]


COMMANDS: Mapping[str, Callable[[World, Arguments], dict[str, Any] | None]] = {
    "price": set_price,
    "market": set_market,
    "day-trading": set_day_trading,
    "timestamp": set_timestamp,
    "omit": omit_fields,
    "drift": set_drift,
    "keeper": set_keeper,
    "cancel-next": cancel_next,
    "cancel-all": cancel_all,
    "lag": set_lag,
    "latency": set_latency,
    "failure": set_failure,
    "fund": fund,
    "reset": reset,
    "reset-calls": reset_calls,
    "catch-up": catch_up,
    "state": show_state,
    "prices": list_prices,
}

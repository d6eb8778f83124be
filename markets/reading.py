"""One market in depth: everything known of it, and what holding it costs over a number of hours."""

from collections.abc import Callable
from typing import Any, TypeVar

from markets import services as markets
from markets.catalogue import Market
from markets.presentation import describe_depth, describe_market
from markets.rates import project_funding, project_funding_rates, read_rollover_rate
from ostium_service import composition
from ostium_service.gateways.arbitrum import Block
from ostium_service.gateways.failures import GatewayError
from ostium_service.http import errors
from ostium_service.money import units_string
from ostium_service.parallel import gather
from ostium_service.types import Network

T = TypeVar("T")

ACCUMULATOR_DECIMALS = 18
PERCENT_DECIMALS = 16
"""Of a rate x 1e18 as a percent."""

SECONDS_PER_HOUR = 3600
PACE_BLOCKS = 20_000
"""Over how many L2 blocks their pace is measured: more than an hour of them, since they are not evenly made."""


def read_details(*, network: Network, market: str | int) -> dict[str, Any]:
    """Everything known of a market, scaled. InvalidMarket, AmbiguousMarket; MarketDetailsFailed for lack of sources."""

    def read() -> dict[str, Any]:
        listing, prices = markets.read_markets_and_prices(network=network)
        found = markets.resolve_market(network=network, market=market)
        return {
            "network": network,
            "pairId": found.pair_id,
            "details": {
                **describe_market(market=found, listing=listing, prices=prices),
                **describe_depth(found),
                "liquidationMarginPercent": str(listing.liquidation_margin_percent),
                "asOfBlock": listing.block,
            },
        }

    return _read_or_fail(read, errors.MarketDetailsFailed)


def read_funding(*, network: Network, market: str | int, hours: int) -> dict[str, Any]:
    """Funding accumulators now (x of the notional), and the rate over the period in percent, positive if longs pay.

    InvalidMarket, AmbiguousMarket; FundingFetchFailed when the index or the chain does not answer.
    """

    def read() -> dict[str, Any]:
        found, block, blocks = _read_market_and_pace(network, market, hours)
        long, short = project_funding(pair=found.row, block=block)
        rate, target = project_funding_rates(pair=found.row, block=block)
        return {
            "network": network,
            "pairId": found.pair_id,
            "periodHours": hours,
            "accFundingLong": units_string(long, ACCUMULATOR_DECIMALS),
            "accFundingShort": units_string(short, ACCUMULATOR_DECIMALS),
            "fundingRatePercent": units_string(rate * blocks, PERCENT_DECIMALS),
            "targetFundingRatePercent": units_string(target * blocks, PERCENT_DECIMALS),
            "asOfBlock": block,
        }

    return _read_or_fail(read, errors.FundingFetchFailed)


def read_rollover(*, network: Network, market: str | int, hours: int) -> dict[str, Any]:
    """What holding costs over the period, in percent of the notional: `rolloverRate` is a long's.

    InvalidMarket, AmbiguousMarket; RolloverFetchFailed when the index or the chain does not answer.
    """

    def read() -> dict[str, Any]:
        found, block, blocks = _read_market_and_pace(network, market, hours)
        long, short = (
            units_string(read_rollover_rate(pair=found.row, is_long=is_long) * blocks, PERCENT_DECIMALS)
            for is_long in (True, False)
        )
        return {
            "network": network,
            "pairId": found.pair_id,
            "periodHours": hours,
            "rolloverRate": long,
            "longRolloverRate": long,
            "shortRolloverRate": short,
            "asOfBlock": block,
        }

    return _read_or_fail(read, errors.RolloverFetchFailed)


def _read_or_fail(read: Callable[[], T], failure: type[errors.ServiceError]) -> T:
    """What is read, or the endpoint's own failure whichever source it was that did not answer."""
    try:
        return read()
    except GatewayError as error:
        raise failure(details={"reason": error.token}) from error
    except (errors.MarketsFetchFailed, errors.PriceFetchFailed) as error:
        raise failure(details=error.details) from error


def _read_market_and_pace(network: Network, market: str | int, hours: int) -> tuple[Market, int, int]:
    """The market, the L2 height, and how many blocks the chain makes in so many hours at its measured pace."""
    found, (newest, older) = gather(
        lambda: markets.resolve_market(network=network, market=market),
        lambda: _read_blocks(network),
    )
    seconds = max(newest.timestamp - older.timestamp, 1)
    return found, newest.number, hours * SECONDS_PER_HOUR * (newest.number - older.number) // seconds


def _read_blocks(network: Network) -> tuple[Block, Block]:
    arbitrum = composition.arbitrum(network)
    newest = arbitrum.block("latest")
    return newest, arbitrum.block(max(newest.number - PACE_BLOCKS, 1))

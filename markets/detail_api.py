"""One market in depth over HTTP."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from markets.answer_schemas import DETAILS, FUNDING, ROLLOVER
from markets.api import NetworkSerializer
from markets.reading import read_details, read_funding, read_rollover
from ostium_service.http import errors
from ostium_service.http.fields import BoundedIntegerField, MarketField, PairIdField
from ostium_service.http.operations import describe
from ostium_service.http.views import ServiceView

DEFAULT_HOURS = 24
MAX_HOURS = 720

MARKET_ERRORS = (errors.InvalidMarket, errors.AmbiguousMarket)
EXAMPLES: dict[str, dict[str, Any]] = {
    "by pair": {"network": "testnet", "pairId": 0},
    "by name": {"network": "testnet", "market": "BTC/USD"},
}
PERIOD_EXAMPLES: dict[str, dict[str, Any]] = {
    "a day": EXAMPLES["by pair"],
    "a week": {**EXAMPLES["by name"], "periodHours": 168},
}


class MarketSerializer(NetworkSerializer):
    """`pairId`, or `market`; the number counts where both are given."""

    pairId = PairIdField(required=False, allow_null=True)
    market = MarketField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two names has to be there."""
        if attrs.get("market") is None and attrs.get("pairId") is None:
            raise serializers.ValidationError({"pairId": "Give pairId or market."})
        return attrs


class PeriodSerializer(MarketSerializer):
    """A market and a number of hours."""

    periodHours = BoundedIntegerField(minimum=1, maximum=MAX_HOURS, required=False, allow_null=True)


@describe(
    request=MarketSerializer,
    answer=DETAILS,
    errors=[*MARKET_ERRORS, errors.MarketDetailsFailed],
    examples=EXAMPLES,
)
class MarketDetailsView(ServiceView):
    """`/v1/markets/details`"""

    def post(self, request: Request) -> Response:
        """Everything known of a market."""
        values = self.parsed(request, MarketSerializer)
        return self.success(read_details(network=values["network"], market=read_market(values)))


@describe(
    request=PeriodSerializer,
    answer=FUNDING,
    errors=[*MARKET_ERRORS, errors.FundingFetchFailed],
    examples=PERIOD_EXAMPLES,
)
class FundingRateView(ServiceView):
    """`/v1/markets/funding-rate`"""

    def post(self, request: Request) -> Response:
        """What one side pays the other."""
        values = self.parsed(request, PeriodSerializer)
        hours = values.get("periodHours") or DEFAULT_HOURS
        return self.success(read_funding(network=values["network"], market=read_market(values), hours=hours))


@describe(
    request=PeriodSerializer,
    answer=ROLLOVER,
    errors=[*MARKET_ERRORS, errors.RolloverFetchFailed],
    examples=PERIOD_EXAMPLES,
)
class RolloverRateView(ServiceView):
    """`/v1/markets/rollover-rate`"""

    def post(self, request: Request) -> Response:
        """What holding a position costs."""
        values = self.parsed(request, PeriodSerializer)
        hours = values.get("periodHours") or DEFAULT_HOURS
        return self.success(read_rollover(network=values["network"], market=read_market(values), hours=hours))


def read_market(values: dict[str, Any]) -> str | int:
    """The name to go by: the number where there is one, since a name may be ambiguous."""
    pair_id = values.get("pairId")
    return str(values["market"]) if pair_id is None else int(pair_id)

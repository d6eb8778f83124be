"""Markets and prices over HTTP."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from markets.answer_schemas import MARKETS, PRICE
from markets.presentation import describe_markets, describe_price
from markets.services import read_markets_and_prices, read_quote
from ostium_service.http import errors
from ostium_service.http.fields import MarketField, NetworkField, TextField
from ostium_service.http.operations import describe
from ostium_service.http.views import ServiceView

DEFAULT_QUOTE = "USD"


class NetworkSerializer(serializers.Serializer[Any]):
    """What every call names."""

    network = NetworkField()


class PriceSerializer(NetworkSerializer):
    """`market`, or `base` with an optional `quote`."""

    market = MarketField(required=False, allow_null=True)
    base = TextField(min=1, max=20, required=False, allow_null=True)
    quote = TextField(min=1, max=20, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two forms has to be there."""
        if attrs.get("market") is None and attrs.get("base") is None:
            raise serializers.ValidationError({"base": "Name base (and quote), or market."})
        return attrs


@describe(
    request=NetworkSerializer,
    answer=MARKETS,
    errors=[errors.MarketsFetchFailed, errors.PriceFetchFailed],
    examples={"every market": {"network": "testnet"}},
)
class MarketsListView(ServiceView):
    """`/v1/markets/list`"""

    def post(self, request: Request) -> Response:
        """Every market with its present quote."""
        network = self.parsed(request, NetworkSerializer)["network"]
        listing, prices = read_markets_and_prices(network=network)
        rows = describe_markets(listing=listing, prices=prices)
        return self.success({"network": network, "markets": rows, "asOfBlock": listing.block})


@describe(
    request=PriceSerializer,
    answer=PRICE,
    errors=[
        *(errors.InvalidMarket, errors.AmbiguousMarket),
        *(errors.MarketsFetchFailed, errors.PriceFetchFailed, errors.PriceStale),
    ],
    examples={
        "by base": {"network": "testnet", "base": "BTC"},
        "by base and quote": {"network": "testnet", "base": "USD", "quote": "JPY"},
        "by market": {"network": "testnet", "market": "BTC/USD"},
        "by a market's name as base": {"network": "testnet", "base": "USDJPY", "quote": "USD"},
    },
)
class PricesGetView(ServiceView):
    """`/v1/prices/get`"""

    def post(self, request: Request) -> Response:
        """One market's quote with its age."""
        values = self.parsed(request, PriceSerializer)
        market, price = read_quote(
            network=values["network"],
            market=values.get("market"),
            base=values.get("base"),
            quote=values.get("quote") or DEFAULT_QUOTE,
        )
        return self.success({"network": values["network"], **describe_price(market=market, price=price)})

"""What callers may send. Every field is strict; unknown ones are ignored."""

from typing import Any

from rest_framework import serializers

from ostium_service.http.fields import (
    AddressField,
    BoundedIntegerField,
    IdempotencyKeyField,
    LeverageField,
    MarketField,
    MoneyField,
    NetworkField,
    OrderTypeField,
    PairIdField,
    PercentField,
    PriceField,
    SideField,
    StrictBooleanField,
    TextField,
    TradeIndexField,
)

MAX_SLIPPAGE = 10
MAX_ROWS = 100


class NetworkSerializer(serializers.Serializer[Any]):
    """What every call names."""

    network = NetworkField()


class BalanceSerializer(NetworkSerializer):
    """`/v1/accounts/balance`"""

    address = AddressField()


class TraderSerializer(NetworkSerializer):
    """`/v1/positions/list`"""

    traderAddress = AddressField()


class OrderSerializer(NetworkSerializer):
    """`/v1/orders/track`"""

    orderId = TextField(min=1, max=100)


class MetricsSerializer(TraderSerializer):
    """`/v1/positions/metrics`"""

    pairId = PairIdField()
    tradeIndex = TradeIndexField()


class HistorySerializer(TraderSerializer):
    """`/v1/accounts/history`"""

    limit = BoundedIntegerField(minimum=1, maximum=MAX_ROWS, required=False, allow_null=True)


class ExecutionsSerializer(NetworkSerializer):
    """`/v1/executions/list`: a trader's, or those of all Safes of a user"""

    traderAddress = AddressField(required=False, allow_null=True)
    userId = TextField(min=1, max=128, required=False, allow_null=True)
    limit = BoundedIntegerField(minimum=1, maximum=MAX_ROWS, required=False, allow_null=True)
    cursor = TextField(min=1, max=200, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two owners has to be there."""
        if attrs.get("traderAddress") is None and attrs.get("userId") is None:
            raise serializers.ValidationError({"traderAddress": "Give traderAddress or userId."})
        return attrs


class ExecutionSerializer(NetworkSerializer):
    """`/v1/executions/get`"""

    executionId = serializers.UUIDField(format="hex_verbose")


class WriteSerializer(TraderSerializer):
    """What every write names; without a trader the venue would trade the delegate's own account."""

    idempotencyKey = IdempotencyKeyField(required=False, allow_null=True)


class OpenPositionSerializer(WriteSerializer):
    """`/v1/positions/open`"""

    market = MarketField()
    side = SideField()
    collateral = MoneyField()
    leverage = LeverageField()
    orderType = OrderTypeField(required=False, allow_null=True)
    triggerPrice = PriceField(required=False, allow_null=True)
    slippage = PercentField(min=0, max=MAX_SLIPPAGE, required=False, allow_null=True)
    slPrice = PriceField(required=False, allow_null=True)
    tpPrice = PriceField(required=False, allow_null=True)
    dayTrade = StrictBooleanField(required=False, allow_null=True)


class SlotSerializer(WriteSerializer):
    """A write on the position in a slot, and the trade that the caller means by it."""

    pairId = PairIdField()
    tradeIndex = TradeIndexField()
    tradeId = TextField(min=1, max=78, required=False, allow_null=True)


class ClosePositionSerializer(SlotSerializer):
    """`/v1/positions/close`"""

    closePercentage = PercentField(min=0, max=100, required=False, allow_null=True)
    slippage = PercentField(min=0, max=MAX_SLIPPAGE, required=False, allow_null=True)


class UpdateStopLossSerializer(SlotSerializer):
    """`/v1/positions/update-sl`; 0 clears"""

    slPrice = PriceField(allow_zero=True)


class CollateralSerializer(SlotSerializer):
    """`/v1/positions/add-collateral` and `/v1/positions/remove-collateral`"""

    amount = MoneyField()


class ReclaimSerializer(WriteSerializer):
    """`/v1/positions/reclaim`"""

    orderId = TextField(min=1, max=100)
    retry = StrictBooleanField(required=False, allow_null=True)


class OrderNameSerializer(WriteSerializer):
    """`/v1/orders/cancel`: an orderId in any of its forms, or pairId and tradeIndex"""

    orderId = TextField(min=1, max=100, required=False, allow_null=True)
    pairId = PairIdField(required=False, allow_null=True)
    tradeIndex = TradeIndexField(required=False, allow_null=True)


class UpdateOrderSerializer(OrderNameSerializer):
    """`/v1/orders/update`: omitted or null keeps; 0 clears a stop-loss or take-profit"""

    triggerPrice = PriceField(required=False, allow_null=True)
    price = PriceField(required=False, allow_null=True)
    slPrice = PriceField(allow_zero=True, required=False, allow_null=True)
    tpPrice = PriceField(allow_zero=True, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """triggerPrice and price are two names of one value."""
        prices = {attrs[name] for name in ("triggerPrice", "price") if attrs.get(name) is not None}
        if len(prices) > 1:
            raise serializers.ValidationError({"price": "Differs from triggerPrice, which means the same."})
        return {**attrs, "triggerPrice": prices.pop() if prices else None}


class UpdateTakeProfitSerializer(SlotSerializer):
    """`/v1/positions/update-tp`"""

    tpPrice = PriceField()

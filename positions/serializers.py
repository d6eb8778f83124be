"""What callers may send. Every field is strict; unknown ones are ignored."""

from typing import Any

from rest_framework import serializers

from ostium_service.http.fields import (
    AddressField,
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


class UpdateTakeProfitSerializer(SlotSerializer):
    """`/v1/positions/update-tp`"""

    tpPrice = PriceField()

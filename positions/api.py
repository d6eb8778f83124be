"""Trading, accounts and the ledger over HTTP."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ostium_service.http.views import ServiceView
from positions.selectors import get_execution
from positions.serializers import (
    BalanceSerializer,
    ClosePositionSerializer,
    ExecutionSerializer,
    OpenPositionSerializer,
    OrderSerializer,
    TraderSerializer,
    UpdateStopLossSerializer,
    UpdateTakeProfitSerializer,
)
from positions.services.accounts import read_balances
from positions.services.answers import describe_execution
from positions.services.closing import DEFAULT_SLIPPAGE, EVERYTHING, CloseOrder, close_position
from positions.services.listing import list_positions
from positions.services.opening import OpenOrder, OrderKind, Side, open_position
from positions.services.pipeline import Answer
from positions.services.tracking import track_order
from positions.services.updating import PriceUpdate, update_stop_loss, update_take_profit


class WriteView(ServiceView):
    """A write: its key comes from the body or the transport."""

    def identify(self, request: Request, values: dict[str, Any]) -> dict[str, str]:
        """The key and the request's id, as every writing service takes them."""
        return {
            "key": self.idempotency_key(request, values.get("idempotencyKey")),
            "request_id": self.request_id(request),
        }

    def answer(self, answer: Answer) -> Response:
        """A success, marked when an earlier request made it."""
        return self.success(answer.data, replayed=answer.replayed)


class BalanceView(ServiceView):
    """`/v1/accounts/balance`"""

    def post(self, request: Request) -> Response:
        """USDC and the native coin."""
        values = self.parsed(request, BalanceSerializer)
        return self.success(read_balances(network=values["network"], address=values["address"]))


class PositionsListView(ServiceView):
    """`/v1/positions/list`"""

    def post(self, request: Request) -> Response:
        """Every open position, as the chain has it."""
        values = self.parsed(request, TraderSerializer)
        return self.success(list_positions(network=values["network"], trader=values["traderAddress"]))


class OpenPositionView(WriteView):
    """`/v1/positions/open`"""

    def post(self, request: Request) -> Response:
        """At market, or a limit or stop order."""
        values = self.parsed(request, OpenPositionSerializer)
        order = OpenOrder(
            network=values["network"],
            trader=values["traderAddress"],
            market=values["market"],
            side=Side(values["side"]),
            collateral=values["collateral"],
            leverage=values["leverage"],
            kind=OrderKind(values.get("orderType") or OrderKind.MARKET),
            trigger_price=values.get("triggerPrice"),
            slippage=values.get("slippage"),
            stop_loss=values.get("slPrice"),
            take_profit=values.get("tpPrice"),
            is_day_trade=values.get("dayTrade") or False,
        )
        return self.answer(open_position(order=order, **self.identify(request, values)))


class ClosePositionView(WriteView):
    """`/v1/positions/close`"""

    def post(self, request: Request) -> Response:
        """All of it, or a percentage."""
        values = self.parsed(request, ClosePositionSerializer)
        order = CloseOrder(
            network=values["network"],
            trader=values["traderAddress"],
            pair_id=values["pairId"],
            trade_index=values["tradeIndex"],
            percentage=values.get("closePercentage") or EVERYTHING,
            slippage=values.get("slippage") or DEFAULT_SLIPPAGE,
            trade_id=values.get("tradeId"),
        )
        return self.answer(close_position(order=order, **self.identify(request, values)))


class UpdateStopLossView(WriteView):
    """`/v1/positions/update-sl`"""

    def post(self, request: Request) -> Response:
        """Set it, or clear it with 0."""
        values = self.parsed(request, UpdateStopLossSerializer)
        update = read_update(values, "slPrice")
        return self.answer(update_stop_loss(update=update, **self.identify(request, values)))


class UpdateTakeProfitView(WriteView):
    """`/v1/positions/update-tp`"""

    def post(self, request: Request) -> Response:
        """Set it."""
        values = self.parsed(request, UpdateTakeProfitSerializer)
        update = read_update(values, "tpPrice")
        return self.answer(update_take_profit(update=update, **self.identify(request, values)))


class OrderTrackView(ServiceView):
    """`/v1/orders/track`"""

    def post(self, request: Request) -> Response:
        """What became of an order."""
        values = self.parsed(request, OrderSerializer)
        return self.success(track_order(network=values["network"], order_id=values["orderId"]))


class ExecutionGetView(ServiceView):
    """`/v1/executions/get`"""

    def post(self, request: Request) -> Response:
        """The ledger's row with its story."""
        values = self.parsed(request, ExecutionSerializer)
        execution = get_execution(network=values["network"], execution_id=values["executionId"])
        return self.success(describe_execution(execution=execution))


def read_update(values: dict[str, Any], field: str) -> PriceUpdate:
    """The slot and the new price of either update call."""
    return PriceUpdate(
        network=values["network"],
        trader=values["traderAddress"],
        pair_id=values["pairId"],
        trade_index=values["tradeIndex"],
        price=values[field],
        trade_id=values.get("tradeId"),
    )

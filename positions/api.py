"""Trading, accounts and the ledger over HTTP."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ostium_service.http import errors
from ostium_service.http.operations import TRADING_ERRORS, describe
from ostium_service.http.views import ServiceView
from positions import answer_schemas as answers
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

EXAMPLE_TRADER = "0x1111111111111111111111111111111111111111"
EXAMPLE_SLOT = {"network": "testnet", "traderAddress": EXAMPLE_TRADER, "pairId": 0, "tradeIndex": 0}

SLOT_ERRORS = (errors.PositionNotFound, errors.PositionChanged, errors.TriggerPending, errors.InvalidMarket)
"""What a write on a position's slot may be refused with besides TRADING_ERRORS."""


class WriteView(ServiceView):
    """A write: its key comes from the body or the transport."""

    def identify(self, request: Request, values: dict[str, Any]) -> dict[str, str]:
        """The key, the request's id and its signature, as every writing service takes them."""
        return {
            "key": self.idempotency_key(request, values.get("idempotencyKey")),
            "request_id": self.request_id(request),
            "signature": self.signature(request),
        }

    def answer(self, answer: Answer) -> Response:
        """A success, marked when an earlier request made it."""
        return self.success(answer.data, replayed=answer.replayed)


@describe(
    request=BalanceSerializer,
    answer=answers.BALANCE,
    errors=[errors.BalanceFetchFailed],
    examples={"a Safe": {"network": "testnet", "address": EXAMPLE_TRADER}},
)
class BalanceView(ServiceView):
    """`/v1/accounts/balance`"""

    def post(self, request: Request) -> Response:
        """USDC and the native coin."""
        values = self.parsed(request, BalanceSerializer)
        return self.success(read_balances(network=values["network"], address=values["address"]))


@describe(
    request=TraderSerializer,
    answer=answers.POSITIONS,
    errors=[errors.PositionsFetchFailed],
    examples={"a trader": {"network": "testnet", "traderAddress": EXAMPLE_TRADER}},
)
class PositionsListView(ServiceView):
    """`/v1/positions/list`"""

    def post(self, request: Request) -> Response:
        """Every open position, as the chain has it."""
        values = self.parsed(request, TraderSerializer)
        return self.success(list_positions(network=values["network"], trader=values["traderAddress"]))


@describe(
    request=OpenPositionSerializer,
    answer=answers.OPENED,
    errors=[
        *TRADING_ERRORS,
        *(errors.InvalidMarket, errors.AmbiguousMarket, errors.MarketClosed, errors.DayTradeClosed),
        *(errors.PriceStale, errors.PriceFetchFailed, errors.TriggerPriceRequired, errors.OrderCancelled),
        *(errors.LeverageTooHigh, errors.LeverageTooLow, errors.PositionTooSmall, errors.CollateralTooHigh),
        *(errors.InvalidStopLoss, errors.InvalidTakeProfit, errors.ExposureLimit, errors.MaxTradesReached),
        *(errors.MaxPendingOrders, errors.OpenPositionFailed),
    ],
    write=True,
    examples={
        "at market": {
            "network": "testnet",
            "traderAddress": EXAMPLE_TRADER,
            "market": "BTC/USD",
            "side": "long",
            "collateral": "100",
            "leverage": "10",
            "idempotencyKey": "example-open",
        },
        "limit order": {
            "network": "testnet",
            "traderAddress": EXAMPLE_TRADER,
            "market": "BTC/USD",
            "side": "long",
            "collateral": "100",
            "leverage": "10",
            "orderType": "limit",
            "triggerPrice": "20000",
        },
    },
)
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


@describe(
    request=ClosePositionSerializer,
    answer=answers.CLOSED,
    errors=[
        *(*TRADING_ERRORS, *SLOT_ERRORS),
        *(errors.MarketClosed, errors.PriceStale, errors.PriceFetchFailed, errors.PositionTooSmall),
        *(errors.MaxPendingOrders, errors.OrderCancelled, errors.ClosePositionFailed),
    ],
    write=True,
    examples={"half of it": {**EXAMPLE_SLOT, "closePercentage": 50}},
)
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


@describe(
    request=UpdateStopLossSerializer,
    answer=answers.STOP_LOSS,
    errors=[*TRADING_ERRORS, *SLOT_ERRORS, errors.InvalidStopLoss, errors.UpdateSlFailed],
    write=True,
    examples={"clear it": {**EXAMPLE_SLOT, "slPrice": "0"}},
)
class UpdateStopLossView(WriteView):
    """`/v1/positions/update-sl`"""

    def post(self, request: Request) -> Response:
        """Set it, or clear it with 0."""
        values = self.parsed(request, UpdateStopLossSerializer)
        update = read_update(values, "slPrice")
        return self.answer(update_stop_loss(update=update, **self.identify(request, values)))


@describe(
    request=UpdateTakeProfitSerializer,
    answer=answers.TAKE_PROFIT,
    errors=[*TRADING_ERRORS, *SLOT_ERRORS, errors.InvalidTakeProfit, errors.UpdateTpFailed],
    write=True,
    examples={"set it": {**EXAMPLE_SLOT, "tpPrice": "150000"}},
)
class UpdateTakeProfitView(WriteView):
    """`/v1/positions/update-tp`"""

    def post(self, request: Request) -> Response:
        """Set it."""
        values = self.parsed(request, UpdateTakeProfitSerializer)
        update = read_update(values, "tpPrice")
        return self.answer(update_take_profit(update=update, **self.identify(request, values)))


@describe(
    request=OrderSerializer,
    answer=answers.TRACKED,
    errors=[errors.OrderNotFound, errors.OrderTrackingFailed],
    examples={"by its number": {"network": "testnet", "orderId": "800001"}},
)
class OrderTrackView(ServiceView):
    """`/v1/orders/track`"""

    def post(self, request: Request) -> Response:
        """What became of an order."""
        values = self.parsed(request, OrderSerializer)
        return self.success(track_order(network=values["network"], order_id=values["orderId"]))


@describe(
    request=ExecutionSerializer,
    answer=answers.EXECUTION,
    errors=[errors.ExecutionNotFound],
    examples={"by its id": {"network": "testnet", "executionId": "11111111-1111-4111-8111-111111111111"}},
)
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

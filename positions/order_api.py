"""Resting orders, collateral, reclaim and the faucet over HTTP."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ostium_service.http import errors
from ostium_service.http.operations import TRADING_ERRORS, describe
from positions import answer_schemas as answers
from positions.api import EXAMPLE_SLOT, EXAMPLE_TRADER, SLOT_ERRORS, WriteView
from positions.serializers import (
    CollateralSerializer,
    OrderNameSerializer,
    ReclaimSerializer,
    UpdateOrderSerializer,
    WriteSerializer,
)
from positions.services.collateral import CollateralChange, add_collateral, remove_collateral
from positions.services.faucet import request_tokens
from positions.services.finding_orders import OrderName
from positions.services.reclaiming import Reclaim, reclaim_order
from positions.services.resting import OrderUpdate, cancel_order, update_order

EXAMPLE = {"network": "testnet", "traderAddress": EXAMPLE_TRADER}
ORDER_ERRORS = (errors.OrderNotFound, errors.OrderNotReclaimable, errors.TriggerPending)
"""What a write on a resting order may be refused with besides TRADING_ERRORS."""


@describe(
    request=OrderNameSerializer,
    answer=answers.CANCELLED,
    errors=[*TRADING_ERRORS, *ORDER_ERRORS, errors.CancelOrderFailed],
    write=True,
    examples={
        "by its id": {**EXAMPLE, "orderId": "limit-480217", "idempotencyKey": "example-cancel"},
        "by its place": EXAMPLE_SLOT,
    },
)
class CancelOrderView(WriteView):
    """`/v1/orders/cancel`"""

    def post(self, request: Request) -> Response:
        """Take a resting order back."""
        values = self.parsed(request, OrderNameSerializer)
        return self.answer(cancel_order(name=read_name(values), **self.identify(request, values)))


@describe(
    request=UpdateOrderSerializer,
    answer=answers.UPDATED_ORDER,
    errors=[
        *TRADING_ERRORS,
        *ORDER_ERRORS,
        *(errors.InvalidStopLoss, errors.InvalidTakeProfit, errors.UpdateOrderFailed),
    ],
    write=True,
    examples={"clear the stop-loss": {**EXAMPLE_SLOT, "triggerPrice": "20000", "slPrice": "0"}},
)
class UpdateOrderView(WriteView):
    """`/v1/orders/update`"""

    def post(self, request: Request) -> Response:
        """Move its prices."""
        values = self.parsed(request, UpdateOrderSerializer)
        update = OrderUpdate(
            name=read_name(values),
            trigger_price=values["triggerPrice"],
            stop_loss=values.get("slPrice"),
            take_profit=values.get("tpPrice"),
        )
        return self.answer(update_order(update=update, **self.identify(request, values)))


@describe(
    request=CollateralSerializer,
    answer=answers.COLLATERAL,
    errors=[
        *TRADING_ERRORS,
        *SLOT_ERRORS,
        *(errors.InvalidMarket, errors.LeverageTooLow, errors.LeverageTooHigh, errors.ExposureLimit),
        *(errors.CollateralTooHigh, errors.AddCollateralFailed),
    ],
    write=True,
    examples={"ten dollars": {**EXAMPLE_SLOT, "amount": "10"}},
)
class AddCollateralView(WriteView):
    """`/v1/positions/add-collateral`"""

    def post(self, request: Request) -> Response:
        """Lower the leverage."""
        values = self.parsed(request, CollateralSerializer)
        return self.answer(add_collateral(change=read_change(values), **self.identify(request, values)))


@describe(
    request=CollateralSerializer,
    answer=answers.COLLATERAL,
    errors=[
        *TRADING_ERRORS,
        *SLOT_ERRORS,
        *(errors.InvalidMarket, errors.LeverageTooHigh, errors.OrderCancelled, errors.RemoveCollateralFailed),
    ],
    write=True,
    examples={"ten dollars": {**EXAMPLE_SLOT, "amount": "10"}},
)
class RemoveCollateralView(WriteView):
    """`/v1/positions/remove-collateral`"""

    def post(self, request: Request) -> Response:
        """Raise the leverage."""
        values = self.parsed(request, CollateralSerializer)
        return self.answer(remove_collateral(change=read_change(values), **self.identify(request, values)))


@describe(
    request=ReclaimSerializer,
    answer=answers.RECLAIMED,
    errors=[
        *TRADING_ERRORS,
        *(errors.OrderNotFound, errors.OrderNotReclaimable, errors.OrderCancelled, errors.ReclaimFailed),
    ],
    write=True,
    examples={"an unanswered order": {**EXAMPLE, "orderId": "800001"}},
)
class ReclaimView(WriteView):
    """`/v1/positions/reclaim`"""

    def post(self, request: Request) -> Response:
        """Take back a market order that the oracle never answered."""
        values = self.parsed(request, ReclaimSerializer)
        reclaim = Reclaim(
            network=values["network"],
            trader=values["traderAddress"],
            order_id=values["orderId"],
            retry=values.get("retry") or False,
        )
        return self.answer(reclaim_order(reclaim=reclaim, **self.identify(request, values)))


@describe(
    request=WriteSerializer,
    answer=answers.FAUCET,
    errors=[
        *TRADING_ERRORS,
        *(errors.FaucetNotAvailable, errors.FaucetUnavailable, errors.OrderCancelled, errors.FaucetRequestFailed),
    ],
    write=True,
    examples={"for a trader": EXAMPLE},
)
class FaucetView(WriteView):
    """`/v1/faucet/request`"""

    def post(self, request: Request) -> Response:
        """Test USDC for a trader."""
        values = self.parsed(request, WriteSerializer)
        network, trader = values["network"], values["traderAddress"]
        return self.answer(request_tokens(network=network, trader=trader, **self.identify(request, values)))


def read_name(values: dict[str, Any]) -> OrderName:
    """How the caller names the order."""
    return OrderName(
        network=values["network"],
        trader=values["traderAddress"],
        order_id=values.get("orderId"),
        pair_id=values.get("pairId"),
        trade_index=values.get("tradeIndex"),
    )


def read_change(values: dict[str, Any]) -> CollateralChange:
    """The slot and the amount of either collateral call."""
    return CollateralChange(
        network=values["network"],
        trader=values["traderAddress"],
        pair_id=values["pairId"],
        trade_index=values["tradeIndex"],
        amount=values["amount"],
        trade_id=values.get("tradeId"),
    )

"""Orders, history, metrics and pages of the ledger over HTTP."""

from rest_framework.request import Request
from rest_framework.response import Response

from ostium_service.http import errors
from ostium_service.http.operations import describe
from ostium_service.http.views import ServiceView
from positions import answer_schemas as answers
from positions.api import EXAMPLE_SLOT, EXAMPLE_TRADER
from positions.serializers import ExecutionsSerializer, HistorySerializer, MetricsSerializer, TraderSerializer
from positions.services.ledger_pages import list_executions
from positions.services.metrics import read_metrics
from positions.services.order_listing import list_history, list_orders

DEFAULT_ROWS = 20
EXAMPLE = {"network": "testnet", "traderAddress": EXAMPLE_TRADER}


@describe(
    request=TraderSerializer,
    answer=answers.ORDERS,
    errors=[errors.OrdersFetchFailed],
    examples={"a trader": EXAMPLE},
)
class OrdersListView(ServiceView):
    """`/v1/orders/list`"""

    def post(self, request: Request) -> Response:
        """Resting orders, and market orders that wait for the oracle."""
        values = self.parsed(request, TraderSerializer)
        return self.success(list_orders(network=values["network"], trader=values["traderAddress"]))


@describe(
    request=HistorySerializer,
    answer=answers.HISTORY,
    errors=[errors.HistoryFetchFailed],
    examples={"the last five": {**EXAMPLE, "limit": 5}},
)
class HistoryView(ServiceView):
    """`/v1/accounts/history`"""

    def post(self, request: Request) -> Response:
        """Ended orders, newest first."""
        values = self.parsed(request, HistorySerializer)
        limit = values.get("limit") or DEFAULT_ROWS
        return self.success(list_history(network=values["network"], trader=values["traderAddress"], limit=limit))


@describe(
    request=MetricsSerializer,
    answer=answers.METRICS,
    errors=[errors.PositionNotFound, errors.InvalidMarket, errors.PriceStale, errors.MetricsFetchFailed],
    examples={"a position": EXAMPLE_SLOT},
)
class MetricsView(ServiceView):
    """`/v1/positions/metrics`"""

    def post(self, request: Request) -> Response:
        """What one position is worth now."""
        values = self.parsed(request, MetricsSerializer)
        return self.success(
            read_metrics(
                network=values["network"],
                trader=values["traderAddress"],
                pair_id=values["pairId"],
                trade_index=values["tradeIndex"],
            )
        )


@describe(
    request=ExecutionsSerializer,
    answer=answers.EXECUTIONS,
    examples={"a trader's": EXAMPLE, "a user's": {"network": "testnet", "userId": "ann", "limit": 10}},
)
class ExecutionsListView(ServiceView):
    """`/v1/executions/list`"""

    def post(self, request: Request) -> Response:
        """The ledger, newest first."""
        values = self.parsed(request, ExecutionsSerializer)
        return self.success(
            list_executions(
                network=values["network"],
                trader=values.get("traderAddress"),
                user_id=values.get("userId"),
                limit=values.get("limit") or DEFAULT_ROWS,
                cursor=values.get("cursor"),
            )
        )

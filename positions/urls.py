"""Paths under /v1/."""

from django.urls import path

from positions import api, order_api, read_api

urlpatterns = [
    path("accounts/balance", api.BalanceView.as_view()),
    path("accounts/history", read_api.HistoryView.as_view()),
    path("positions/list", api.PositionsListView.as_view()),
    path("positions/metrics", read_api.MetricsView.as_view()),
    path("positions/open", api.OpenPositionView.as_view()),
    path("positions/close", api.ClosePositionView.as_view()),
    path("positions/update-sl", api.UpdateStopLossView.as_view()),
    path("positions/update-tp", api.UpdateTakeProfitView.as_view()),
    path("positions/add-collateral", order_api.AddCollateralView.as_view()),
    path("positions/remove-collateral", order_api.RemoveCollateralView.as_view()),
    path("positions/reclaim", order_api.ReclaimView.as_view()),
    path("orders/list", read_api.OrdersListView.as_view()),
    path("orders/cancel", order_api.CancelOrderView.as_view()),
    path("orders/update", order_api.UpdateOrderView.as_view()),
    path("orders/track", api.OrderTrackView.as_view()),
    path("faucet/request", order_api.FaucetView.as_view()),
    path("executions/get", api.ExecutionGetView.as_view()),
    path("executions/list", read_api.ExecutionsListView.as_view()),
]

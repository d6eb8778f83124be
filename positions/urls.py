"""Paths under /v1/."""

from django.urls import path

from positions import api

urlpatterns = [
    path("accounts/balance", api.BalanceView.as_view()),
    path("positions/list", api.PositionsListView.as_view()),
    path("positions/open", api.OpenPositionView.as_view()),
    path("positions/close", api.ClosePositionView.as_view()),
    path("positions/update-sl", api.UpdateStopLossView.as_view()),
    path("positions/update-tp", api.UpdateTakeProfitView.as_view()),
    path("orders/track", api.OrderTrackView.as_view()),
    path("executions/get", api.ExecutionGetView.as_view()),
]

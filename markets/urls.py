"""Paths under /v1/."""

from django.urls import path

from markets.api import MarketsListView, PricesGetView

urlpatterns = [
    path("markets/list", MarketsListView.as_view()),
    path("prices/get", PricesGetView.as_view()),
]

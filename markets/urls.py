"""Paths under /v1/."""

from django.urls import path

from markets.api import MarketsListView, PricesGetView
from markets.detail_api import FundingRateView, MarketDetailsView, RolloverRateView

urlpatterns = [
    path("markets/list", MarketsListView.as_view()),
    path("markets/details", MarketDetailsView.as_view()),
    path("markets/funding-rate", FundingRateView.as_view()),
    path("markets/rollover-rate", RolloverRateView.as_view()),
    path("prices/get", PricesGetView.as_view()),
]

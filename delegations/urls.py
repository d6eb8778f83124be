"""Paths below /v1/."""

from django.urls import path

from delegations import api, setup_api

urlpatterns = [
    path("delegations/prepare", api.PrepareView.as_view()),
    path("delegations/execute", api.ExecuteView.as_view()),
    path("delegations/status", api.StatusView.as_view()),
    path("delegations/report", api.ReportView.as_view()),
    path("delegations/revoke/prepare", api.PrepareRevocationView.as_view()),
    path("delegations/revoke/execute", api.ExecuteRevocationView.as_view()),
    path("allowance/prepare", setup_api.PrepareAllowanceView.as_view()),
    path("allowance/execute", setup_api.ExecuteAllowanceView.as_view()),
    path("readiness", setup_api.ReadinessView.as_view()),
    path("setup/overview", setup_api.OverviewView.as_view()),
]

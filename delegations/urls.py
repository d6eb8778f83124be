"""Paths below /v1/."""

from django.urls import path

from delegations import api

urlpatterns = [
    path("delegations/prepare", api.PrepareView.as_view()),
    path("delegations/execute", api.ExecuteView.as_view()),
    path("delegations/status", api.StatusView.as_view()),
    path("delegations/revoke/prepare", api.PrepareRevocationView.as_view()),
    path("delegations/revoke/execute", api.ExecuteRevocationView.as_view()),
]

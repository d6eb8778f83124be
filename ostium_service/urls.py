"""The one composition point of the HTTP side."""

from django.contrib import admin
from django.urls import include, path

from ostium_service.http.health import HealthView, MetricsView, ReadyView
from ostium_service.http.reference import OpenApiView, ReferenceView

urlpatterns = [
    path("health", HealthView.as_view()),
    path("ready", ReadyView.as_view()),
    path("metrics", MetricsView.as_view()),
    path("openapi.json", OpenApiView.as_view()),
    path("docs", ReferenceView.as_view()),
    path("admin/", admin.site.urls),
    path("v1/", include("markets.urls")),
    path("v1/", include("positions.urls")),
    path("v1/", include("delegations.urls")),
]

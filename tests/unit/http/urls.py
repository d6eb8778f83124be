"""A tiny service behind the real edge, for the tests of the edge."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ostium_service.http import errors, fields
from ostium_service.http.health import HealthView, MetricsView, ReadyView
from ostium_service.http.operations import describe
from ostium_service.http.schemas import TEXT, record
from ostium_service.http.views import ServiceView


class EchoSerializer(serializers.Serializer[Any]):
    network = fields.NetworkField()
    collateral = fields.MoneyField(required=False)
    leverage = fields.LeverageField(required=False)
    traderAddress = fields.AddressField(required=False)
    signatures = serializers.ListField(child=fields.HexField(65), required=False)
    idempotencyKey = fields.IdempotencyKeyField(required=False)


class EchoView(ServiceView):
    def post(self, request: Request) -> Response:
        data = self.parsed(request, EchoSerializer)
        key = self.idempotency_key(request, data.get("idempotencyKey"))
        shown = {name: str(value) for name, value in data.items()}
        return self.success({**shown, "key": key}, replayed=key == "again")


class CrashView(ServiceView):
    def post(self, request: Request) -> Response:
        private_key = "0x" + "ab" * 32
        raise RuntimeError(f"the key is {private_key}")


class RefuseView(ServiceView):
    def post(self, request: Request) -> Response:
        raise errors.TxReverted(
            "The read timed out.", details={"reason": "WaitTimeout", "txHash": "0x1"}, headers={"Retry-After": "2"}
        )


def describe_as(*, write: bool) -> Any:
    return describe(
        request=EchoSerializer,
        answer=record(key=TEXT),
        errors=[errors.PriceFetchFailed],
        write=write,
        examples={"any": {"network": "testnet"}},
    )


class _Failing(ServiceView):
    def post(self, request: Request) -> Response:
        raise errors.PriceFetchFailed(details={"reason": dict(request.data)["reason"]})


@describe_as(write=False)
class FailingReadView(_Failing):
    """Fails as an upstream system did."""


@describe_as(write=True)
class FailingWriteView(_Failing):
    """The same before anything was written."""


def crash_plainly(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("outside DRF")


def refuse_plainly(_request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("malformed")


def refuse_from_catalogue(_request: HttpRequest) -> HttpResponse:
    raise errors.MarketClosed


urlpatterns = [
    path("health", HealthView.as_view()),
    path("ready", ReadyView.as_view()),
    path("metrics", MetricsView.as_view()),
    path("v1/markets/list", EchoView.as_view()),
    path("v1/prices/get", EchoView.as_view()),
    path("v1/positions/open", EchoView.as_view()),
    path("v1/crash", CrashView.as_view()),
    path("v1/refuse", RefuseView.as_view()),
    path("v1/failing/read", FailingReadView.as_view()),
    path("v1/failing/write", FailingWriteView.as_view()),
    path("v1/plain/crash", crash_plainly),
    path("v1/plain/suspicious", refuse_plainly),
    path("v1/plain/catalogue", refuse_from_catalogue),
]

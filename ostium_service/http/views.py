"""The base of every signed call: authenticate, parse, validate, answer in the envelope."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import cache
from typing import Any, cast

from django.conf import settings
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ostium_service.http.authentication import HmacAuthentication, SignedRequest
from ostium_service.http.envelope import (
    AlwaysJson,
    EnvelopeRenderer,
    build_success,
    flatten_details,
    handle_exception,
    mark_enveloped,
)
from ostium_service.http.errors import (
    InvalidJson,
    InvalidNetwork,
    MethodNotAllowed,
    OstiumServiceTimeout,
    SecretInPayload,
    ServiceError,
    ValidationError,
)
from ostium_service.http.fields import INVALID_NETWORK, IdempotencyKeyField
from ostium_service.http.openapi import ServiceSchema
from ostium_service.http.operations import is_slow_read
from ostium_service.http.parsers import StrictJSONParser
from ostium_service.http.request_ids import assign_request_id, given_request_id
from ostium_service.http.secrets import looks_like_secret

REPLAYED_HEADER = "Idempotency-Replayed"


class ServiceView(APIView):
    """A signed POST. A subclass writes `post(request)`: `parsed`, one service, `success`."""

    authentication_classes = (HmacAuthentication,)
    parser_classes = (StrictJSONParser,)
    renderer_classes = (EnvelopeRenderer,)
    permission_classes = ()
    throttle_classes = ()
    content_negotiation_class = AlwaysJson
    schema = ServiceSchema()
    http_method_names = ["post"]

    def handle_exception(self, exc: Exception) -> Response:
        """A read that failed because an outside system was too slow says just that; of a write nobody may say it."""
        if isinstance(exc, ServiceError) and is_slow_read(exc, getattr(self, "operation", None)):
            exc = OstiumServiceTimeout(details=exc.details)
        return super().handle_exception(exc)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return handle_exception

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """405 first, since it tells nothing; then the signature; then the body, so that bad JSON is always said."""
        if request.method != "POST":
            raise MethodNotAllowed(headers={"Allow": "POST"})
        super().initial(request, *args, **kwargs)
        if not request._request.body:  # noqa: SLF001  DRF takes an empty body for an empty object
            raise InvalidJson(details={"reason": "empty"})
        assert isinstance(request.data, dict)  # noqa: S101  the strict parser yields nothing else

    def parsed(self, request: Request, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The validated fields; VALIDATION_ERROR naming every bad one, INVALID_NETWORK for a network not enabled."""
        serializer = copy(_prototype(serializer_class))
        serializer.initial_data = request.data
        if serializer.is_valid():
            return dict(serializer.validated_data)
        details = flatten_details(serializer.errors)
        network_codes = {getattr(item, "code", "") for item in _as_list(serializer.errors.get("network"))}
        if INVALID_NETWORK in network_codes:
            raise InvalidNetwork(details={"enabled": [n.value for n in settings.OSTIUM_NETWORKS], "fields": details})
        raise ValidationError(details=details)

    def success(self, data: Mapping[str, Any], *, replayed: bool = False) -> Response:
        """HTTP 200 with the data in the envelope; `replayed` marks the first answer given again."""
        body = build_success(data=data, request_id=self.request_id(self.request))
        headers = {REPLAYED_HEADER: "true"} if replayed else None
        return mark_enveloped(Response(body, headers=headers), code="success")

    def idempotency_key(self, request: Request, from_body: str | None) -> str:
        """The key by the contract's order: body, header Idempotency-Key, the caller's x-request-id, the signature.

        VALIDATION_ERROR for a header that is empty, too long or not printable; SECRET_IN_PAYLOAD for a key in it.
        """
        if from_body:
            return from_body
        header = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if header is not None:
            return _validate_key_header(str(header))
        return given_request_id(request._request) or self.signature(request)  # noqa: SLF001

    def signature(self, request: Request) -> str:
        """What was proved of the request: the same bytes at the same moment, whatever unsigned headers say."""
        return cast("SignedRequest", request.auth).signature

    def request_id(self, request: Request) -> str:
        """The id that this answer and its log lines carry."""
        return assign_request_id(request._request)  # noqa: SLF001


@cache
def _prototype(serializer_class: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One of the class with its fields built, to be copied for each request: building them anew is a tenth of a read.

    The copies share the fields, which keep nothing of what they validate.
    """
    made = serializer_class()
    made.fields  # noqa: B018  built at the first look
    return made


def _validate_key_header(value: str) -> str:
    if looks_like_secret(value, name="idempotencyKey"):
        raise SecretInPayload(details={"field": "Idempotency-Key"})
    try:
        return str(IdempotencyKeyField().run_validation(value))
    except serializers.ValidationError as error:
        details = [{"field": "Idempotency-Key", "message": str(item)} for item in _as_list(error.detail)]
        raise ValidationError(details=details) from None


def _as_list(detail: Any) -> list[Any]:
    return detail if isinstance(detail, list) else []

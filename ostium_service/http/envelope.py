"""The envelope on every answer under /v1/: success, refusal, and what the framework itself would have said."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ostium_service.http import errors
from ostium_service.http.errors import ServiceError
from ostium_service.http.request_ids import assign_request_id
from ostium_service.http.wording import reword
from ostium_service.moments import format_time
from ostium_service.observability.metrics import count_security_event

logger = structlog.get_logger(__name__)
AnyResponse = TypeVar("AnyResponse", Response, JsonResponse)

_BY_STATUS: Final[Mapping[int, type[ServiceError]]] = {
    401: errors.Unauthorized,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    411: errors.LengthRequired,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    429: errors.RateLimited,
}


def build_success(*, data: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """The body of an answer that worked; `data` must not be empty, since callers read that as a failure."""
    if not data:
        raise ValueError("an answer without data reads as a failure")
    return {"success": True, "data": dict(data), "meta": _build_meta(request_id)}


def build_failure(*, error: ServiceError, request_id: str) -> dict[str, Any]:
    """The body of a refusal, its words checked against those that callers act on."""
    body: dict[str, Any] = {"code": error.code, "message": reword(error.message, code=error.code)}
    if error.details:
        body["details"] = reword(error.details, code=error.code)
    body["retryable"] = error.retryable
    return {"success": False, "error": body, "meta": _build_meta(request_id)}


def failure_response(*, error: ServiceError, request: HttpRequest) -> JsonResponse:
    """The same refusal as a plain Django response, for what fails outside a view."""
    body = build_failure(error=error, request_id=assign_request_id(request))
    response = JsonResponse(body, status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    return mark_enveloped(response, code=error.code)


def handle_exception(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: every exception becomes a catalogue error; the unforeseen is logged and not told."""
    error = translate_exception(exc)
    view_request: Request = context["request"]
    request = view_request._request  # noqa: SLF001  DRF's wrapper has no public name for the request it wraps
    if isinstance(error, errors.SecretInPayload):
        count_security_event("secret_in_payload")
    if isinstance(error, errors.OstiumInternalError) and not isinstance(exc, ServiceError):
        logger.error("request_failed_unexpectedly", exc_info=exc)
    response = Response(
        build_failure(error=error, request_id=assign_request_id(request)),
        status=error.status,
        headers=dict(error.headers),
    )
    return mark_enveloped(response, code=error.code)


def translate_exception(exc: Exception) -> ServiceError:
    """The catalogue error for any exception; OSTIUM_INTERNAL_ERROR for one that nobody foresaw."""
    if isinstance(exc, ServiceError):
        return exc
    if isinstance(exc, exceptions.ValidationError):
        return errors.ValidationError(details=flatten_details(exc.detail))
    if isinstance(exc, Http404):
        return errors.NotFound()
    if isinstance(exc, OperationalError | InterfaceError):
        return errors.ChainUnavailable(
            "The service's ledger cannot be reached. Try again: repeating the same request has no second effect.",
            details={"reason": "database_unavailable"},
        )
    if isinstance(exc, UnreadablePostError):
        return errors.InvalidJson(details={"reason": "body_incomplete"})
    if isinstance(exc, exceptions.MethodNotAllowed):
        return errors.MethodNotAllowed(headers={"Allow": "POST"})
    if isinstance(exc, exceptions.APIException):
        return error_for_status(exc.status_code)
    return errors.OstiumInternalError()


def error_for_status(status: int) -> ServiceError:
    """The catalogue error nearest to a status that the framework chose by itself."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]()
    if 400 <= status < 500:
        return errors.ValidationError(details=[{"field": "request", "message": "The request is malformed."}])
    return errors.OstiumInternalError()


def flatten_details(detail: Any, path: str = "") -> list[dict[str, str]]:
    """DRF's nested errors as one list of {field, message}, fields joined with dots."""
    if isinstance(detail, Mapping):
        return [
            item
            for key, value in detail.items()
            for item in flatten_details(value, path if key == "non_field_errors" else f"{path}.{key}".strip("."))
        ]
    if isinstance(detail, list):
        nested = any(isinstance(item, Mapping | list) for item in detail)
        return [
            item
            for index, value in enumerate(detail)
            for item in flatten_details(value, f"{path}.{index}".strip(".") if nested else path)
        ]
    return [{"field": path or "request", "message": str(detail)}]


class AlwaysJson(BaseContentNegotiation):
    """The answer is JSON whatever Accept says: a refusal must reach the caller too."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class EnvelopeRenderer(JSONRenderer):
    """Compact UTF-8 JSON; NaN and Infinity cannot leave."""

    strict = True
    charset = None


def mark_enveloped(response: AnyResponse, *, code: str) -> AnyResponse:
    """Remember the outcome for the metrics, and that nothing outside need wrap the answer again."""
    vars(response)["ostium_outcome"] = code
    return response


def read_outcome(response: object) -> str | None:
    """What `mark_enveloped` remembered; None for an answer that no view of ours made."""
    return getattr(response, "ostium_outcome", None)


def _build_meta(request_id: str) -> dict[str, str]:
    now = format_time(datetime.now(UTC))
    return {"timestamp": now, "requestId": request_id}

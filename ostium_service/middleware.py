"""The edge around every view: the request id, who may call, and the envelope on whatever happens under /v1/."""

import logging
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from ostium_service.http.envelope import error_for_status, failure_response, read_outcome
from ostium_service.http.errors import OstiumDisabled, OstiumInternalError, ServiceError, Unauthorized
from ostium_service.http.request_ids import HEADER, assign_request_id
from ostium_service.observability.metrics import count_request, count_security_event

logger = structlog.get_logger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_API: Final = "/v1/"
_LEVELS: Final = {4: logging.WARNING, 5: logging.ERROR}
_INTERNAL_ONLY: Final = ("/v1", "/metrics", "/admin")


class RequestIdMiddleware:
    """Outermost: settles the request id before anything logs, puts it on every line and on the answer, then counts it.

    A request of the API leaves one line here; the other ones leave django-structlog's, which knows the person.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.monotonic()
        request_id = assign_request_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response[HEADER] = request_id
        count_request(_route(request), request.method or "", _outcome(response), time.monotonic() - started)
        if _is_api(request):
            _log_end(request, response)
        structlog.contextvars.clear_contextvars()
        return response


class EdgeMiddleware:
    """Refuses callers from outside, and everything while the service is off; wraps what the framework answered.

    The peer's own address decides, not X-Forwarded-For, which anybody can send. A peer on a Unix socket has none and
    is on this machine.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_api = _is_api(request)
        if request.path.startswith(_INTERNAL_ONLY) and not _is_internal(request):
            return self._refuse_outsider(request, is_api)
        if is_api and not settings.OSTIUM_ENABLED:
            return failure_response(error=OstiumDisabled(), request=request)
        response = self.get_response(request)
        if is_api and read_outcome(response) is None:
            return _wrap(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What a view outside DRF let through; for the API only, so that the admin keeps Django's own pages."""
        if not _is_api(request) or isinstance(exception, Http404 | SuspiciousOperation | PermissionDenied):
            return None
        if isinstance(exception, ServiceError):
            return failure_response(error=exception, request=request)
        logger.error("request_failed_unexpectedly", exc_info=exception)
        return failure_response(error=OstiumInternalError(), request=request)

    def _refuse_outsider(self, request: HttpRequest, is_api: bool) -> HttpResponse:
        count_security_event("outside_network")
        logger.warning("caller_outside_internal_networks", peer=request.META.get("REMOTE_ADDR", ""))
        if is_api:
            return failure_response(error=Unauthorized(details={"reason": "outside_network"}), request=request)
        return JsonResponse({"status": "forbidden"}, status=403)


def _log_end(request: HttpRequest, response: HttpResponseBase) -> None:
    level = _LEVELS.get(response.status_code // 100, logging.INFO)
    told = f"{request.method} {request.get_full_path()}"
    logger.log(level, "request_finished", code=response.status_code, request=told)


def _wrap(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The framework's own 404, 400 or 500 page, put into the envelope; anything that is no failure passes."""
    if response.status_code < 400:
        return response
    wrapped = failure_response(error=error_for_status(response.status_code), request=request)
    if response.has_header("Allow"):
        wrapped["Allow"] = response["Allow"]
    return wrapped


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(_API)


def _is_internal(request: HttpRequest) -> bool:
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if not peer:
        return True
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _networks(tuple(settings.INTERNAL_NETWORKS)))


@lru_cache(maxsize=8)
def _networks(cidrs: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(cidr.strip()) for cidr in cidrs)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        return "unmatched"
    return "admin" if match.route.startswith("admin") else match.route


def _outcome(response: HttpResponseBase) -> str:
    return read_outcome(response) or f"http_{response.status_code // 100}xx"

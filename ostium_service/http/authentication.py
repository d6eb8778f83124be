"""HMAC over the raw bytes and the raw target, checked before anything of the body is parsed.

Signed string: `<x-timestamp>:<METHOD>:<path>:<raw body>`; HMAC-SHA256, lower-case hex. Two secrets may be valid at
once. Everything that the headers alone can prove wrong is refused before the body is read.
"""

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ostium_service.http.errors import (
    InvalidJson,
    LengthRequired,
    PayloadTooLarge,
    RateLimited,
    ServerMisconfigured,
    Unauthorized,
    UnsupportedMediaType,
)
from ostium_service.http.flood import count_refusal
from ostium_service.http.parsers import MAX_BODY_BYTES
from ostium_service.observability.metrics import count_security_event

_TIMESTAMP: Final = re.compile(r"[0-9]{13}")
_SECONDS: Final = re.compile(r"[0-9]{9,10}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed: the one backend that holds the secret."""

    name: str = "backend"
    pk: str = "backend"
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What was proved, for the idempotency key of last resort: the same signature is the same request."""

    signature: str
    timestamp: str


def compute_signature(*, secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """The lower-case hex signature of one request; the key is the secret's UTF-8."""
    message = b":".join([timestamp.encode(), method.upper().encode(), path.encode(), body])
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class HmacAuthentication(BaseAuthentication):
    """Refuses with UNAUTHORIZED and a reason token, RATE_LIMITED when a peer is refused too often; reads 64 KiB."""

    def authenticate(self, request: Request) -> tuple[Caller, SignedRequest]:
        raw = request._request  # noqa: SLF001  the bytes as they came, not DRF's view of them
        try:
            return Caller(), authenticate_request(raw)
        except Unauthorized:
            seconds = count_refusal(peer=str(raw.META.get("REMOTE_ADDR", "")))
            if seconds is None:
                raise
        raise RateLimited(details={"reason": "too_many_refused_signatures"}, headers={"Retry-After": str(seconds)})


def authenticate_request(request: HttpRequest) -> SignedRequest:
    """Prove the request's signature and leave its body, read once, in `request.body`.

    UNAUTHORIZED before anything of the body is read where the headers suffice; then LENGTH_REQUIRED or
    PAYLOAD_TOO_LARGE by the declared length; then UNAUTHORIZED by the signature; then UNSUPPORTED_MEDIA_TYPE.
    """
    secrets = [secret for secret in (settings.HMAC_SECRET, settings.HMAC_SECRET_PREVIOUS) if secret]
    if not secrets:
        raise ServerMisconfigured(details={"reason": "hmac_secret_missing"})
    timestamp = _read_timestamp(request)
    signature = _read_signature(request)
    path = _read_path(request)
    body = _read_body(request)
    # Both secrets are always tried, so that the time taken does not tell which one is in use.
    matches = [
        hmac.compare_digest(
            compute_signature(
                secret=secret, timestamp=timestamp, method=request.method or "", path=path, body=body
            ).encode(),
            signature.encode(),
        )
        for secret in secrets
    ]
    if not any(matches):
        raise _refuse("signature_mismatch")
    _check_media_type(request)
    return SignedRequest(signature=signature, timestamp=timestamp)


def _refuse(reason: str, **details: Any) -> Unauthorized:
    count_security_event(reason)
    return Unauthorized(details={"reason": reason, **details})


def _read_header(request: HttpRequest, name: str) -> str:
    value = str(request.META.get(f"HTTP_{name.upper().replace('-', '_')}", ""))
    if not value:
        raise _refuse("header_missing", header=name)
    # The server joins a header that came twice with a comma; neither header can hold one otherwise.
    if "," in value:
        raise _refuse("duplicate_header", header=name)
    return value


def _read_timestamp(request: HttpRequest) -> str:
    value = _read_header(request, "x-timestamp")
    if not _TIMESTAMP.fullmatch(value):
        hint = "looks_like_seconds" if _SECONDS.fullmatch(value) else "not_13_digits"
        raise _refuse("timestamp_malformed", hint=hint, expected="epoch milliseconds, 13 digits")
    now = time.time_ns() // 1_000_000
    allowed = int(settings.HMAC_TIMESTAMP_TOLERANCE_MS)
    if abs(now - int(value)) > allowed:
        raise _refuse("timestamp_out_of_window", serverTime=now, allowedMs=allowed)
    return value


def _read_signature(request: HttpRequest) -> str:
    value = _read_header(request, "x-signature")
    if not _SIGNATURE.fullmatch(value):
        raise _refuse("signature_malformed", expected="64 lower-case hexadecimal digits")
    return value


def _read_path(request: HttpRequest) -> str:
    """The target as it stood on the request line; a query is refused because no signature covers it.

    It must be the very path that is routed: neither an escape nor a server's rewriting may come between the two.
    """
    raw = request.META.get("RAW_URI")
    target = raw if isinstance(raw, str) else request.get_full_path()
    if "?" in target or request.META.get("QUERY_STRING"):
        raise _refuse("query_not_allowed")
    if target != request.path:
        raise _refuse("target_malformed")
    return target


def _read_body(request: HttpRequest) -> bytes:
    declared = request.META.get("CONTENT_LENGTH")
    if not isinstance(declared, str | int) or not re.fullmatch(r"[0-9]{1,19}", str(declared)):
        raise LengthRequired
    if int(declared) > MAX_BODY_BYTES:
        raise PayloadTooLarge(details={"maxBytes": MAX_BODY_BYTES})
    try:
        body = request.body
    except RequestDataTooBig:
        raise PayloadTooLarge(details={"maxBytes": MAX_BODY_BYTES}) from None
    except UnreadablePostError:
        raise InvalidJson(details={"reason": "body_incomplete"}) from None
    if len(body) < int(declared):
        raise InvalidJson(details={"reason": "body_incomplete"})
    return body


def _check_media_type(request: HttpRequest) -> None:
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(details={"reason": "content_encoding"})
    charset = request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"
    if request.content_type != "application/json" or charset.strip('"').lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(details={"reason": "content_type"})

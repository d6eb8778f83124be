"""The request id: the caller's own where it is safe to repeat, else a fresh one. It is on every answer and log line."""

import re
import uuid
from typing import Final

from django.http import HttpRequest

HEADER: Final = "x-request-id"
_SAFE: Final = re.compile(r"[A-Za-z0-9._~:@/+=#-]{1,128}")
_SECRET_SHAPE: Final = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")
_ASSIGNED: Final = "ostium.request_id"
_GIVEN: Final = "ostium.given_request_id"
_META_HEADER: Final = "HTTP_X_REQUEST_ID"


def assign_request_id(request: HttpRequest) -> str:
    """Settle the id once, for the answer and the logs; later calls return the same one.

    The header itself is overwritten, because the logging middleware takes the id from there.
    """
    assigned = request.META.get(_ASSIGNED)
    if isinstance(assigned, str):
        return assigned
    given = _accept(request.META.get(_META_HEADER))
    request_id = given or str(uuid.uuid4())
    request.META.update({_GIVEN: given, _ASSIGNED: request_id, _META_HEADER: request_id})
    return request_id


def given_request_id(request: HttpRequest) -> str | None:
    """The caller's id, 1 to 128 safe characters; None when absent, unsafe, sent twice or shaped like a key.

    Only this one may serve as an idempotency key: a generated id differs on every attempt.
    """
    assign_request_id(request)
    given = request.META[_GIVEN]
    return given if isinstance(given, str) else None


def _accept(value: object) -> str | None:
    if not isinstance(value, str) or not _SAFE.fullmatch(value) or _SECRET_SHAPE.fullmatch(value):
        return None
    return value

"""Signed calls with the retries that the contract allows."""

import json
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import requests

from ostium_service.client.signing import sign_request

RETRY_PAUSES = (0.5, 1.0)
"""Seconds before the second and the third attempt, as the backend's own client waits."""


class OstiumError(Exception):
    """A failure as the service's envelope tells it."""

    def __init__(self, *, code: str, message: str, status: int, retryable: bool, details: Any, request_id: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.retryable = retryable
        self.details = details
        self.request_id = request_id


class OstiumClient:
    """Calls `POST /v1/...` with a signature. Safe to share between threads as `requests.Session` is for plain posts."""

    def __init__(self, *, base_url: str, secret: str, seconds: float = 30.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._seconds = seconds
        self._session = requests.Session()

    def call(self, path: str, body: Mapping[str, Any], *, request_id: str | None = None) -> dict[str, Any]:
        """The `data` of the answer; OstiumError for every failure the service tells, requests' errors for the rest.

        Decimals are sent as strings. A lost connection, or a 5xx that says it may be retried, is repeated up to two
        times with the SAME timestamp, signature, body and request id, which the service answers without acting twice.
        """
        content = json.dumps(dict(body), separators=(",", ":"), ensure_ascii=False, default=_plain).encode()
        headers = self._headers(path, content, request_id or str(uuid.uuid4()))
        for pause in (*RETRY_PAUSES, None):
            try:
                response = self._session.post(
                    self._base_url + path, data=content, headers=headers, timeout=self._seconds, allow_redirects=False
                )
            except requests.ConnectionError:
                if pause is None:
                    raise
            else:
                failure = _failure(response)
                if failure is None:
                    data: dict[str, Any] = response.json()["data"]
                    return data
                if pause is None or failure.status < 500 or not failure.retryable:
                    raise failure
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _headers(self, path: str, content: bytes, request_id: str) -> dict[str, str]:
        timestamp = time.time_ns() // 1_000_000
        signature = sign_request(secret=self._secret, timestamp_ms=timestamp, method="POST", path=path, body=content)
        return {
            "content-type": "application/json",
            "x-timestamp": str(timestamp),
            "x-signature": signature,
            "x-request-id": request_id,
        }


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no place in a request")


def _failure(response: requests.Response) -> OstiumError | None:
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    if response.status_code == 200 and answer.get("success") is True:
        return None
    error = answer.get("error", {})
    return OstiumError(
        code=error.get("code", "NOT_THE_SERVICE"),
        message=error.get("message", "the answer is not the service's envelope"),
        status=response.status_code,
        retryable=error.get("retryable") is True,
        details=error.get("details"),
        request_id=response.headers.get("x-request-id", ""),
    )

"""Signed calls with the retries that the contract allows."""

import json
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import requests

from ostium_service.client.signing import sign_request

NOT_THE_SERVICE = "NOT_THE_SERVICE"
"""The `code` of an answer that a proxy or another server gave."""

RETRY_PAUSES = (0.5, 1.0)
"""Seconds before the second and the third attempt, as the backend's own client waits."""

LONGEST_PAUSE = 30.0
"""Seconds. A `Retry-After` beyond it is the caller's to wait for: the signature would grow too old."""

LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""Nobody knows whether the service has acted; the same request again asks for its answer."""


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

        Decimals are sent as strings. A lost answer, an answer that is not the service's (a proxy's 502), and a failure
        that says `retryable` are repeated up to two times with the SAME timestamp, signature, body and request id,
        which the service answers without acting twice. Nothing else is: after a write may have reached the chain the
        service never says `retryable`. `Retry-After` is waited for where it is longer than the usual pause.
        """
        content = json.dumps(dict(body), separators=(",", ":"), ensure_ascii=False, default=_plain).encode()
        headers = self._headers(path, content, request_id or str(uuid.uuid4()))
        for pause in (*RETRY_PAUSES, None):
            try:
                response = self._session.post(
                    self._base_url + path, data=content, headers=headers, timeout=self._seconds, allow_redirects=False
                )
            except LOST:
                if pause is None:
                    raise
                time.sleep(pause)
                continue
            answer = _read_envelope(response)
            if answer is not None and answer["success"]:
                return dict(answer["data"])
            failure = _describe_failure(response, answer)
            wanted = _read_pause(response)
            if pause is None or not failure.retryable or wanted > LONGEST_PAUSE:
                raise failure
            time.sleep(max(pause, wanted))
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


def _read_envelope(response: requests.Response) -> dict[str, Any] | None:
    """The answer's envelope; None for anything else, which is not the service's."""
    try:
        answer = response.json()
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    if response.status_code == HTTPStatus.OK:
        return answer if answer.get("success") is True and isinstance(answer.get("data"), dict) else None
    return answer if answer.get("success") is False and isinstance(answer.get("error"), dict) else None


def _describe_failure(response: requests.Response, answer: dict[str, Any] | None) -> OstiumError:
    stranger = {
        "code": NOT_THE_SERVICE,
        "message": "the answer is not the service's envelope",
        "retryable": response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR,
    }
    error = stranger if answer is None else answer["error"]
    return OstiumError(
        code=str(error.get("code")),
        message=str(error.get("message")),
        status=response.status_code,
        retryable=error.get("retryable") is True,
        details=error.get("details"),
        request_id=response.headers.get("x-request-id", ""),
    )


def _read_pause(response: requests.Response) -> float:
    """Seconds that the answer asks to wait; 0 where it does not say."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0

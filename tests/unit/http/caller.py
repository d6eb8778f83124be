"""A caller that signs as the real backend does, and what it reads from a refusal."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test.client import RequestFactory

from ostium_service.http.authentication import authenticate_request
from ostium_service.http.errors import ServiceError

PATH = "/v1/markets/list"
BODY = {"network": "testnet"}
RAW = b'{"network": "testnet"}'

SECRET = "a-test-secret-of-32-characters!!"
Send = Callable[..., Any]


def sign(*, secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """The contract's signature, written here once more so that the product's own is not its own judge."""
    text = f"{timestamp}:{method.upper()}:{path}:".encode() + body
    return hmac.new(secret.encode("utf-8"), text, hashlib.sha256).hexdigest()


def reason_of(response: Any, status: int = 401, code: str = "UNAUTHORIZED") -> Any:
    body = response.json()
    assert response.status_code == status, body
    assert body["success"] is False
    assert body["error"]["code"] == code
    assert body["error"]["retryable"] is False
    assert body["meta"]["requestId"] == response["x-request-id"]
    return body["error"]["details"]


def raw_request(factory: RequestFactory, **meta: str) -> Any:
    timestamp = str(time.time_ns() // 1_000_000)
    target = meta.get("RAW_URI", PATH)
    extra: Mapping[str, Any] = {
        "HTTP_X_TIMESTAMP": timestamp,
        "HTTP_X_SIGNATURE": sign(secret=SECRET, timestamp=timestamp, method="POST", path=target, body=RAW),
        **meta,
    }
    return factory.generic("POST", PATH, RAW, content_type="application/json", **extra)


def assert_refused(request: Any, reason: str) -> None:
    with pytest.raises(ServiceError) as caught:
        authenticate_request(request)
    assert caught.value.code == "UNAUTHORIZED"
    assert isinstance(caught.value.details, dict)
    assert caught.value.details["reason"] == reason


def failure_of(response: Any) -> Any:
    body = response.json()
    meta = body.pop("meta")
    assert set(meta) == {"timestamp", "requestId"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", meta["timestamp"])
    assert meta["requestId"] == response["x-request-id"]
    assert response["Content-Type"] == "application/json"
    return body

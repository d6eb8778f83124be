"""The edge in front of a tiny service, and a caller that signs as the real backend does."""

import json
import time
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.cache import cache
from django.test import Client
from django.test.client import RequestFactory
from pytest_django.fixtures import Settings

from ostium_service.http.health import readiness
from tests.unit.http.caller import SECRET, Send, sign


@pytest.fixture(autouse=True)
def edge(settings: Settings, tmp_path: Path) -> Settings:
    settings.ROOT_URLCONF = "tests.unit.http.urls"
    settings.HMAC_SECRET = SECRET
    settings.HMAC_SECRET_PREVIOUS = ""
    settings.DEBUG = False
    cache.clear()
    settings.STATIC_ROOT = tmp_path
    return settings


@pytest.fixture
def send() -> Send:
    """POST a body, signed unless told otherwise; every header can be replaced, None leaves it out."""
    client = Client(raise_request_exception=False)

    def post(path: str, body: Any = None, **changes: Any) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        timestamp = str(changes.pop("timestamp", time.time_ns() // 1_000_000))
        signed_body = changes.pop("signed_body", raw)
        secret = changes.pop("secret", SECRET)
        signature = sign(secret=secret, timestamp=timestamp, method="POST", path=path, body=signed_body)
        headers: dict[str, str | None] = {
            "HTTP_X_TIMESTAMP": timestamp,
            "HTTP_X_SIGNATURE": signature,
            "CONTENT_LENGTH": str(len(raw)),
            **changes.pop("headers", {}),
        }
        content_type = changes.pop("content_type", "application/json")
        target = changes.pop("target", path)
        assert not changes, changes
        given = {name: value for name, value in headers.items() if value is not None}
        return client.generic("POST", target, raw, content_type, **cast("Any", given))

    return post


@pytest.fixture
def factory() -> RequestFactory:
    return RequestFactory()


@pytest.fixture(autouse=True)
def _no_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_probes", {})
    monkeypatch.setattr(readiness, "_seen", (float("-inf"), {}))

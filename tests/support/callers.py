"""A backend that signs its calls, in front of the service in this process."""

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.test import Client

from ostium_service.client import sign_request
from tests.support.wiring import TEST_SECRET


@dataclass(frozen=True)
class SignedCaller:
    """Posts as today's backend does, and checks the envelope of every answer."""

    client: Client

    def send(self, path: str, body: dict[str, Any], *, request_id: str = "contract-test", **headers: str) -> Any:
        """The raw response."""
        content = json.dumps(body, separators=(",", ":")).encode()
        timestamp = time.time_ns() // 1_000_000
        signature = sign_request(secret=TEST_SECRET, timestamp_ms=timestamp, method="POST", path=path, body=content)
        signed = {"x-timestamp": str(timestamp), "x-signature": signature, "x-request-id": request_id, **headers}
        return self.client.post(path, content, content_type="application/json", headers=signed)

    def post(self, path: str, body: dict[str, Any], status: int = 200, **named: Any) -> dict[str, Any]:
        """The `data` of a success or the `error` of a failure with the given status."""
        response = self.send(path, body, **named)
        answer = response.json()
        assert response.status_code == status, answer
        assert set(answer) == {"success", "meta", "data" if status == HTTPStatus.OK else "error"}
        assert answer["success"] is (status == HTTPStatus.OK)
        assert answer["meta"]["requestId"] == response.headers["x-request-id"]
        return dict(answer["data" if status == HTTPStatus.OK else "error"])

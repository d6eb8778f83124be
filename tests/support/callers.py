"""A backend that signs its calls, in front of the service in this process."""

import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.test import Client

from ostium_service.client import sign_request
from tests.support.conformance import check_answer
from tests.support.wiring import TEST_SECRET

GREPPED = {
    "ALLOWANCE_MISSING": ("sufficient allowance", "allowance for"),
    "DELEGATION_NOT_ACTIVE": ("delegation is not active", "delegation not active"),
    "SAFE_WALLET_MISSING": ("safe wallet not found",),
    "DELEGATE_GAS_LOW": ("delegate wallet gas is low", "insufficient funds for gas", "delegate gas"),
    "OSTIUM_SERVICE_TIMEOUT": ("timeout", "timed out"),
}
"""The words by which today's backend and frontend know an error, whatever its code says."""


def check_wording(error: dict[str, Any]) -> None:
    """AssertionError when an error would be taken for another one by its words."""
    text = json.dumps([error["message"], error.get("details")]).lower()
    found = {code for code, words in GREPPED.items() for word in words if word in text}
    assert found <= {error["code"]}, error


@dataclass(frozen=True)
class SignedCaller:
    """Posts as today's backend does, and checks the envelope of every answer."""

    client: Client

    def send(self, path: str, body: dict[str, Any], *, request_id: str = "contract-test", **headers: str) -> Any:
        """The raw response."""
        return self.send_bytes(path, json.dumps(body, separators=(",", ":")).encode(), request_id=request_id, **headers)

    def send_bytes(self, path: str, content: bytes, *, request_id: str = "contract-test", **headers: str) -> Any:
        """The raw response to a body of just these bytes."""
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
        check_answer(path=path, status=status, body=answer)
        if status != HTTPStatus.OK:
            check_wording(answer["error"])
        return dict(answer["data" if status == HTTPStatus.OK else "error"])

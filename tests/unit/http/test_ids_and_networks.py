"""The request id and the idempotency key, who may come in, and the switch that refuses all."""

import re
import time
import uuid
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.unit.http.caller import BODY, PATH, Send, failure_of


@pytest.mark.parametrize("value", ["a", "x" * 128, "5d5b2b5e-3c0f-4b5e-9a61-0d8a8c1f0a11", "req_1:2/3.4~5@6+7=8#9-0"])
def test_a_safe_request_id_is_echoed_everywhere(send: Send, value: str) -> None:
    for response in (
        send(PATH, BODY, headers={"HTTP_X_REQUEST_ID": value}),
        Client().get("/health", HTTP_X_REQUEST_ID=value),
        Client().get("/nothing", HTTP_X_REQUEST_ID=value),
        Client().post("/v1/nothing", HTTP_X_REQUEST_ID=value),
    ):
        assert response["x-request-id"] == value


@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "a,b", "a\nb", "\xe9", "<script>", 'a"b', "a\x00"])
def test_an_unsafe_request_id_is_replaced(send: Send, value: str) -> None:
    response = send(PATH, BODY, headers={"HTTP_X_REQUEST_ID": value})
    assert uuid.UUID(response["x-request-id"])
    assert response.json()["meta"]["requestId"] == response["x-request-id"]


def test_two_requests_get_two_ids(send: Send) -> None:
    assert send(PATH, BODY)["x-request-id"] != send(PATH, BODY)["x-request-id"]


def test_the_idempotency_key_is_the_bodys_then_the_headers_then_the_request_id_then_the_signature(send: Send) -> None:
    both = {"HTTP_IDEMPOTENCY_KEY": "from-header", "HTTP_X_REQUEST_ID": "from-request-id"}

    def key(body: dict[str, Any], headers: dict[str, str]) -> str:
        return str(send(PATH, {**BODY, **body}, headers=headers, timestamp=timestamp).json()["data"]["key"])

    timestamp = time.time_ns() // 1_000_000
    assert key({"idempotencyKey": "from-body"}, both) == "from-body"
    assert key({}, both) == "from-header"
    assert key({}, {"HTTP_X_REQUEST_ID": "from-request-id"}) == "from-request-id"
    first = key({}, {})
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    # A made-up id differs on every attempt, so it must not become the key: the retry would trade again.
    assert key({}, {}) == first
    assert key({}, {"HTTP_X_REQUEST_ID": "not a safe one"}) == first


@pytest.mark.parametrize("value", ["", "k" * 129, "a\tb", "a\x00"])
def test_i3_a_bad_idempotency_header_is_refused(send: Send, value: str) -> None:
    response = send(PATH, BODY, headers={"HTTP_IDEMPOTENCY_KEY": value})
    assert response.status_code == 400
    error = failure_of(response)["error"]
    assert (error["code"], error["details"][0]["field"]) == ("VALIDATION_ERROR", "Idempotency-Key")


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", ""]
)
def test_an_internal_peer_is_let_in(send: Send, peer: str) -> None:
    assert send(PATH, BODY, headers={"REMOTE_ADDR": peer}).status_code == 200


@pytest.mark.parametrize(
    "peer", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8", "localhost", "10.0.0.1, 8.8.8.8", "fe80::1%eth0"]
)
def test_an_outside_peer_is_refused(send: Send, peer: str) -> None:
    response = send(PATH, BODY, headers={"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": "127.0.0.1"})
    assert response.status_code == 401
    assert failure_of(response)["error"]["details"] == {"reason": "outside_network"}
    assert Client().get("/metrics", REMOTE_ADDR=peer).status_code == 403
    assert Client().get("/admin/", REMOTE_ADDR=peer).status_code == 403
    assert Client().get("/health", REMOTE_ADDR=peer).status_code == 200


def test_who_is_internal_is_a_setting(send: Send, edge: Settings) -> None:
    edge.INTERNAL_NETWORKS = ["8.8.8.0/24"]
    assert send(PATH, BODY, headers={"REMOTE_ADDR": "8.8.8.8"}).status_code == 200
    assert send(PATH, BODY, headers={"REMOTE_ADDR": "127.0.0.1"}).status_code == 401


def test_switched_off_the_whole_api_refuses_and_tells_nothing_else(send: Send, edge: Settings) -> None:
    edge.OSTIUM_ENABLED = False
    for path in (PATH, "/v1/crash", "/v1/nothing"):
        response = send(path, BODY, headers={"HTTP_X_SIGNATURE": None})
        assert response.status_code == 503
        assert failure_of(response)["error"]["code"] == "OSTIUM_DISABLED"
    assert Client().get("/health").status_code == 200

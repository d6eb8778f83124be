"""The envelope on every answer, the request id, who may come in, and the switch that refuses all."""

import json
import re
import uuid
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework import exceptions

from ostium_service.http import errors
from ostium_service.http.envelope import build_success, flatten_details, translate_exception
from tests.unit.http.caller import BODY, PATH, Send, failure_of


def test_an_answer_is_enveloped_whole(send: Send) -> None:
    response = send(PATH, {**BODY, "collateral": "12.50", "unknown": {"a": 1}}, headers={"HTTP_X_REQUEST_ID": "id-1"})
    body = response.json()
    timestamp = body["meta"].pop("timestamp")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", timestamp)
    assert body == {
        "success": True,
        "data": {"network": "testnet", "collateral": "12.50", "key": "id-1"},
        "meta": {"requestId": "id-1"},
    }
    assert response.status_code == 200
    assert response["x-request-id"] == "id-1"
    assert "Idempotency-Replayed" not in response.headers


def test_a_replayed_answer_says_so(send: Send) -> None:
    assert send(PATH, {**BODY, "idempotencyKey": "again"})["Idempotency-Replayed"] == "true"


def test_data_is_never_empty() -> None:
    with pytest.raises(ValueError, match="without data"):
        build_success(data={}, request_id="x")


def test_the_answer_is_json_whatever_is_accepted(send: Send) -> None:
    for accept in ("text/html", "application/xml;q=0.1", "nonsense"):
        assert send(PATH, BODY, headers={"HTTP_ACCEPT": accept}).json()["success"] is True


def test_w21_every_bad_field_is_named_at_once(send: Send) -> None:
    response = send(
        PATH,
        {
            **BODY,
            "collateral": "1.0000001",
            "leverage": "x",
            "traderAddress": "0x0",
            "signatures": ["0x00", "0x" + "11" * 65, 5],
        },
    )
    assert response.status_code == 400
    assert failure_of(response) == {
        "success": False,
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "Some fields are missing or not valid; details names each of them.",
            "details": [
                {"field": "collateral", "message": "At most 6 digits after the decimal point; nothing is rounded."},
                {"field": "leverage", "message": "Must be a number or a plain decimal string such as 12.5."},
                {"field": "traderAddress", "message": "Must be an address: 0x and 40 hexadecimal digits."},
                {"field": "signatures.0", "message": "Must have exactly 65 bytes."},
                {"field": "signatures.2", "message": "Must be 0x and an even number of hexadecimal digits."},
            ],
            "retryable": False,
        },
    }


def test_a_missing_network_is_a_missing_field(send: Send) -> None:
    for body in ({}, {"network": None}):
        error = failure_of(send(PATH, body))["error"]
        assert (error["code"], error["details"][0]["field"]) == ("VALIDATION_ERROR", "network")


def test_an_unknown_network_has_its_own_code_and_names_the_other_faults_too(send: Send) -> None:
    response = send(PATH, {"network": "arbitrum", "leverage": "0"})
    assert response.status_code == 400
    assert failure_of(response)["error"] == {
        "code": "INVALID_NETWORK",
        "message": "The network must be one that this service has enabled; details.enabled lists them.",
        "details": {
            "enabled": ["testnet"],
            "fields": [
                {"field": "network", "message": "Not a network that this service has enabled."},
                {"field": "leverage", "message": "Must be above 0."},
            ],
        },
        "retryable": False,
    }


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"", "empty"), (b"[]", "not_an_object"), (b'{"a":1,"a":1}', "duplicate_key")]
)
def test_a_signed_body_that_is_not_strict_json_is_refused(send: Send, raw: bytes, reason: str) -> None:
    response = send(PATH, raw, headers={"CONTENT_TYPE": "application/json"})
    assert response.status_code == 400
    assert failure_of(response)["error"] == {
        "code": "INVALID_JSON",
        "message": "The body is not one strict JSON object; details.reason says what is wrong with it.",
        "details": {"reason": reason},
        "retryable": False,
    }


def test_a_catalogue_error_keeps_its_headers_and_loses_words_of_other_codes(send: Send) -> None:
    response = send("/v1/refuse", BODY)
    assert response.status_code == 409
    assert response["Retry-After"] == "2"
    assert failure_of(response)["error"] == {
        "code": "TX_REVERTED",
        "message": "The read took too long.",
        "details": {"reason": "Waitdeadline", "txHash": "0x1"},
        "retryable": False,
    }


INTERNAL = {
    "success": False,
    "error": {
        "code": "OSTIUM_INTERNAL_ERROR",
        "message": "Something went wrong in the service. Its logs tell more under this request id.",
        "retryable": False,
    },
}


@pytest.mark.parametrize(
    ("kind", "reason", "status", "code"),
    [
        ("read", "too_slow", 504, "OSTIUM_SERVICE_TIMEOUT"),
        ("read", "server_error", 502, "PRICE_FETCH_FAILED"),
        ("write", "too_slow", 502, "PRICE_FETCH_FAILED"),
    ],
)
def test_only_a_read_is_said_to_have_timed_out(send: Send, kind: str, reason: str, status: int, code: str) -> None:
    response = send(f"/v1/failing/{kind}", {"reason": reason})
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["code"], error["retryable"], error["details"]) == (code, True, {"reason": reason})
    assert ("timed out" in error["message"]) is (status == 504)


@pytest.mark.parametrize("debug", [False, True])
def test_the_unforeseen_is_logged_without_locals_and_not_told(
    send: Send, edge: Settings, debug: bool, written: StringIO
) -> None:
    edge.DEBUG = debug
    response = send("/v1/crash", BODY, headers={"HTTP_X_REQUEST_ID": "crash-1"})
    assert response.status_code == 500
    assert failure_of(response) == INTERNAL
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (logged,) = [line for line in lines if line["event"] == "request_failed_unexpectedly"]
    assert logged["request_id"] == "crash-1"
    assert logged["exception"][0]["exc_type"] == "RuntimeError"
    assert "ab" * 32 not in json.dumps(lines)


@pytest.mark.parametrize("debug", [False, True])
def test_what_crashes_outside_the_framework_is_enveloped_too(send: Send, edge: Settings, debug: bool) -> None:
    edge.DEBUG = debug
    response = send("/v1/plain/crash", BODY)
    assert response.status_code == 500
    assert failure_of(response) == INTERNAL


def test_a_catalogue_error_outside_the_framework_is_enveloped(send: Send) -> None:
    response = send("/v1/plain/catalogue", BODY)
    assert response.status_code == 409
    assert failure_of(response)["error"]["code"] == "MARKET_CLOSED"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v1/markets/list/", "/v1/..%2fadmin"])
def test_an_unknown_path_is_enveloped(edge: Settings, path: str, debug: bool) -> None:
    edge.DEBUG = debug
    for method in ("GET", "POST"):
        response: Any = Client().generic(method, path)
        assert response.status_code == 404
        assert failure_of(response) == {
            "success": False,
            "error": {"code": "NOT_FOUND", "message": errors.NotFound.message, "retryable": False},
        }


def test_the_frameworks_own_refusal_is_enveloped(send: Send, edge: Settings) -> None:
    assert failure_of(send("/v1/plain/suspicious", BODY))["error"]["code"] == "VALIDATION_ERROR"
    edge.ALLOWED_HOSTS = ["other"]
    response = send(PATH, BODY)
    assert response.status_code == 400
    assert failure_of(response)["error"]["code"] == "VALIDATION_ERROR"


def test_outside_the_api_the_framework_keeps_its_own_pages(edge: Settings) -> None:
    edge.SECURE_SSL_REDIRECT = False
    response: Any = Client().get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")
    assert uuid.UUID(response["x-request-id"])


def test_nested_details_are_flattened() -> None:
    detail = {"a": {"b": ["x", "y"]}, "c": [{}, {"d": ["z"]}], "non_field_errors": ["w"]}
    assert flatten_details(detail) == [
        {"field": "a.b", "message": "x"},
        {"field": "a.b", "message": "y"},
        {"field": "c.1.d", "message": "z"},
        {"field": "request", "message": "w"},
    ]
    assert flatten_details(["plain"]) == [{"field": "request", "message": "plain"}]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (exceptions.MethodNotAllowed("GET"), "METHOD_NOT_ALLOWED"),
        (exceptions.UnsupportedMediaType("x"), "UNSUPPORTED_MEDIA_TYPE"),
        (exceptions.NotAuthenticated(), "UNAUTHORIZED"),
        (exceptions.Throttled(), "RATE_LIMITED"),
        (exceptions.ParseError(), "VALIDATION_ERROR"),
        (exceptions.NotFound(), "NOT_FOUND"),
        (exceptions.APIException(), "OSTIUM_INTERNAL_ERROR"),
        (ZeroDivisionError(), "OSTIUM_INTERNAL_ERROR"),
    ],
)
def test_every_exception_becomes_a_catalogue_error(raised: Exception, code: str) -> None:
    assert translate_exception(raised).code == code

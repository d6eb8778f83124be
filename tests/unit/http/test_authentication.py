"""Who may call: the contract's signature over raw bytes and raw target, and everything that is nearly one."""

import time

import pytest
import time_machine
from django.test.client import RequestFactory
from pytest_django.fixtures import Settings

from ostium_service.http.authentication import authenticate_request, compute_signature
from tests.unit.http.caller import BODY, PATH, RAW, SECRET, Send, assert_refused, raw_request, reason_of

# The contract's vectors.
VECTORS: list[dict[str, str]] = [
    {
        "secret": "a-test-secret-of-32-characters!!",
        "timestamp": "1790000000000",
        "method": "POST",
        "path": "/v1/markets/list",
        "body": '{"network":"testnet"}',
        "signature": "7f00b3bf0c62f8d15bfb16a5e51b5185b69c8417f4d816c75f66e49a93166b1e",
    },
    {
        "secret": "a-test-secret-of-32-characters!!",
        "timestamp": "1790000000000",
        "method": "POST",
        "path": "/v1/prices/get",
        "body": '{"network":"mainnet","base":"BTC","quote":"USD"}',
        "signature": "fd3f1ae20f9c6566c8c0ba852acfcb0051af10e3227cbf87ca6409a09f63725b",
    },
    {
        "secret": "p\u00e4ssword-\u043a\u043b\u044e\u0447",
        "timestamp": "1790000000123",
        "method": "post",
        "path": "/v1/positions/open",
        "body": '{"network":"testnet","market":"BTC/USD","note":"\u00e9\u6f22\u5b57"}',
        "signature": "a2173b1eb44d4a0a5db1b09ff8ad97bf1fc58636d0f399fae22a53af0653ff01",
    },
    {
        "secret": "a-test-secret-of-32-characters!!",
        "timestamp": "1790000000000",
        "method": "POST",
        "path": "/v1/markets/list",
        "body": "",
        "signature": "31590bcaf61bbef7ab09fe1ccf337129497f33d90595593ca044cd9a980e2874",
    },
]


@pytest.mark.parametrize("vector", VECTORS)
def test_signatures_are_the_contracts(vector: dict[str, str]) -> None:
    computed = compute_signature(
        secret=vector["secret"],
        timestamp=vector["timestamp"],
        method=vector["method"],
        path=vector["path"],
        body=vector["body"].encode(),
    )
    assert computed == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_request_signed_as_in_the_contract_is_let_in(
    vector: dict[str, str], edge: Settings, factory: RequestFactory
) -> None:
    edge.HMAC_SECRET = vector["secret"]
    request = factory.generic(
        vector["method"].upper(),
        vector["path"],
        vector["body"].encode(),
        CONTENT_TYPE="application/json",
        HTTP_X_TIMESTAMP=vector["timestamp"],
        HTTP_X_SIGNATURE=vector["signature"],
        CONTENT_LENGTH=str(len(vector["body"].encode())),
    )
    with time_machine.travel(int(vector["timestamp"]) / 1000, tick=False):
        signed = authenticate_request(request)
    assert (signed.signature, signed.timestamp) == (vector["signature"], vector["timestamp"])


def test_a_signed_request_is_answered(send: Send) -> None:
    assert send(PATH, BODY).status_code == 200


def test_a_refusal_is_enveloped_whole_and_echoes_the_request_id(send: Send) -> None:
    response = send(PATH, BODY, headers={"HTTP_X_SIGNATURE": None, "HTTP_X_REQUEST_ID": "req-1"})
    body = response.json()
    timestamp = body["meta"].pop("timestamp")
    assert timestamp.endswith("Z")
    assert body == {
        "success": False,
        "error": {
            "code": "UNAUTHORIZED",
            "message": "The request is not signed as it must be; details.reason says what is wrong with the signature.",
            "details": {"reason": "header_missing", "header": "x-signature"},
            "retryable": False,
        },
        "meta": {"requestId": "req-1"},
    }
    assert response["x-request-id"] == "req-1"


@pytest.mark.parametrize("offset_ms", [0, 299_990, -299_990, 300_000, -300_000])
def test_w4_a_timestamp_within_the_window_is_fresh_both_ways(send: Send, offset_ms: int) -> None:
    with time_machine.travel(1_790_000_000, tick=False):
        assert send(PATH, BODY, timestamp=1_790_000_000_000 + offset_ms).status_code == 200


@pytest.mark.parametrize("offset_ms", [300_001, -300_001, 301_000, -301_000])
def test_w4_a_timestamp_outside_the_window_is_told_our_clock(send: Send, offset_ms: int) -> None:
    with time_machine.travel(1_790_000_000, tick=False):
        response = send(PATH, BODY, timestamp=1_790_000_000_000 + offset_ms)
    assert reason_of(response) == {
        "reason": "timestamp_out_of_window",
        "serverTime": 1_790_000_000_000,
        "allowedMs": 300_000,
    }


@pytest.mark.parametrize(
    "value",
    ["-790000000000", "1e12", "+1700000000000", "1" * 400, "1790000000000.0", " 1790000000000", "0x19f0a", "null"],
)
def test_w4_a_malformed_timestamp_is_refused(send: Send, value: str) -> None:
    details = reason_of(send(PATH, BODY, headers={"HTTP_X_TIMESTAMP": value}))
    assert details["reason"] == "timestamp_malformed"
    assert details["hint"] == "not_13_digits"


def test_w4_a_timestamp_in_other_digits_is_malformed(send: Send) -> None:
    value = "\u0967\u096d\u0966\u0966\u0966\u0966\u0966\u0966\u0966\u0966\u0966\u0966\u0966".encode().decode("latin-1")
    assert reason_of(send(PATH, BODY, headers={"HTTP_X_TIMESTAMP": value}))["reason"] == "timestamp_malformed"


def test_w5_seconds_instead_of_milliseconds_are_recognised(send: Send) -> None:
    details = reason_of(send(PATH, BODY, timestamp=int(time.time())))
    assert details == {
        "reason": "timestamp_malformed",
        "hint": "looks_like_seconds",
        "expected": "epoch milliseconds, 13 digits",
    }


SIGNATURE = "7f00b3bf0c62f8d15bfb16a5e51b5185b69c8417f4d816c75f66e49a93166b1e"


@pytest.mark.parametrize(
    "value",
    [
        SIGNATURE.upper(),
        "0x" + SIGNATURE,
        SIGNATURE[:-1],
        SIGNATURE + "0",
        "fwCzvwxi+NFb+xal5RtRhbachBf01GyXX2bkmpMWax4=",
        "\xe9" * 64,
        "\u0967".encode().decode("latin-1") * 64,
        " " + SIGNATURE,
        SIGNATURE + "\n",
    ],
)
def test_w11_w12_a_signature_in_another_form_is_malformed(send: Send, value: str) -> None:
    details = reason_of(send(PATH, BODY, headers={"HTTP_X_SIGNATURE": value}))
    assert details == {"reason": "signature_malformed", "expected": "64 lower-case hexadecimal digits"}


def test_w12_an_empty_signature_is_a_missing_one(send: Send) -> None:
    assert reason_of(send(PATH, BODY, headers={"HTTP_X_SIGNATURE": ""}))["reason"] == "header_missing"


@pytest.mark.parametrize("header", ["HTTP_X_SIGNATURE", "HTTP_X_TIMESTAMP"])
def test_w10_a_header_sent_twice_is_refused(send: Send, header: str) -> None:
    value = f"{SIGNATURE},{SIGNATURE}" if "SIGNATURE" in header else "1790000000000,1790000000000"
    assert reason_of(send(PATH, BODY, headers={header: value}))["reason"] == "duplicate_header"


@pytest.mark.parametrize(
    "changed",
    [
        b'{"network":"testnet"}',
        b'{"network": "testnet"} ',
        b'{"network": "te\\u0073tnet"}',
        b'{"network": "mainnet"}',
        b"",
    ],
)
def test_w6_the_bytes_are_signed_not_what_they_mean(send: Send, changed: bytes) -> None:
    assert reason_of(send(PATH, changed, signed_body=RAW))["reason"] == "signature_mismatch"


def test_w22_another_secret_does_not_fit(send: Send) -> None:
    assert reason_of(send(PATH, BODY, secret="another-secret-of-32-characters!"))["reason"] == "signature_mismatch"


def test_w22_the_previous_secret_fits_while_rotating(send: Send, edge: Settings) -> None:
    edge.HMAC_SECRET, edge.HMAC_SECRET_PREVIOUS = "the-new-secret-of-32-characters!", SECRET
    assert send(PATH, BODY).status_code == 200
    assert send(PATH, BODY, secret="the-new-secret-of-32-characters!").status_code == 200
    edge.HMAC_SECRET_PREVIOUS = ""
    assert reason_of(send(PATH, BODY))["reason"] == "signature_mismatch"


def test_w22_an_empty_previous_secret_is_no_secret(send: Send) -> None:
    assert reason_of(send(PATH, BODY, secret=""))["reason"] == "signature_mismatch"


def test_w22_without_any_secret_nobody_is_let_in(send: Send, edge: Settings) -> None:
    edge.HMAC_SECRET = ""
    response = send(PATH, BODY, secret="")
    assert reason_of(response, 500, "SERVER_MISCONFIGURED") == {"reason": "hmac_secret_missing"}


@pytest.mark.parametrize("query", ["?a=1", "?", "?a=1&a=0"])
def test_w8_a_query_is_refused_since_nothing_signs_it(query: str, factory: RequestFactory) -> None:
    request = raw_request(factory, RAW_URI=PATH + query, QUERY_STRING=query[1:])
    assert_refused(request, "query_not_allowed")


def test_w8_a_query_is_refused_without_the_servers_raw_target(send: Send) -> None:
    assert reason_of(send(PATH, BODY, target=PATH + "?a=1"))["reason"] == "query_not_allowed"


@pytest.mark.parametrize(
    "raw", ["/v1/markets/%6cist", "/v1//markets/list", "http://host/v1/markets/list", "*", PATH + "#x"]
)
def test_the_raw_target_must_be_the_routed_path(raw: str, factory: RequestFactory) -> None:
    assert_refused(raw_request(factory, RAW_URI=raw), "target_malformed")


def test_the_raw_target_is_what_is_signed(factory: RequestFactory) -> None:
    assert authenticate_request(raw_request(factory, RAW_URI=PATH)).signature

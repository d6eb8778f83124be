"""How a signed body may arrive: its length, its size, its type, and the method."""

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.test.client import RequestFactory

from ostium_service.http.authentication import authenticate_request
from ostium_service.http.errors import ServiceError
from tests.unit.http.caller import BODY, PATH, RAW, Send, assert_refused, raw_request, reason_of


@pytest.mark.parametrize("declared", ["", "abc", "-1", "1.0"])
def test_a_body_without_its_length_is_refused(send: Send, declared: str) -> None:
    response = send(PATH, BODY, headers={"CONTENT_LENGTH": declared, "HTTP_TRANSFER_ENCODING": "chunked"})
    assert response.status_code == 411
    assert response.json()["error"]["code"] == "LENGTH_REQUIRED"


def test_a_chunked_body_is_refused(factory: RequestFactory) -> None:
    request = raw_request(factory)
    del request.META["CONTENT_LENGTH"]
    with pytest.raises(ServiceError) as caught:
        authenticate_request(request)
    assert (caught.value.code, caught.value.status) == ("LENGTH_REQUIRED", 411)


def _padded(size: int) -> bytes:
    return b'{"network": "testnet", "note": "' + b"x" * (size - 34) + b'"}'


def test_w17_a_body_of_64_kib_is_read_and_one_byte_more_is_not(send: Send) -> None:
    assert len(_padded(65_536)) == 65_536
    assert send(PATH, _padded(65_536)).status_code == 200
    assert reason_of(send(PATH, _padded(65_537)), 413, "PAYLOAD_TOO_LARGE") == {"maxBytes": 65_536}


def test_w17_a_large_body_is_refused_without_reading_it(factory: RequestFactory) -> None:
    class Unreadable(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    request = raw_request(factory, CONTENT_LENGTH="10000000")
    request._stream = Unreadable()
    with pytest.raises(ServiceError) as caught:
        authenticate_request(request)
    assert caught.value.code == "PAYLOAD_TOO_LARGE"


def test_an_unsigned_body_is_not_read_at_all(factory: RequestFactory) -> None:
    class Unreadable(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    request = factory.generic("POST", PATH, RAW, content_type="application/json")
    request._stream = Unreadable()
    assert_refused(request, "header_missing")


def test_w15_a_body_shorter_than_declared_is_incomplete(factory: RequestFactory) -> None:
    request = raw_request(factory, CONTENT_LENGTH="100")
    request._stream = BytesIO(RAW)
    with pytest.raises(ServiceError) as caught:
        authenticate_request(request)
    assert (caught.value.code, caught.value.details) == ("INVALID_JSON", {"reason": "body_incomplete"})


def test_w15_a_body_that_breaks_off_is_incomplete(factory: RequestFactory) -> None:
    class Broken(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise ConnectionResetError("the request was not read in time")

    request = raw_request(factory)
    request._stream = Broken()
    with pytest.raises(ServiceError) as caught:
        authenticate_request(request)
    assert (caught.value.code, caught.value.details) == ("INVALID_JSON", {"reason": "body_incomplete"})


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data; boundary=x", "application/jsonp"],
)
def test_w16_another_media_type_is_refused(send: Send, content_type: str) -> None:
    response = send(PATH, BODY, content_type=content_type)
    assert reason_of(response, 415, "UNSUPPORTED_MEDIA_TYPE") == {"reason": "content_type"}


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON; charset="UTF-8"'])
def test_json_in_utf8_is_json(send: Send, content_type: str) -> None:
    assert send(PATH, BODY, content_type=content_type).status_code == 200


def test_w16_json_in_another_charset_is_refused(send: Send) -> None:
    assert send(PATH, BODY, content_type="application/json; charset=utf-16").status_code == 415


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_w16_an_encoded_body_is_refused(send: Send, encoding: str) -> None:
    response = send(PATH, BODY, headers={"HTTP_CONTENT_ENCODING": encoding})
    assert reason_of(response, 415, "UNSUPPORTED_MEDIA_TYPE") == {"reason": "content_encoding"}


def test_a_wrong_signature_is_said_before_anything_of_the_body_is(send: Send) -> None:
    response = send(PATH, b"not json", signed_body=b"x", content_type="text/plain")
    assert reason_of(response)["reason"] == "signature_mismatch"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_another_method_is_refused_in_the_envelope(method: str) -> None:
    response: Any = Client().generic(method, PATH)
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert response["x-request-id"]
    if method != "HEAD":
        assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"

"""The one line that a request of the API leaves, and what the signed API does not pass through."""

import json
from io import StringIO
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from ostium_service.middleware import RequestIdMiddleware
from ostium_service.pages_middleware import PagesOnly


class Refusing:
    """A middleware that nothing gets past."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("of a page")


class PagesRefusing(PagesOnly, Refusing):
    """The same for pages only."""


def answer(status: int, **about: Any) -> Any:
    """A view's stand-in, which notes what the logs know of the request meanwhile."""

    def respond(request: HttpRequest) -> HttpResponse:
        about.update(structlog.contextvars.get_contextvars())
        return HttpResponse(json.dumps(about, default=str), status=status)

    return respond


@pytest.mark.parametrize(("status", "level"), [(200, "info"), (302, "info"), (404, "warning"), (503, "error")])
def test_the_line_says_how_the_request_ended(written: StringIO, status: int, level: str) -> None:
    request = RequestFactory().post("/v1/prices/get", headers={"x-request-id": "mine"})
    response = RequestIdMiddleware(answer(status))(request)
    (line,) = [json.loads(text) for text in written.getvalue().splitlines()]
    line.pop("timestamp")
    assert line == {
        "code": status,
        "request": "POST /v1/prices/get",
        "event": "request_finished",
        "request_id": "mine",
        "level": level,
        "logger": "ostium_service.middleware",
    }
    assert isinstance(response, HttpResponse)
    assert json.loads(response.content) == {"request_id": "mine"}
    assert structlog.contextvars.get_contextvars() == {}


def test_a_page_leaves_its_line_to_the_middleware_that_knows_the_person(written: StringIO) -> None:
    RequestIdMiddleware(answer(200))(RequestFactory().get("/admin/"))
    assert written.getvalue() == ""


def test_what_an_earlier_request_of_the_thread_left_behind_is_not_logged(written: StringIO) -> None:
    structlog.contextvars.bind_contextvars(execution_id="of another request")
    RequestIdMiddleware(answer(200))(RequestFactory().post("/v1/prices/get"))
    assert "execution_id" not in json.loads(written.getvalue())


@pytest.mark.parametrize(("path", "body"), [("/v1/prices/get", b"{}"), ("/admin/", b"of a page")])
def test_pages_middleware_is_for_pages(path: str, body: bytes) -> None:
    middleware = PagesRefusing(lambda _request: HttpResponse("{}"))
    assert middleware(RequestFactory().get(path)).content == body

"""`manage.py call`: signs, sends and prints, against the real edge on a real socket."""

import io
import json
import shlex
import sys
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import CommandError, call_command
from pytest_django import Settings

from sandbox.processes import find_free_port
from tests.unit.http.caller import SECRET

PATH = "/v1/prices/get"
BODY = '{"network":"testnet","collateral":12.50}'


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's own name
        """The test's output is the command's alone."""


@pytest.fixture(autouse=True)
def edge(settings: Settings) -> Iterator[Settings]:
    """The tiny service of the edge's own tests, where HOST and PORT of the settings say."""
    settings.ROOT_URLCONF = "tests.unit.http.urls"
    settings.HMAC_SECRET = SECRET
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=_Silent) as server:
        settings.HOST, settings.PORT = "127.0.0.1", server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield settings
        server.shutdown()
        thread.join()


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of one call."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("call", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_data_is_printed_for_people() -> None:
    status, out, err = run(PATH, BODY, "--request-id", "by-hand")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"network": "testnet", "collateral": "12.50", "key": "by-hand"}
    assert out.startswith('{\n  "')


def test_the_body_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(BODY))
    assert json.loads(run(PATH, "-")[1])["collateral"] == "12.50"


def test_a_refusal_is_printed_with_its_code_and_ends_with_1() -> None:
    status, out, err = run("/v1/refuse", BODY, "--request-id", "by-hand")
    assert (status, out) == (1, "")
    assert json.loads(err) == {
        "code": "TX_REVERTED",
        "message": "The read took too long.",
        "details": {"reason": "Waitdeadline", "txHash": "0x1"},
        "retryable": False,
        "requestId": "by-hand",
    }


def test_raw_sends_the_bytes_as_they_are_and_prints_the_answer_as_it_came() -> None:
    status, out, _ = run(PATH, "{not json", "--raw")
    assert status == 1
    assert json.loads(out)["error"]["code"] == "INVALID_JSON"
    status, out, _ = run(PATH, BODY, "--raw")
    assert (status, json.loads(out)["success"]) == (0, True)


def test_curl_prints_a_command_that_works_and_holds_no_secret() -> None:
    body = '{"network":"testnet","idempotencyKey":"it\'s \\"quoted\\""}'
    status, out, _ = run(PATH, body, "--curl")
    assert (status, SECRET in out) == (0, False)
    words = shlex.split(out.replace("\\\n", " "))
    assert words[:2] == ["curl", "-sS"]
    headers = dict(words[place + 1].split(": ") for place, word in enumerate(words) if word == "-H")
    assert set(headers) == {"content-type", "x-timestamp", "x-signature", "x-request-id"}
    assert words[-3:-1] == ["--data-binary", body]
    answer = requests.post(words[-1], data=words[-2].encode(), headers=headers, timeout=30)
    assert answer.json()["data"]["key"] == 'it\'s "quoted"'


def test_a_service_that_does_not_answer_ends_with_2() -> None:
    url = f"http://127.0.0.1:{find_free_port()}"
    assert run(PATH, BODY, "--raw", "--url", url) == (2, "", f"{url} does not answer (ConnectionError).\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("v1/markets/list",), "starts with /"),
        (("/v1/markets/list?a=1",), "no query"),
        ((PATH, "{"), "not JSON"),
        ((PATH, "[]"), "not a JSON object"),
        ((PATH, '{"collateral":1,"collateral":100}'), "occurs twice"),
        ((PATH, '{"x":[{"a":1,"\\u0061":2}]}'), "occurs twice"),
        ((PATH, '{"collateral":NaN}'), "NaN is no JSON"),
    ],
)
def test_what_cannot_be_sent_is_said(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run(*arguments)


def test_without_a_secret_nothing_is_sent(edge: Settings) -> None:
    edge.HMAC_SECRET = ""
    with pytest.raises(CommandError, match="HMAC_SECRET"):
        run(PATH, BODY)

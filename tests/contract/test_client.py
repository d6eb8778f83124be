"""The typed client in front of a server that answers as scripted: what it repeats, and that the bytes are the same."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from ostium_service.client import OstiumClient, OstiumError, sign_request
from sandbox.processes import find_free_port

SECRET = "a-test-secret-of-32-characters!!"
PATH = "/v1/positions/open"
DONE: Any = (200, {"success": True, "data": {"answer": 42}, "meta": {}}, {})
CUT = None
"""The connection ends without an answer."""


def refusal(status: int, code: str, *, retryable: bool, **headers: str) -> Any:
    error = {"code": code, "message": "Why.", "details": {"reason": "x"}, "retryable": retryable}
    return status, {"success": False, "error": error, "meta": {}}, headers


@dataclass
class Scripted:
    """Answers in order, and what came."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    heard: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def call(self, *answers: Any, **body: Any) -> dict[str, Any]:
        self.answers = list(answers)
        caller = OstiumClient(base_url=self.url + "/", secret=SECRET, seconds=0.5)
        return caller.call(PATH, body or {"network": "testnet"}, request_id="job-1")


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    script = Scripted()
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            script.heard.append((self.path, content, {name.lower(): value for name, value in self.headers.items()}))
            answer = script.answers.pop(0)
            if answer == "silence":
                done.wait(5)
            if answer in {"silence", CUT} if isinstance(answer, str | None) else False:
                self.close_connection = True
                return
            status, body, headers = answer
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's own name
            """The test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("ostium_service.client.client.time.sleep", script.pauses.append)
    yield script
    done.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_call_is_signed_and_its_data_returned(scripted: Scripted) -> None:
    assert scripted.call(DONE, collateral=Decimal("1E+2"), note="é", whole=5) == {"answer": 42}
    [(path, content, headers)] = scripted.heard
    assert (path, content) == (PATH, '{"collateral":"100","note":"é","whole":5}'.encode())
    stamp = int(headers["x-timestamp"])
    expected = sign_request(secret=SECRET, timestamp_ms=stamp, method="POST", path=PATH, body=content)
    assert (headers["x-signature"], headers["x-request-id"]) == (expected, "job-1")
    assert scripted.pauses == []


LATER = refusal(502, "PRICE_FETCH_FAILED", retryable=True)


@pytest.mark.parametrize(
    "first",
    [
        CUT,
        "silence",
        LATER,
        refusal(409, "IDEMPOTENCY_IN_PROGRESS", retryable=True),
        (502, b"<html>", {}),
        (503, ["no envelope"], {}),
        (500, {"error": "text"}, {}),
    ],
    ids=["cut", "silence", "retryable", "in progress", "a proxy's page", "a list", "another envelope"],
)
def test_what_may_be_repeated_is_repeated_byte_for_byte(scripted: Scripted, first: Any) -> None:
    assert scripted.call(first, first, DONE) == {"answer": 42}
    assert scripted.pauses == [0.5, 1.0]
    assert len(scripted.heard) == 3
    for _, content, headers in scripted.heard[1:]:
        assert content == scripted.heard[0][1]
        names = ("x-timestamp", "x-signature", "x-request-id")
        assert [headers[name] for name in names] == [scripted.heard[0][2][name] for name in names]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(502, "OPEN_POSITION_FAILED", retryable=False), "OPEN_POSITION_FAILED"),
        (refusal(409, "ORDER_CANCELLED", retryable=False), "ORDER_CANCELLED"),
        (refusal(401, "UNAUTHORIZED", retryable=False), "UNAUTHORIZED"),
        (refusal(429, "RATE_LIMITED", retryable=True, Retry_After="31"), "RATE_LIMITED"),
        ((404, b"<html>", {}), "NOT_THE_SERVICE"),
        ((302, b"", {"Location": "http://127.0.0.1:9/"}), "NOT_THE_SERVICE"),
        ((200, {"success": True, "data": None}, {}), "NOT_THE_SERVICE"),
        ((200, {"success": False, "error": {}}, {}), "NOT_THE_SERVICE"),
    ],
)
def test_what_may_not_be_repeated_is_raised_at_once(scripted: Scripted, answer: Any, code: str) -> None:
    with pytest.raises(OstiumError) as caught:
        scripted.call(answer)
    assert (caught.value.code, caught.value.status) == (code, answer[0])
    assert (len(scripted.heard), scripted.pauses) == (1, [])


def test_the_third_failure_is_the_callers(scripted: Scripted) -> None:
    with pytest.raises(OstiumError) as caught:
        scripted.call(LATER, LATER, LATER)
    error = caught.value
    assert (error.code, error.message, error.details, error.retryable) == (
        "PRICE_FETCH_FAILED",
        "Why.",
        {"reason": "x"},
        True,
    )
    assert scripted.pauses == [0.5, 1.0]


def test_a_longer_pause_that_is_asked_for_is_made(scripted: Scripted) -> None:
    busy = refusal(409, "IDEMPOTENCY_IN_PROGRESS", retryable=True, Retry_After="3")
    assert scripted.call(busy, busy, DONE) == {"answer": 42}
    assert scripted.pauses == [3.0, 3.0]


def test_nobody_there_is_said_after_three_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("ostium_service.client.client.time.sleep", pauses.append)
    nobody = OstiumClient(base_url=f"http://127.0.0.1:{find_free_port()}", secret=SECRET)
    with pytest.raises(requests.ConnectionError):
        nobody.call(PATH, {"network": "testnet"})
    assert pauses == [0.5, 1.0]

"""What only a real server shows: raw targets, repeated headers, slow and oversized bodies, several processes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.http.caller import SECRET, sign

ROOT = Path(__file__).parents[2]
PATH = "/v1/markets/list"
BODY = b'{"network":"testnet"}'


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    log: Path
    process: subprocess.Popen[bytes]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("edge") / "gunicorn.log"
    port = _free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "4",
        "HMAC_SECRET": SECRET,
        "DJANGO_DEBUG": "true",
        "DATABASE_URL": "postgres://nobody:nothing@127.0.0.1:1/none",
        "LOG_LEVEL": "INFO",
    }
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "tests.contract.edge_wsgi:application"],
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=stream,
        )
    try:
        _await_health(port, process, log)
        yield Server(port=port, log=log, process=process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _await_health(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if _ask(port, "GET", "/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def _ask(port: int, method: str, target: str, body: bytes | None = None, headers: Any = ()) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None and not any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in headers):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def _signed(path: str = PATH, body: bytes = BODY) -> list[tuple[str, str]]:
    timestamp = str(time.time_ns() // 1_000_000)
    signature = sign(secret=SECRET, timestamp=timestamp, method="POST", path=path, body=body)
    headers = {"x-timestamp": timestamp, "x-signature": signature, "Content-Type": "application/json"}
    return list(headers.items())


def _failure(answer: tuple[int, Any, Any]) -> tuple[int, str, Any]:
    status, headers, raw = answer
    body = json.loads(raw)
    assert body["success"] is False
    assert body["meta"]["requestId"] == headers["x-request-id"]
    return status, body["error"]["code"], body["error"].get("details")


def test_a_signed_call_is_answered(server: Server) -> None:
    status, headers, raw = _ask(server.port, "POST", PATH, BODY, [*_signed(), ("x-request-id", "live-1")])
    assert (status, headers["x-request-id"]) == (200, "live-1")
    assert json.loads(raw)["data"] == {"network": "testnet", "key": "live-1"}


def test_the_raw_target_is_what_counts(server: Server) -> None:
    for target, reason in (
        (PATH + "?", "query_not_allowed"),
        (PATH + "?a=1", "query_not_allowed"),
        ("/v1/markets/%6cist", "target_malformed"),
        (f"http://127.0.0.1{PATH}", "target_malformed"),
    ):
        status, code, details = _failure(_ask(server.port, "POST", target, BODY, _signed(path=target)))
        assert (status, code, details["reason"]) == (401, "UNAUTHORIZED", reason)


def test_no_header_changes_the_path_that_was_signed(server: Server) -> None:
    for name in ("PATH_INFO", "SCRIPT_NAME", "Path-Info", "Script-Name"):
        answer = _ask(server.port, "POST", PATH, BODY, [*_signed(), (name, "/v1/crash")])
        assert answer[0] in {200, 400}
        assert b"OSTIUM_INTERNAL_ERROR" not in answer[2]


def test_w10_repeated_headers_are_refused_and_underscore_twins_ignored(server: Server) -> None:
    signed = _signed()
    signature = dict(signed)["x-signature"]
    twice = _failure(_ask(server.port, "POST", PATH, BODY, [*signed, ("x-signature", signature)]))
    assert twice == (401, "UNAUTHORIZED", {"reason": "duplicate_header", "header": "x-signature"})
    cases = _failure(_ask(server.port, "POST", PATH, BODY, [*signed, ("X-Timestamp", "1")]))
    assert cases[2]["reason"] == "duplicate_header"
    unsigned = [(name, value) for name, value in signed if name != "x-signature"]
    alone = _failure(_ask(server.port, "POST", PATH, BODY, [*unsigned, ("X_Signature", signature)]))
    assert alone[2] == {"reason": "header_missing", "header": "x-signature"}
    assert _ask(server.port, "POST", PATH, BODY, [*signed, ("X_Signature", "0" * 64)])[0] == 200


def test_a_chunked_body_needs_a_length(server: Server) -> None:
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    answer = _ask(server.port, "POST", PATH, chunked, [*_signed(), ("Transfer-Encoding", "chunked")])
    assert _failure(answer)[:2] == (411, "LENGTH_REQUIRED")


def _raw(server: Server, data: bytes, seconds: float = 20) -> tuple[int, Any, bytes]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(data)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize(
    "data",
    [
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\nx-planted-header\r\n\r\n",
        b"POST /v1/planted" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\nx-big: planted" + b"a" * 9000 + b"\r\n\r\n",
        b"POST /v1/markets/list HTTP/1.1\r\nHost: x\r\n" + b"x-many: planted\r\n" * 70 + b"\r\n",
        b"planted nonsense\r\n\r\n",
    ],
)
def test_w14_what_is_no_proper_http_is_refused_in_the_envelope(server: Server, data: bytes) -> None:
    answer = _raw(server, data)
    assert _failure(answer)[0] == 400
    assert _failure(answer)[1] == "VALIDATION_ERROR"
    assert b"planted" not in answer[2]


def test_w17_an_oversized_body_is_refused_before_it_has_been_sent(server: Server) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in _signed())
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: 10000000\r\n\r\n".encode()
    assert _failure(_raw(server, head))[:2] == (413, "PAYLOAD_TOO_LARGE")


def test_an_unsigned_body_is_refused_before_it_has_been_sent(server: Server) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n".encode()
    assert _failure(_raw(server, head))[:2] == (401, "UNAUTHORIZED")


def test_w15_callers_that_dribble_do_not_hold_the_service(server: Server) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in _signed())
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: 1000\r\n\r\n".encode()
    # As many as there are threads in all processes: half with a slow body, half with a slow header.
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(8)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(head if number % 2 else b"POST /v1/markets/list HTTP/1.1\r\nHos")
        started = time.monotonic()
        assert _ask(server.port, "POST", PATH, BODY, _signed())[0] == 200
        assert time.monotonic() - started < 10
        for number, connection in enumerate(slow):
            if number % 2:
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                assert _failure((answer.status, answer.headers, answer.read()))[1:] == (
                    "INVALID_JSON",
                    {"reason": "body_incomplete"},
                )
            else:
                assert connection.recv(1) == b""
    finally:
        for connection in slow:
            connection.close()


def test_a_connection_is_kept_and_its_time_starts_anew(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        for _ in range(3):
            connection.request("POST", PATH, BODY, dict(_signed()))
            answer = connection.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
            time.sleep(0.8)
    finally:
        connection.close()


def test_metrics_add_up_over_the_processes(server: Server) -> None:
    def answered() -> float:
        text = _ask(server.port, "GET", "/metrics")[2].decode()
        line = 'ostium_requests_total{method="POST",outcome="success",route="v1/prices/get"}'
        return sum(float(row.rsplit(" ", 1)[1]) for row in text.splitlines() if row.startswith(line))

    before = answered()
    for _ in range(12):
        assert _ask(server.port, "POST", "/v1/prices/get", BODY, _signed(path="/v1/prices/get"))[0] == 200
    assert {answered() for _ in range(3)} == {before + 12}


def test_every_line_of_the_log_is_json_with_the_request_id_and_without_secrets(server: Server) -> None:
    key = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
    body = json.dumps({"network": "testnet", "privateKey": key}).encode()
    signed = [
        *_signed(body=body),
        ("Authorization", "Bearer planted-token"),
        ("x-request-id", "planted-log"),
    ]
    assert _failure(_ask(server.port, "POST", PATH, body, signed))[1] == "SECRET_IN_PAYLOAD"
    _ask(server.port, "POST", f"/v1/crash?privateKey={key}", BODY, _signed(path="/v1/crash"))
    _ask(server.port, "POST", "/v1/crash", BODY, [*_signed(path="/v1/crash"), ("x-request-id", "planted-crash")])
    _raw(server, f"POST /v1/x?privateKey={key} HTTP/1.1\r\nHost: x\r\nbad header: {key}\r\n\r\n".encode())
    text = server.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    events = {(line["event"], line.get("request_id")) for line in lines}
    assert ("request_finished", "planted-log") in events
    assert ("request_failed_unexpectedly", "planted-crash") in events
    for planted in (key, "planted-token", dict(signed)["x-signature"], SECRET, "ab" * 32):
        assert planted not in text

"""The HTTP client against servers that refuse, cut, drip, redirect, bomb and lie."""

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable

import pytest
import requests
import structlog

from ostium_service.gateways.arbitrum import Arbitrum, Call, SendOutcome
from ostium_service.gateways.failures import BadAnswer, GatewayError, Refused, System, Unreachable
from ostium_service.gateways.http_client import (
    HttpClient,
    build_session,
    classify_transport_error,
    parse_retry_after,
    require_ok,
)
from ostium_service.gateways.resilience import Policy
from ostium_service.types import Address, Network
from tests.integration.gateways.faulty_server import FaultyServer, answer, reply_with, stay_silent
from tests.integration.gateways.vault_admin import TlsVault

QUICK = Policy(connect_seconds=0.5, read_seconds=0.5, total_seconds=1.5, attempts=1, pause_seconds=0.0)
CAP = 100_000


def connect(url: str, policy: Policy = QUICK) -> HttpClient:
    """A client with a short patience."""
    return HttpClient(system=System.RPC, url=url, policy=policy, max_bytes=CAP)


def drip(step: bytes, headers: bytes) -> Callable[[FaultyServer], Callable[[socket.socket, bytes], None]]:
    """Headers at once, then `step` for ever, each well within the read time-out."""

    def make(server: FaultyServer) -> Callable[[socket.socket, bytes], None]:
        def script(connection: socket.socket, _request: bytes) -> None:
            try:
                connection.sendall(headers)
                while not server.released.wait(0.1):
                    connection.sendall(step)
            except OSError:
                return

        return script

    return make


@pytest.mark.parametrize(
    ("parts", "failure", "token"),
    [
        ([], Unreachable, "connection_cut"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"], Unreachable, "connection_cut"),
        ([b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a"'], Unreachable, "connection_cut"),
        ([b"this is not HTTP\r\n\r\n"], Unreachable, "connection_cut"),
        ([answer(b"", status="500 Internal Server Error")], Unreachable, "server_error"),
        ([answer(b"<html>", status="502 Bad Gateway")], Unreachable, "server_error"),
        ([answer(b"", status="503 Service Unavailable", headers="Retry-After: 7\r\n")], Unreachable, "server_error"),
        ([answer(b"", status="429 Too Many Requests")], Unreachable, "rate_limited"),
        ([answer(b"", status="301 Moved", headers="Location: http://127.0.0.1:1/\r\n")], BadAnswer, "redirect"),
        ([answer(b"", status="307 Temporary Redirect", headers="Location: /other\r\n")], BadAnswer, "redirect"),
        ([answer(b"x" * (CAP + 1))], BadAnswer, "too_large"),
        ([answer(gzip.compress(bytes(200 * CAP)), headers="Content-Encoding: gzip\r\n")], BadAnswer, "too_large"),
        ([answer(b"no gzip", headers="Content-Encoding: gzip\r\n")], BadAnswer, "encoding"),
    ],
)
def test_r6_answers_that_are_none(
    faulty: FaultyServer, parts: list[bytes], failure: type[GatewayError], token: str
) -> None:
    faulty.script = reply_with(*parts)
    with pytest.raises(failure) as raised:
        connect(faulty.url).post(b"{}", seconds=1.5)
    assert raised.value.token == token
    assert getattr(raised.value, "unsent", False) is False
    assert len(faulty.requests) == 1


def test_a_gzip_answer_within_the_cap_is_read(faulty: FaultyServer) -> None:
    faulty.script = reply_with(answer(gzip.compress(b'{"a": 1}'), headers="Content-Encoding: gzip\r\n"))
    assert connect(faulty.url).get(seconds=1.5).body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("step", "headers"),
    [
        (b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"),
        (b"1\r\nx\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"x", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"),
    ],
    ids=["length", "chunks", "one chunk"],
)
def test_r6_a_dripping_body_ends_at_the_budget(faulty: FaultyServer, step: bytes, headers: bytes) -> None:
    faulty.script = drip(step, headers)(faulty)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="too_slow"):
        connect(faulty.url).post(b"{}", seconds=1.0)
    assert 0.9 < time.monotonic() - began < 2.0


def test_r6_silence_ends_at_the_read_time_out(faulty: FaultyServer) -> None:
    faulty.script = stay_silent(faulty)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="too_slow"):
        connect(faulty.url).post(b"{}", seconds=1.5)
    assert time.monotonic() - began < 1.2


def test_nobody_listening_means_that_nothing_was_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="no_connection") as failure:
            connect(f"http://127.0.0.1:{unused.getsockname()[1]}").post(b"{}", seconds=1.5)
    assert failure.value.unsent


def test_an_unknown_host_means_that_nothing_was_sent() -> None:
    with pytest.raises(Unreachable, match="no_connection") as failure:
        connect("http://no-such-host.invalid").post(b"{}", seconds=1.5)
    assert failure.value.unsent


def test_a_client_error_is_an_answer_that_require_ok_refuses(faulty: FaultyServer) -> None:
    faulty.script = reply_with(answer(b"no", status="403 Forbidden"))
    found = connect(faulty.url).get(seconds=1.5)
    assert (found.status, found.body) == (403, b"no")
    with pytest.raises(Refused, match="http_error"):
        require_ok(System.RPC, found)


def test_cookies_are_not_kept_and_connections_are(faulty: FaultyServer) -> None:
    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(answer(b"1", headers="Set-Cookie: a=b\r\n"))
        connection.recv(65_536)
        connection.sendall(answer(b"2"))

    faulty.script = script
    client = connect(faulty.url)
    assert [client.get(seconds=1.5).body for _ in range(2)] == [b"1", b"2"]
    assert len(faulty.requests) == 1
    client.close()
    assert client.get(seconds=1.5).body == b"1"
    assert b"cookie" not in faulty.requests[-1].lower()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("7", 7.0), ("0", 0.0), ("99999999999", 60.0), ("", None), ("-1", None), ("1.5", None)),
        *(("\u0667", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), (None, None)),
    ],
)
def test_r6_retry_after(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text) == seconds


def test_a_proxy_or_ca_of_the_environment_is_ignored(faulty: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    faulty.script = reply_with(answer(b"1"))
    assert connect(faulty.url).get(seconds=1.5).body == b"1"


def test_the_url_is_in_no_log_and_no_representation(faulty: FaultyServer) -> None:
    with structlog.testing.capture_logs() as logs, pytest.raises(Unreachable):
        connect(faulty.url).post(b"{}", seconds=1.5)
    assert [entry["event"] for entry in logs] == ["upstream_failed"]
    assert "the-api-key" not in str(logs) + repr(connect(faulty.url))


def serve_tls(tls: TlsVault, address: str) -> tuple[str, socket.socket]:
    """A server with Vault's certificate that answers with one digit until its socket is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    listener = socket.create_server((address, 0))

    def run() -> None:
        while True:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                    received.append(connection.recv(65_536))
                    connection.sendall(answer(b"1"))
            except ssl.SSLError:
                continue
            except OSError:
                return

    received: list[bytes] = []
    threading.Thread(target=run, daemon=True).start()
    return f"https://{address}:{listener.getsockname()[1]}", listener


def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(tls_vault: TlsVault) -> None:
    url, listener = serve_tls(tls_vault, "127.0.0.1")
    with listener:
        with pytest.raises(Unreachable, match="tls") as failure:
            connect(url).post(b"secret", seconds=1.5)
        assert failure.value.unsent
        with build_session(verify=str(tls_vault.authority)) as trusting:
            assert trusting.get(url, timeout=2).text == "1"
        listener.shutdown(socket.SHUT_RDWR)


def test_r6_a_handshake_that_is_reset_is_no_answer_and_gives_nothing_away() -> None:
    """The line is reset before a certificate is seen, so not a byte of the request has left."""

    with socket.create_server(("127.0.0.1", 0)) as listener:
        greetings: list[bytes] = []

        def run() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                greetings.append(connection.recv(65_536))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        client = connect(f"https://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(2):
            with pytest.raises(Unreachable) as failure:
                client.post(b"secret", seconds=1.5)
            assert failure.value.token in {"connection_cut", "tls"}
        thread.join()
    assert len(greetings) == 2
    assert not any(b"secret" in greeting for greeting in greetings)


def test_a_trusted_certificate_for_another_name_is_refused(tls_vault: TlsVault) -> None:
    url, listener = serve_tls(tls_vault, "127.0.0.2")
    with listener, build_session(verify=str(tls_vault.authority)) as trusting:
        with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED") as failure:
            trusting.get(url, timeout=2)
        assert classify_transport_error(System.RPC, failure.value).unsent
        listener.shutdown(socket.SHUT_RDWR)


def test_r6_a_broadcast_whose_answer_is_lost_is_unknown_and_sent_once(faulty: FaultyServer) -> None:
    for script in (
        reply_with(),
        reply_with(answer(b"", status="500 Oops")),
        reply_with(answer(b"", status="429 Slow down")),
        reply_with(answer(b"<html>")),
        reply_with(answer(b'{"jsonrpc":"2.0","id":99999,"result":"0x"}')),
        reply_with(answer(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")),
    ):
        faulty.requests.clear()
        faulty.script = script
        arbitrum = Arbitrum(Network.TESTNET, rpc_url=faulty.url, policy=Policy(read_seconds=0.5, attempts=3))
        assert arbitrum.send_raw(b"\x02\x01") is SendOutcome.UNKNOWN
        assert len(faulty.requests) == 1
        arbitrum.close()


def test_r6_a_read_is_repeated_after_a_cut_connection(faulty: FaultyServer) -> None:
    block = b'{"jsonrpc":"2.0","id":%d,"result":"%s"}'

    def script(connection: socket.socket, request: bytes) -> None:
        if len(faulty.requests) < 3:
            return
        first = int(request.split(b'"id":')[1].split(b",")[0])
        body = b"[" + block % (first + 1, b"0x01") + b"," + block % (first, b"0x66eee") + b"]"
        connection.sendall(answer(body))

    faulty.script = script
    arbitrum = Arbitrum(Network.TESTNET, rpc_url=faulty.url, policy=Policy(attempts=3, pause_seconds=0.01))
    assert arbitrum.call(Call(Address("0x" + "11" * 20), b"")) == b"\x01"
    assert len(faulty.requests) == 3
    arbitrum.close()

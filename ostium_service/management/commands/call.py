"""A signed call of the service's own API, for people."""

import json
import shlex
import sys
import time
import uuid
from decimal import Decimal
from typing import Any, NoReturn

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ostium_service.client import OstiumClient, OstiumError, sign_request

FAILED = 1
UNREACHABLE = 2


class Command(BaseCommand):
    """Signs, sends and prints. Exit status 0 for a success, 1 for a refusal, 2 when the service does not answer."""

    help = (
        'Call an endpoint: python manage.py call /v1/markets/list \'{"network":"testnet"}\'. '
        "The secret is HMAC_SECRET; a body of - is read from standard input."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="such as /v1/markets/list")
        parser.add_argument("body", nargs="?", default="{}", help="a JSON object, or - for standard input")
        parser.add_argument("--url", default="", help="the service; by default http://HOST:PORT of the settings")
        parser.add_argument("--request-id", default="", help="x-request-id; by default a fresh one")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--raw", action="store_true", help="print the whole answer as it came, and never repeat")
        form.add_argument("--curl", action="store_true", help="print the signed call as a curl command, send nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.HMAC_SECRET:
            raise CommandError("HMAC_SECRET is not set: the call cannot be signed.")
        path = _read_path(options["path"])
        body = sys.stdin.read() if options["body"] == "-" else options["body"]
        url = (options["url"] or f"http://{settings.HOST}:{settings.PORT}").rstrip("/")
        request_id = options["request_id"] or str(uuid.uuid4())
        if options["curl"]:
            self.stdout.write(_build_curl(url=url, path=path, body=body, request_id=request_id))
            return
        try:
            if options["raw"]:
                self._print_raw(url, path, body, request_id)
            else:
                self._print_data(url, path, body, request_id)
        except requests.RequestException as error:
            self.stderr.write(f"{url} does not answer ({type(error).__name__}).")
            raise SystemExit(UNREACHABLE) from None

    def _print_data(self, url: str, path: str, body: str, request_id: str) -> None:
        """By the client, which repeats a lost call as it was."""
        client = OstiumClient(base_url=url, secret=settings.HMAC_SECRET)
        try:
            data = client.call(path, _read_object(body), request_id=request_id)
        except OstiumError as error:
            shown = {"code": error.code, "message": error.message, "details": error.details}
            self.stderr.write(_pretty({**shown, "retryable": error.retryable, "requestId": error.request_id}))
            raise SystemExit(FAILED) from None
        self.stdout.write(_pretty(data))

    def _print_raw(self, url: str, path: str, body: str, request_id: str) -> None:
        """The body's bytes as given, valid or not, and the answer's as they come."""
        headers = _sign(path=path, body=body, request_id=request_id)
        answer = requests.post(url + path, data=body.encode(), headers=headers, timeout=60, allow_redirects=False)
        self.stdout.write(answer.text)
        if not answer.ok:
            raise SystemExit(FAILED)


def _read_path(path: str) -> str:
    if not path.startswith("/") or "?" in path or "#" in path:
        raise CommandError("The path starts with / and has no query: no signature covers one.")
    return path


def _read_object(text: str) -> dict[str, Any]:
    """Numbers keep the digits they are written with: the client sends a decimal as its string.

    A key that occurs twice is said here: what is sent would hold only the last one, and the service could not refuse.
    """
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_word, object_pairs_hook=_build_object)
    except ValueError:
        raise CommandError("The body is not JSON. --raw sends it all the same.") from None
    if not isinstance(value, dict):
        raise CommandError("The body is not a JSON object. --raw sends it all the same.")
    return value


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise CommandError("A key of the body occurs twice. --raw sends it all the same.")
    return dict(pairs)


def _refuse_word(word: str) -> NoReturn:
    raise CommandError(f"{word} is no JSON. --raw sends it all the same.")


def _sign(*, path: str, body: str, request_id: str) -> dict[str, str]:
    timestamp = time.time_ns() // 1_000_000
    secret: str = settings.HMAC_SECRET
    signature = sign_request(secret=secret, timestamp_ms=timestamp, method="POST", path=path, body=body.encode())
    return {
        "content-type": "application/json",
        "x-timestamp": str(timestamp),
        "x-signature": signature,
        "x-request-id": request_id,
    }


def _build_curl(*, url: str, path: str, body: str, request_id: str) -> str:
    """Good for five minutes. It holds a signature, not the secret."""
    headers = _sign(path=path, body=body, request_id=request_id).items()
    lines = ["curl -sS", *(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers)]
    return " \\\n  ".join([*lines, f"--data-binary {shlex.quote(body)}", shlex.quote(url + path)])


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

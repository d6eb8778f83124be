"""Requests that nobody thought of, made from the API's own description: every answer is one that the page names.

No answer is a 5xx but the documented ones of an outside system, and none is OSTIUM_INTERNAL_ERROR. Traders and Safes
are replaced by a living one in half the requests, so that some of them get as far as the chain.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

from ostium_service.http.errors import CATALOGUE
from ostium_service.http.openapi import build_document
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller, check_wording
from tests.support.conformance import check_answer

SECONDS_A_PATH: Final = 0.4
"""After as many the rest of a path's requests is left out, so that the whole stays under a minute."""

UNFORESEEN: Final = {"OSTIUM_INTERNAL_ERROR", "SERVER_MISCONFIGURED"}
BOUNDED: Final = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
DOCUMENT: Final = build_document()
PATHS: Final = sorted(path for path in DOCUMENT["paths"] if path.startswith("/v1/"))
SCHEMA: Final = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(autouse=True)
def _quick_writes(settings: Settings) -> Iterator[None]:
    settings.OSTIUM_WRITE_WAIT_SECONDS = 0.2
    cache.clear()
    yield


def list_bodies(path: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    """Bodies for one operation: as its schema has them, or nearly."""
    return SCHEMA[path]["POST"].as_strategy(generation_mode=mode).map(lambda case: case.body)


def point_at(desk: Desk, body: Any) -> Any:
    """The same request, about somebody who exists."""
    if not isinstance(body, Mapping):
        return body
    living = {"network": "testnet", "traderAddress": desk.trader, "safeAddress": desk.trader, "address": desk.trader}
    return {**body, **{name: value for name, value in living.items() if name in body}}


def encode(body: Any) -> bytes:
    """What a caller would send for it; a body that is none is sent as none."""
    if isinstance(body, bytes):
        return body
    return b"" if body is NOT_SET else json.dumps(body).encode("utf-8", "surrogatepass")


def check(caller: SignedCaller, path: str, body: Any) -> None:
    response = caller.send_bytes(path, encode(body))
    answer = response.json()
    assert response.headers["x-request-id"] == answer["meta"]["requestId"]
    check_answer(path=path, status=response.status_code, body=answer)
    if response.status_code != HTTPStatus.OK:
        code = answer["error"]["code"]
        assert code not in UNFORESEEN, answer
        check_wording(answer["error"])
        assert (CATALOGUE[code].status, CATALOGUE[code].retryable) == (
            response.status_code,
            answer["error"]["retryable"],
        )


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_every_answer_is_one_that_the_page_names(mode: GenerationMode, slow_desk: Desk, signed: SignedCaller) -> None:
    sent: Counter[str] = Counter()
    for path in PATHS:
        fuzz(path=path, mode=mode, desk=slow_desk, caller=signed, sent=sent)
    assert set(sent) == set(PATHS)


def fuzz(*, path: str, mode: GenerationMode, desk: Desk, caller: SignedCaller, sent: Counter[str]) -> None:
    """Send bodies to one path until there are enough, or the path's time is up."""
    ends = time.monotonic() + SECONDS_A_PATH

    @BOUNDED
    @given(body=list_bodies(path, mode), is_living=st.booleans())
    def send(body: Any, is_living: bool) -> None:
        if sent[path] and time.monotonic() > ends:
            pytest.skip("enough")
        sent[path] += 1
        check(caller, path, point_at(desk, body) if is_living else body)

    # Skipping is the only way to end hypothesis's loop without a failure.
    with suppress(pytest.skip.Exception):
        send()

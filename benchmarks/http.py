"""`python -m benchmarks.http`: HMAC, parsing, validation and envelope of one request, in process, beside an empty view.

It needs no server and no database. Times are of the process's own CPU, so that other work on the machine counts little.
"""

# Django must be set up before a view can be imported.
# ruff: noqa: E402

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
django.setup()

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test.client import RequestFactory
from django.test.utils import override_settings
from rest_framework.request import Request
from rest_framework.response import Response

from benchmarks.figures import compute_percentile, format_aim, format_ms, format_table
from ostium_service.client import sign_request
from ostium_service.http.views import ServiceView
from positions.serializers import OpenPositionSerializer

PATH: Final = "/v1/positions/open"
ROUNDS: Final = 2_000
WARM_UP: Final = 200
AIM_SECONDS: Final = 0.001
SECRET: Final = "a-secret-of-the-benchmark-only-32"  # noqa: S105
ORDER: Final = {
    "network": "testnet",
    "market": "BTC/USD",
    "side": "long",
    "collateral": "100.5",
    "leverage": 10,
    "slPrice": "85000",
    "tpPrice": "120000.25",
    "traderAddress": "0x" + "11" * 20,
    "idempotencyKey": "benchmark",
}


class EdgeView(ServiceView):
    """Everything that an order goes through before its service, and what its answer goes through after."""

    def post(self, request: Request) -> Response:
        values = self.parsed(request, OpenPositionSerializer)
        return self.success({"market": values["market"], "key": self.idempotency_key(request, None)})


def answer_nothing(_request: HttpRequest) -> HttpResponse:
    """The empty view to compare with."""
    return JsonResponse({"success": True})


def measure_http(write: Callable[[str], object]) -> bool:
    """Print the cost of a signed order at the edge; whether its median is under a millisecond."""
    with override_settings(HMAC_SECRET=SECRET, HMAC_SECRET_PREVIOUS=""):
        edge = _time(EdgeView.as_view())
    empty = _time(answer_nothing)
    rows = [["one request in process", "p50", "p99"]]
    for name, samples in (("signed order: HMAC, JSON, fields, envelope", edge), ("empty Django view", empty)):
        rows.append([name, *(format_ms(compute_percentile(samples, percent)) for percent in (50, 99))])
    is_met = compute_percentile(edge, 50) < AIM_SECONDS
    write(format_table(rows))
    write(format_aim(text="p50 of the edge under 1 ms", is_met=is_met))
    return is_met


def _time(view: Callable[[HttpRequest], Any]) -> list[float]:
    """Seconds of each of ROUNDS calls; every request is made and signed before its clock starts."""
    factory = RequestFactory()
    samples = []
    for _ in range(WARM_UP + ROUNDS):
        request = _sign(factory)
        began = time.process_time()
        answer = view(request)
        if isinstance(answer, Response):
            answer.render()
        samples.append(time.process_time() - began)
        if answer.status_code != 200:
            raise AssertionError(answer.content.decode())
    return samples[WARM_UP:]


def _sign(factory: RequestFactory) -> HttpRequest:
    body = json.dumps(ORDER, separators=(",", ":")).encode()
    timestamp = time.time_ns() // 1_000_000
    signature = sign_request(secret=SECRET, timestamp_ms=timestamp, method="POST", path=PATH, body=body)
    headers = {"x-timestamp": str(timestamp), "x-signature": signature}
    return factory.post(PATH, body, content_type="application/json", headers=headers)


if __name__ == "__main__":
    measure_http(print)
    sys.exit(0)

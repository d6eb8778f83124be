"""1,000 callers ask for prices at the same moment: how often the feed is asked for them."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

from benchmarks.clients import receive
from benchmarks.crowd import PROCESSES, start_callers
from benchmarks.figures import compute_percentile, format_aim, format_ms, format_table
from benchmarks.reads import PRICE_BODY, PRICE_PATH
from benchmarks.stage import WEB_PROCESSES, Stage
from ostium_service.client import sign_request
from sandbox.shaping import Endpoint

CALLERS = 1_000
LATENCY_MS = 50
HERDS = 3
PAUSE_SECONDS = 3.0
"""Longer than a price list is held, so that every herd finds none that is fresh."""

ANSWER_SECONDS = 60.0
CONNECT_AT_ONCE = 50
OK = b"HTTP/1.1 200 "


@dataclass(frozen=True, slots=True)
class Herd:
    """Seconds of each answer, and the arrivals of the requests at the feed, in seconds since the herd began."""

    seconds: tuple[float, ...]
    failed: int
    asked: tuple[float, ...]

    @property
    def in_that_second(self) -> int:
        """Requests to the feed within a second of the herd's start; a process's second one can come no sooner."""
        return sum(at < 1 for at in self.asked)


def measure_herd(stage: Stage, write: Callable[[str], object]) -> bool:
    """Print the figures; whether the aim is met and every caller was answered."""
    stage.shaper.set_all_latencies(milliseconds=LATENCY_MS)
    stage.start_web()
    try:
        herds = [gather_herd(stage) for _ in range(HERDS)]
    finally:
        stage.shaper.set_all_latencies(milliseconds=0)
    rows = [["1,000 callers at once", "answered", "p50", "p99", "feed asked in that second", "until the last answer"]]
    for number, herd in enumerate(herds):
        name = "fresh processes" if number == 0 else "again"
        times = [format_ms(compute_percentile(herd.seconds, percent)) for percent in (50, 99)]
        answered = str(len(herd.seconds) - herd.failed)
        rows.append([name, answered, *times, str(herd.in_that_second), str(len(herd.asked))])
    write(f"herd: {PRICE_PATH}, {WEB_PROCESSES} web processes, {LATENCY_MS} ms added to every upstream call")
    write(format_table(rows))
    is_met = all(herd.in_that_second <= WEB_PROCESSES and not herd.failed for herd in herds)
    write(format_aim(text="one request to the feed in that second a process, and every caller answered", is_met=is_met))
    return is_met


def gather_herd(stage: Stage) -> Herd:
    """Connect all, wait until no price is held, let go."""
    with start_callers(serve_herd, stage.service_url, stage.secrets.hmac, CALLERS // PROCESSES) as pipes:
        time.sleep(PAUSE_SECONDS)
        began = time.monotonic()
        for pipe in pipes:
            pipe.send(True)
        answers = [one for pipe in pipes for one in receive(pipe, seconds=ANSWER_SECONDS)]
    asked = [one.at - began for one in stage.shaper.asked_since(began) if one.system == Endpoint.FEED.value]
    return Herd(tuple(seconds for seconds, _ in answers), sum(not good for _, good in answers), tuple(asked))


def serve_herd(pipe: "Connection[Any, Any]", url: str, secret: str, callers: int) -> None:
    """In the client process: connect as often as said, and ask on all connections at once when told to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(ask_together(pipe, url, secret, callers))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))
    pipe.recv()


async def ask_together(pipe: "Connection[Any, Any]", url: str, secret: str, callers: int) -> None:
    """Say when all are connected, wait for the word, and send seconds and success of each."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    opened = []
    for first in range(0, callers, CONNECT_AT_ONCE):
        count = min(CONNECT_AT_ONCE, callers - first)
        opened += await asyncio.gather(*(asyncio.open_connection(host, port) for _ in range(count)))
    pipe.send("ready")
    pipe.recv()
    pipe.send(await asyncio.gather(*(ask(reader, writer, secret) for reader, writer in opened)))


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: str) -> tuple[float, bool]:
    """One signed request; seconds until its answer is there, and whether it is a success."""
    content, timestamp = json.dumps(PRICE_BODY).encode(), time.time_ns() // 1_000_000
    signature = sign_request(secret=secret, timestamp_ms=timestamp, method="POST", path=PRICE_PATH, body=content)
    head: Sequence[str] = (
        f"POST {PRICE_PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        f"x-timestamp: {timestamp}",
        f"x-signature: {signature}",
        "Connection: close",
        "\r\n",
    )
    began = time.monotonic()
    try:
        writer.write("\r\n".join(head).encode() + content)
        answer = await asyncio.wait_for(reader.read(), ANSWER_SECONDS / 2)
    except (OSError, TimeoutError):
        answer = b""
    writer.close()
    return time.monotonic() - began, answer.startswith(OK)

"""HTTP towards outside systems: pooled, TLS always verified, time-boxed, size-capped, no redirects, no cookies."""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from ostium_service.gateways.failures import BadAnswer, Refused, System, Unreachable
from ostium_service.gateways.resilience import Policy

logger = structlog.get_logger(__name__)

CHUNK_BYTES = 65_536
POOL_CONNECTIONS = 32
LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and decoded body of an answer that was read to its end."""

    status: int
    body: bytes
    retry_after: float | None = None


def build_session(*, verify: bool | str = True) -> requests.Session:
    """A session that keeps connections, trusts certifi's roots (or the CA file `verify`) and forgets cookies.

    `trust_env` is off: a proxy, a netrc or a CA bundle named by the process environment must not be able to read or
    reroute key material and signed transactions, nor switch verification off. An egress proxy is configured as the URL.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = verify
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=POOL_CONNECTIONS, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def classify_transport_error(system: System, error: Exception) -> Unreachable:
    """The failure behind an exception of requests or urllib3; `unsent` only where no request can have left."""
    cause = getattr(error.args[0], "reason", error) if error.args else error
    if isinstance(cause, (requests.exceptions.SSLError, SSLError)):
        # A broken record in mid-answer is an SSLError too; only a refused certificate proves that nothing was sent.
        refused = any(isinstance(part, ssl.SSLCertVerificationError) for part in cause.args)
        return Unreachable(system, "tls", unsent=refused)
    if isinstance(cause, (requests.ConnectTimeout, ConnectTimeoutError, NewConnectionError)):
        return Unreachable(system, "no_connection", unsent=True)
    if isinstance(cause, (requests.ReadTimeout, ReadTimeoutError)):
        return Unreachable(system, "too_slow")
    return Unreachable(system, "connection_cut")


def parse_retry_after(value: str | None, *, longest: float = LONGEST_RETRY_AFTER) -> float | None:
    """Seconds asked for by `Retry-After: <digits>`, at most `longest`; dates and anything else count as absent."""
    if value is None or not (value.isascii() and value.isdigit()):
        return None
    return min(float(int(value[:9])), longest)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """The pause that HTTP's own header asks for."""
    return parse_retry_after(headers.get("Retry-After"))


class HttpClient:
    """One base URL of one system. Thread-safe; `close` drops its pool."""

    def __init__(
        self,
        *,
        system: System,
        url: str,
        policy: Policy,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        read_pause: Callable[[Mapping[str, str]], float | None] = read_retry_after,
    ) -> None:
        """`headers` go out with every request and may be secret; `read_pause` finds the pause a refusal asks for."""
        self.system = system
        self.host = urlsplit(url).hostname or ""
        self._url = url
        self._policy = policy
        self._max_bytes = max_bytes
        self._headers = {"Accept": "application/json", "Accept-Encoding": "gzip", **(headers or {})}
        self._read_pause = read_pause
        self._session = build_session()

    def __repr__(self) -> str:
        """Host only: path and query of an RPC URL are its API key."""
        return f"HttpClient({self.system}, {self.host})"

    def get(self, *, seconds: float, path: str = "") -> Answer:
        """GET the URL, or what is under it, within `seconds`; any status is an answer except 3xx, 429 and 5xx."""
        return self._exchange("GET", path, None, seconds)

    def post(self, body: bytes, *, seconds: float, path: str = "") -> Answer:
        """POST JSON bytes within `seconds`; any status is an answer except 3xx, 429 and 5xx.

        Unreachable: no connection, cut, too slow, 429, 5xx. BadAnswer: a redirect, a body over the cap or one that
        does not decompress.
        """
        return self._exchange("POST", path, body, seconds)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _exchange(self, method: str, path: str, body: bytes | None, seconds: float) -> Answer:
        ends = time.monotonic() + seconds
        limits = (min(self._policy.connect_seconds, seconds), min(self._policy.read_seconds, seconds))
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        try:
            with self._session.request(
                method, self._url + path, data=body, headers=headers, timeout=limits, stream=True, allow_redirects=False
            ) as response:
                return self._finish(response, ends)
        except (requests.RequestException, HTTPError, OSError) as error:
            logger.warning("upstream_failed", system=self.system, host=self.host, error=type(error).__name__)
            raise classify_transport_error(self.system, error) from None

    def _finish(self, response: requests.Response, ends: float) -> Answer:
        status = response.status_code
        if 300 <= status < 400:
            raise BadAnswer(self.system, "redirect")
        retry_after = self._read_pause(response.headers)
        if status == 429:
            raise Unreachable(self.system, "rate_limited", retry_after=retry_after)
        if status >= 500:
            raise Unreachable(self.system, "server_error", retry_after=retry_after)
        return Answer(status, self._read_body(response, ends), retry_after)

    def _read_body(self, response: requests.Response, ends: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            while part := response.raw.read1(CHUNK_BYTES, decode_content=True):
                size += len(part)
                if size > self._max_bytes:
                    raise BadAnswer(self.system, "too_large")
                if time.monotonic() > ends:
                    raise Unreachable(self.system, "too_slow")
                parts.append(part)
        except DecodeError:
            raise BadAnswer(self.system, "encoding") from None
        return b"".join(parts)


def require_ok(system: System, answer: Answer) -> bytes:
    """The body of a 2xx answer; Refused for a 4xx."""
    if not 200 <= answer.status < 300:
        raise Refused(system, "http_error")
    return answer.body

"""Logging in to Vault and staying logged in; Vault's failures in our words."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import hvac
import requests
import structlog
from hvac import exceptions

from ostium_service.gateways.failures import BadAnswer, GatewayError, KeyMissing, Refused, System, Unreachable
from ostium_service.gateways.http_client import classify_transport_error
from ostium_service.gateways.resilience import Guard, Policy

logger = structlog.get_logger(__name__)
T = TypeVar("T")

DENIED = "denied"
RENEW_SHARE = 0.5
"""Renewed after this share of its life, so before two thirds even when the first attempt fails."""
RENEW_PAUSE = 5.0
"""Seconds until the next attempt when a renewal failed and the token still lives."""
USELESS_LOGIN_PAUSE = 30.0
"""Seconds without another re-login after one that was denied all the same: secret ids may be of limited use."""


@dataclass(frozen=True, slots=True)
class VaultLogin:
    """Where Vault is and how to log in: AppRole when `role_id` is set, else `token`; secrets never in its repr."""

    addr: str
    mount: str = "secret"
    prefix: str = "ostium/delegates"
    namespace: str = ""
    cacert: str = ""
    token: str = field(default="", repr=False)
    role_id: str = field(default="", repr=False)
    secret_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """A logged-in client; times by the monotonic clock, so that a clock step cannot prolong it."""

    client: Any = field(repr=False)
    seconds: float
    renew_at: float
    ends_at: float
    renewable: bool


class TokenKeeper:
    """Hands out a client with a live token; however many threads need one, one of them logs in."""

    def __init__(
        self,
        login: VaultLogin,
        *,
        session: requests.Session,
        policy: Policy,
        guard: Guard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._login = login
        self._session = session
        self._policy = policy
        self._guard = guard
        self._clock = clock
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._useless_until = float("-inf")

    def build_client(self, token: str = "", *, namespace: str = "") -> Any:
        """A client on the shared connections; an empty token is sent as none, never looked up in the environment."""
        return hvac.Client(
            url=self._login.addr,
            token=token,
            namespace=namespace or None,
            session=self._session,
            timeout=(self._policy.connect_seconds, self._policy.read_seconds),
            allow_redirects=False,
        )

    def current(self) -> Lease:
        """The lease in use, renewed or replaced when that is due; others go on with a live one meanwhile."""
        lease = self._lease
        now = self._clock()
        if lease is not None and now < lease.renew_at:
            return lease
        if lease is not None and now < lease.ends_at:
            if not self._lock.acquire(blocking=False):
                return lease
        else:
            self._lock.acquire()
        try:
            if self._lease is None or self._clock() >= self._lease.renew_at:
                self._lease = self._prolong(self._lease)
            return self._lease
        finally:
            self._lock.release()

    def replace(self, dead: Lease) -> Lease:
        """A lease other than the denied `dead`: another thread's or a new login; Refused where neither can help."""
        with self._lock:
            if self._lease is not None and self._lease is not dead:
                return self._lease
            if not self._login.role_id or self._clock() < self._useless_until:
                raise Refused(System.VAULT, DENIED)
            logger.warning("vault_token_denied")
            self._lease = self._log_in()
            return self._lease

    def report_useless(self) -> None:
        """A fresh token was denied too: for a while no denial leads to another login."""
        self._useless_until = self._clock() + USELESS_LOGIN_PAUSE

    def _prolong(self, lease: Lease | None) -> Lease:
        """Renew; log in anew when there is nothing to renew or the renewal shows that the maximum life is near.

        While the old token lives, a failure only postpones the next attempt.
        """
        if lease is None or self._clock() >= lease.ends_at:
            return self._log_in()
        try:
            renewed = self._renew(lease) if lease.renewable else None
            if renewed is None or (renewed.seconds * 2 < lease.seconds and self._login.role_id):
                return self._log_in()
            return renewed
        except GatewayError as failure:
            logger.warning("vault_renewal_failed", token=failure.token)
            again = min(self._clock() + RENEW_PAUSE, lease.ends_at)
            return Lease(lease.client, lease.seconds, again, lease.ends_at, lease.renewable)

    def _log_in(self) -> Lease:
        began = self._clock()

        def look_up() -> Lease:
            client = self.build_client(self._login.token, namespace=self._login.namespace)
            return build_lease(client, client.auth.token.lookup_self()["data"], "ttl", began)

        def log_in() -> Lease:
            anonymous = self.build_client(namespace=self._login.namespace)
            auth = anonymous.auth.approle.login(
                role_id=self._login.role_id, secret_id=self._login.secret_id, use_token=False
            )["auth"]
            client = self.build_client(str(auth["client_token"]), namespace=self._login.namespace)
            return build_lease(client, auth, "lease_duration", began)

        return self._ask("login", log_in) if self._login.role_id else self._ask("lookup", look_up)

    def _renew(self, lease: Lease) -> Lease:
        began = self._clock()

        def renew() -> Lease:
            auth = lease.client.auth.token.renew_self()["auth"]
            return build_lease(lease.client, auth, "lease_duration", began)

        return self._ask("renew", renew)

    def _ask(self, operation: str, work: Callable[[], T]) -> T:
        return self._guard.read(operation, lambda _: translate(work))


def build_lease(client: Any, data: Mapping[str, Any], ttl_field: str, began: float) -> Lease:
    """Counted from before the request; a life of zero seconds is Vault's word for one without end.

    A root token's look-up does not say whether it is renewable: it is not.
    """
    seconds = float(data[ttl_field]) or float("inf")
    return Lease(client, seconds, began + seconds * RENEW_SHARE, began + seconds, bool(data.get("renewable")))


def translate(work: Callable[[], T]) -> T:
    """Run `work`, its hvac and requests exceptions as GatewayErrors, unchained: those carry URLs and Vault's texts.

    requests' exceptions are OSErrors, and so is a CA file that is gone.
    """
    try:
        return work()
    except exceptions.VaultError as error:
        failure = classify_vault_error(error)
    except OSError as error:
        failure = classify_transport_error(System.VAULT, error)
    except (KeyError, TypeError, ValueError, AttributeError):
        # Not the JSON of Vault: a redirect of a standby node, a proxy's page.
        failure = BadAnswer(System.VAULT, "shape")
    raise failure


def classify_vault_error(error: exceptions.VaultError) -> GatewayError:
    """What a status of Vault means: 503 is sealed, 404 no such secret, 403 (401) a token that may not, 5xx trouble."""
    logger.warning("vault_error", error=type(error).__name__)
    match error:
        case exceptions.Forbidden() | exceptions.Unauthorized():
            return Refused(System.VAULT, DENIED)
        case exceptions.InvalidPath():
            return KeyMissing(System.VAULT, "missing")
        case exceptions.VaultDown():
            return Refused(System.VAULT, "sealed")
        case exceptions.VaultNotInitialized():
            return Refused(System.VAULT, "not_initialised")
        case exceptions.InvalidRequest():
            return Refused(System.VAULT, "bad_request")
        case _:
            return Unreachable(System.VAULT, "server_error")

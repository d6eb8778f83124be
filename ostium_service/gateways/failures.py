"""How an outside system can fail, classified once. Services turn these into catalogue errors."""

from enum import StrEnum


class System(StrEnum):
    """Closed set of outside systems; used as a metric label."""

    RPC = "rpc"
    SUBMIT = "submit"
    SUBGRAPH = "subgraph"
    PRICES = "prices"
    VAULT = "vault"
    SAFE_SERVICE = "safe_service"


class GatewayError(Exception):
    """Root of gateway failures. `token` is stable and safe to show; the upstream's text is only logged."""

    def __init__(self, system: System, token: str) -> None:
        super().__init__(f"{system}: {token}")
        self.system = system
        self.token = token


class Unreachable(GatewayError):
    """No usable answer: refused, cut, too slow, 5xx, 429 or breaker open. Whether it acted is unknown.

    `retry_after` is the pause in seconds that the other side asked for; `unsent` is true only when it is certain that
    not one byte of the request left (no connection, no TLS session, breaker open).
    """

    def __init__(self, system: System, token: str, *, retry_after: float | None = None, unsent: bool = False) -> None:
        super().__init__(system, token)
        self.retry_after = retry_after
        self.unsent = unsent


class BadAnswer(GatewayError):
    """It answered something that cannot be trusted: other shape, other chain, other hash."""


class Refused(GatewayError):
    """It understood and said no (4xx, JSON-RPC error other than a revert, denied, sealed)."""


class KeyMissing(GatewayError):
    """Vault answers, but no usable key stands under that address: `missing`, `malformed` or `address_differs`."""


class Reverted(Exception):
    """An eth_call or gas estimate reverted. `data` is the raw revert data, possibly empty."""

    def __init__(self, data: bytes) -> None:
        super().__init__("execution reverted 0x" + data[:4].hex())
        self.data = data

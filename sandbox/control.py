"""A typed client of the control API, for tests, benchmarks and the story."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import requests

from sandbox.processes import SandboxError
from sandbox.shaping import Endpoint

TIMEOUT_SECONDS = 30.0


class SandboxControl:
    """Every method is one command; SandboxError carries the server's complaint."""

    def __init__(self, url: str) -> None:
        """`url` is the sandbox server's base URL."""
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()

    def set_price(self, *, pair_id: int, mid: Decimal, half_spread: Decimal | None = None) -> None:
        """Script a pair's mid price (and half spread), in quote currency."""
        spread = {} if half_spread is None else {"halfSpread": format(half_spread, "f")}
        self._run("price", pairId=pair_id, mid=format(mid, "f"), **spread)

    def set_market(self, *, is_open: bool, pair_ids: Sequence[int] | None = None) -> None:
        """Open or close markets (all by default)."""
        self._run("market", isOpen=is_open, pairIds=pair_ids)

    def set_day_trading(self, *, is_closed: bool, pair_ids: Sequence[int] | None = None) -> None:
        """Close or open the stocks' day-trade window (all by default)."""
        self._run("day-trading", isClosed=is_closed, pairIds=pair_ids)

    def set_timestamp(self, *, timestamp: int | None, pair_ids: Sequence[int] | None = None) -> None:
        """Freeze quotes at this unix second, or make them fresh again with None."""
        self._run("timestamp", timestamp=timestamp, pairIds=pair_ids)

    def omit_fields(self, *, names: Sequence[str], pair_ids: Sequence[int] | None = None) -> None:
        """Leave keys out of the feed's rows; an empty list puts them back."""
        self._run("omit", names=list(names), pairIds=pair_ids)

    def set_drift(self, *, basis_points: Decimal, seed: int = 0) -> None:
        """Let prices wander; 0 switches it off."""
        self._run("drift", basisPoints=format(basis_points, "f"), seed=seed)

    def set_keeper(
        self,
        *,
        delay_seconds: float | None = None,
        is_silent: bool | None = None,
        is_automating: bool | None = None,
    ) -> None:
        """Change what is given, leave the rest."""
        given = {"delaySeconds": delay_seconds, "isSilent": is_silent, "isAutomating": is_automating}
        self._run("keeper", **{name: value for name, value in given.items() if value is not None})

    def cancel_next(self, *, reason: int, count: int = 1) -> None:
        """Let the next requests be cancelled with this reason (1..15)."""
        self._run("cancel-next", reason=reason, count=count)

    def cancel_all(self, *, reason: int | None) -> None:
        """Let every request be cancelled, until None."""
        self._run("cancel-all", reason=reason)

    def set_lag(self, *, seconds: float = 0.0, blocks: int = 0) -> None:
        """How far the subgraph stays behind the chain."""
        self._run("lag", seconds=seconds, blocks=blocks)

    def set_latency(self, *, endpoint: Endpoint, milliseconds: int) -> None:
        """Make every answer of an endpoint wait."""
        self._run("latency", endpoint=endpoint.value, milliseconds=milliseconds)

    def fail(
        self,
        *,
        endpoint: Endpoint,
        status: int,
        body: str = "",
        times: int | None = None,
        method: str | None = None,
        after_serving: bool = False,
    ) -> None:
        """Let an endpoint answer with this status (0: cut the connection) in place of, or after, the real work."""
        self._run(
            "failure",
            endpoint=endpoint.value,
            status=status,
            body=body,
            times=times,
            method=method,
            afterServing=after_serving,
        )

    def stop_failing(self, *, endpoint: Endpoint) -> None:
        """Let an endpoint answer again."""
        self._run("failure", endpoint=endpoint.value, status=None)

    def fund(self, *, address: str, usdc: Decimal | None = None, ether: Decimal | None = None) -> None:
        """Add USDC to an account; set its ether balance."""
        given = {"usdc": usdc, "ether": ether}
        self._run(
            "fund", address=address, **{name: format(value, "f") for name, value in given.items() if value is not None}
        )

    def reset(self) -> None:
        """Prices, keeper, lag, latency and failures as at the start; the chain stays as it is."""
        self._run("reset")

    def catch_up(self) -> int:
        """Make the index read the chain now; returns the block it then stands at."""
        return int(self._run("catch-up")["block"])

    def calls(self) -> dict[str, int]:
        """Requests by endpoint and RPC method since the last `reset_calls`."""
        counts: dict[str, int] = self.state()["calls"]
        return counts

    def reset_calls(self) -> None:
        """Count from zero."""
        self._run("reset-calls")

    def state(self) -> dict[str, Any]:
        """What is set and where it stands."""
        return self._run("state")

    def prices(self) -> list[dict[str, Any]]:
        """The price script, prices as text."""
        rows: list[dict[str, Any]] = self._run("prices")["prices"]
        return rows

    def _run(self, command: str, **arguments: Any) -> dict[str, Any]:
        try:
            response = self._session.post(f"{self.url}/control/{command}", json=arguments, timeout=TIMEOUT_SECONDS)
            answer = response.json()
        except (requests.RequestException, ValueError) as error:
            raise SandboxError(f"the sandbox at {self.url} does not answer") from error
        if response.status_code != requests.codes.ok:
            raise SandboxError(f"{command}: {answer.get('error')}")
        result: dict[str, Any] = answer
        return result

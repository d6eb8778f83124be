"""What the contract tests of trading say and expect again and again."""

from typing import Any

from positions.models import PerpsExecution
from tests.integration.positions.conftest import Desk
from tests.support.callers import SignedCaller

OPEN = "/v1/positions/open"


def whose(desk: Desk, **fields: Any) -> dict[str, Any]:
    return {"network": "testnet", "traderAddress": desk.trader, **fields}


def last_row(operation: str) -> PerpsExecution:
    return PerpsExecution.objects.filter(operation=operation).latest("created_at")


def write_fields(desk: Desk, row: PerpsExecution) -> dict[str, Any]:
    """The top-level fields of every settled write."""
    return {
        "executionId": str(row.pk),
        "status": "settled",
        "txHash": row.tx_hash,
        "transactionHash": row.tx_hash,
        "chain": "ARBITRUM_SEPOLIA",
        "chainId": 421614,
        "orderId": row.order_id or None,
        "network": "testnet",
        "traderAddress": desk.trader,
        "delegateAddress": desk.delegate,
    }


def open_at_market(desk: Desk, caller: SignedCaller, **changes: Any) -> dict[str, Any]:
    terms = {"market": "BTC", "side": "long", "collateral": 100, "leverage": 10, **changes}
    return caller.post(OPEN, whose(desk, **terms), request_id=f"open-{PerpsExecution.objects.count()}")

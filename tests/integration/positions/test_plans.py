"""Every question that grows with the ledger has an index; `python -m benchmarks ledger` measures them at full size."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from ostium_service.types import Address, Network
from positions import selectors

TRADER = Address("0x" + "12" * 20)
OTHER = "0x" + "34" * 20
TX_HASH = "0x" + "ab" * 32


@pytest.fixture
def explain(db: None) -> Iterator[Callable[[Callable[[], object]], str]]:
    """The plan of the first statement of a question, as it is on tables that are too long to be read whole."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        asked.append((statement, parameters))
        return execute(statement, parameters, many, context)

    def run(question: Callable[[], object]) -> str:
        with connection.execute_wrapper(note):
            question()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {asked[0][0]}", asked[0][1])
            return "\n".join(line for (line,) in cursor.fetchall())

    yield run


def test_a_page_of_many_traders_reads_the_newest_of_each(explain: Callable[[Callable[[], object]], str]) -> None:
    def ask() -> object:
        return selectors.find_page(network=Network.TESTNET, traders=[TRADER, OTHER], after=None, limit=20)

    plan = explain(ask)
    loop = plan[plan.index("Nested Loop") :]
    # A limit within the loop: what else a trader ever did is not read.
    assert "Limit" in loop
    assert "execution_by_trader" in loop
    assert "Seq Scan on perps_executions" not in plan


def test_the_execution_of_a_transaction_is_found_by_its_hash(explain: Callable[[Callable[[], object]], str]) -> None:
    plan = explain(lambda: selectors.find_by_transaction(network=Network.TESTNET, tx_hash=TX_HASH))
    assert "relay_transactionattempt_tx_hash" in plan
    assert "Seq Scan" not in plan


def test_attempts_to_reclaim_are_found_among_few_rows(explain: Callable[[Callable[[], object]], str]) -> None:
    plan = explain(lambda: selectors.find_reclaims(network=Network.TESTNET, trader=TRADER, order_id="800001"))
    assert "execution_retries" in plan

"""The process behind `benchmarks.ledger`: `fill <rows>` grows the ledger, `measure` times what is asked of it."""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks import ledger_rows as rows  # noqa: E402
from delegations.models import Delegation  # noqa: E402
from ostium_service.http import errors  # noqa: E402
from ostium_service.types import Address, Network  # noqa: E402
from positions import selectors  # noqa: E402
from positions.models import ExecutionEvent, PerpsExecution  # noqa: E402
from positions.services.ledger import Intent, claim_execution  # noqa: E402
from positions.services.ledger_pages import _write_cursor, list_executions  # noqa: E402
from relay.models import OutboundTransaction, Signer, TransactionAttempt, TransactionEvent  # noqa: E402
from relay.selectors import unconfirmed_transactions, unsent_predecessors  # noqa: E402

HEAVY = "0x" + "9" * 40
DELEGATE = "0x" + "7" * 40
VENUE = "0x" + "8" * 40
REPEATS = 150
SWEEP_ROWS = 200
NETWORK = Network.TESTNET
EVERY_BLOCK = 10**12
STORY = ("RECEIVED", "SIGNED", "SENT", "MINED", "SETTLED")
TRANSACTION_STORY = ("SIGNED", "MINED")


def fill(rows_wanted: str) -> dict[str, Any]:
    """As many finished executions as said, and the unfinished ones; what a caller may then ask for."""
    count, begin = int(rows_wanted), 1
    original = PerpsExecution.objects.filter(idempotency_key="original").first()
    if original is None:
        original = make_original()
        first = rows.FIRST_UNFINISHED
        _copy(original, start=first, stop=first + rows.UNFINISHED, is_finished=False)
    else:
        begin = PerpsExecution.objects.filter(idempotency_key__startswith="key-").count() - rows.UNFINISHED + 1
    _copy(original, start=begin, stop=count + 1, is_finished=True)
    return {"count": PerpsExecution.objects.count(), "deep": find_deep_place(count), "heavy": HEAVY}


def _copy(original: PerpsExecution, *, start: int, stop: int, is_finished: bool) -> None:
    url = os.environ["DATABASE_URL"]
    rows.copy_rows(url=url, original=str(original.pk), heavy=HEAVY, start=start, stop=stop, is_finished=is_finished)


def make_original() -> PerpsExecution:
    """One settled execution with all that belongs to it, and the Safes of a user."""
    now = timezone.now()
    block = {"block_number": 1, "block_hash": "0x" + "b" * 64, "mined_hash": "0x" + "0" * 64, "decided_at": now}
    sent = OutboundTransaction.objects.create(
        signer=Signer.objects.create(network=NETWORK, address=DELEGATE, purpose="delegate", next_nonce=10**8),
        kind="open",
        nonce=0,
        to=VENUE,
        data=b"\x5a" * rows.CALL_DATA_BYTES,
        gas_limit=2_000_000,
        state="FINAL",
        deadline=now,
        sent_at=now,
        confirmed_at=now,
        **block,
    )
    TransactionAttempt.objects.create(
        transaction=sent, purpose="call", tx_hash="0x" + "0" * 64, raw=bytes(sent.data), max_fee_per_gas=10**9
    )
    for state in TRANSACTION_STORY:
        TransactionEvent.objects.create(transaction=sent, to_state=state, reason="as in the real story")
    execution = PerpsExecution.objects.create(
        operation="open",
        network=NETWORK,
        trader_address=HEAVY,
        delegate_address=DELEGATE,
        idempotency_key="original",
        fingerprint=_intent(trader=HEAVY, key="original").fingerprint,
        request=rows.REQUEST,
        terms=rows.REQUEST,
        state="SETTLED",
        transaction=sent,
        result=rows.REQUEST,
        leased_until=now,
        request_id="benchmark",
        ended_at=now,
    )
    for state in STORY:
        ExecutionEvent.objects.create(execution=execution, to_state=state, reason="as in the real story")
    _delegate_safes()
    return execution


def _delegate_safes() -> None:
    safes = [HEAVY, *(rows.trader_of(number) for number in range(1, rows.USER_SAFES))]
    Delegation.objects.bulk_create(
        Delegation(
            user_id=rows.USER,
            network=NETWORK,
            safe_address=safe,
            delegate_address=DELEGATE,
            trading_contract=VENUE,
            status="ACTIVE",
        )
        for safe in safes
    )


def find_deep_place(count: int) -> str:
    """A cursor in the middle of the heavy trader's executions."""
    make_cursor: Callable[[PerpsExecution], str] = _write_cursor
    middle = count // rows.HEAVY_SHARE // 2 * rows.HEAVY_SHARE
    return make_cursor(PerpsExecution.objects.get(idempotency_key=f"key-{middle}", trader_address=HEAVY))


def measure() -> dict[str, Any]:
    """Samples and plans of every question, by its name."""
    return {name: {"seconds": _time(ask), **_explain(ask)} for name, ask in list_questions()}


def list_questions() -> Iterator[tuple[str, Callable[[], object]]]:
    """What the worker and a write ask of the ledger; each may be asked again."""
    heavy, order = Address(HEAVY), "800005"
    last = OutboundTransaction.objects.select_related("signer").filter(state="SIGNED").latest("nonce")

    def find_stalled() -> object:
        before = timezone.now() - timedelta(seconds=8)
        return selectors.find_stalled(before=before, limit=SWEEP_ROWS)

    def find_unconfirmed() -> object:
        return unconfirmed_transactions(NETWORK, up_to_block=EVERY_BLOCK, limit=SWEEP_ROWS)

    sweep: Mapping[str, Callable[[], object]] = {
        "sweep: stalled executions": find_stalled,
        "sweep: vanished blocks": lambda: selectors.find_vanished(limit=SWEEP_ROWS),
        "sweep: unconfirmed transactions": find_unconfirmed,
        "sweep: unsent predecessors": lambda: unsent_predecessors(last),
    }
    yield "idempotency: hit", claim_again
    yield "idempotency: miss", claim_anew
    yield "sweep: all of it", lambda: [ask() for ask in sweep.values()]
    yield from sweep.items()
    yield "reclaims of an order", lambda: selectors.find_reclaims(network=NETWORK, trader=heavy, order_id=order)
    yield "was an order cancelled", lambda: selectors.was_cancelled(network=NETWORK, trader=heavy, order_id=order)
    yield "execution of a transaction", lambda: selectors.find_by_transaction(network=NETWORK, tx_hash="0x" + "c" * 64)
    yield "execution of an order", lambda: selectors.find_by_order(network=NETWORK, order_id=order)


def claim_again() -> None:
    """The key of some finished execution; one older than a day is refused by name, after the same look-up."""
    number = random.randrange(1, 10_000)
    trader = HEAVY if number % rows.HEAVY_SHARE == 0 else rows.trader_of(number)
    try:
        claim = claim_execution(intent=_intent(trader=trader, key=f"key-{number}"))
    except errors.IdempotencyKeyReused:
        return
    if not claim.replayed:
        raise SystemExit("a used key was claimed again")


def claim_anew() -> None:
    """A key that nobody has used; the claim is committed."""
    key = f"new-{time.monotonic_ns()}-{random.random()}"
    if claim_execution(intent=_intent(trader=HEAVY, key=key)).replayed:
        raise SystemExit("a new key was not claimed")


def _intent(*, trader: str, key: str) -> Intent:
    return Intent("open", NETWORK, Address(trader), key, rows.REQUEST, "benchmark")


def _time(ask: Callable[[], object]) -> list[float]:
    ask()
    samples = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ask()
        samples.append(time.perf_counter() - began)
    return samples


def _explain(ask: Callable[[], object]) -> dict[str, Any]:
    """For every SELECT of the question what it reads from ("table: index" or "table: Seq Scan"), and pages in all."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        asked.append((statement.strip(), parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        ask()
    plans, pages = [], 0
    with connection.cursor() as cursor:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
                plan = cursor.fetchone()[0][0]["Plan"]
                plans.append(sorted(set(_list_scans(plan))))
                pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return {"plans": plans, "pages": pages}


def _list_scans(plan: Mapping[str, Any]) -> Iterator[str]:
    if "Relation Name" in plan:
        yield f"{plan['Relation Name']}: {plan.get('Index Name') or plan['Node Type']}"
    elif "Index Name" in plan:
        yield f"{plan['Index Name']}"
    for part in plan.get("Plans", ()):
        yield from _list_scans(part)


def explain_pages(cursor: str) -> dict[str, Any]:
    """The plans behind the pages that are timed over HTTP."""

    def ask(**named: Any) -> Callable[[], object]:
        whose = {"trader": None, "user_id": None, "cursor": None, **named}
        return lambda: list_executions(network=NETWORK, limit=20, **whose)

    questions = {
        "list: a trader's page": ask(trader=Address(HEAVY), cursor=cursor),
        "list: a user's page": ask(user_id=rows.USER, cursor=cursor),
    }
    return {name: _explain(question) for name, question in questions.items()}


COMMANDS: Mapping[str, Callable[..., dict[str, Any]]] = {"fill": fill, "measure": measure, "pages": explain_pages}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])) + "\n")

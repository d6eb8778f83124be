"""P14 and P18: many processes on many hosts, of which some are late; who is served, and in which order."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.utils import DatabaseError, IntegrityError
from django.test.utils import CaptureQueriesContext

from ostium_service import composition
from ostium_service.types import Network, Wei
from relay.clock import database_now
from relay.models import OutboundTransaction, Signer, TransactionAttempt
from relay.selectors import relayer_for
from relay.services import advance, broadcast, sending, sign_and_store
from relay.services.confirming import confirm_transactions
from relay.services.signing import sign_cancellation, sign_replacement
from relay.states import move
from sandbox import actors
from sandbox.processes import wait_until
from tests.integration.relay.conftest import World
from tests.integration.relay.hosts import at_once, is_somebody_waiting, other_host
from tests.integration.relay.steps import SEND_WITHIN, expire, store, story, wait
from tests.support import services as processes
from tests.support.lying_node import LyingNode


def test_p14_a_writer_whose_transaction_was_lost_while_signing_stores_nothing(world: World) -> None:
    """The database gives its nonce to the next one, and refuses the commit of the first."""
    late, other = world.prepare_open(), world.prepare_open()
    signed = threading.Event()
    may_commit = threading.Event()
    backend: list[int] = []

    def sign_and_stall() -> None:
        with other_host(), transaction.atomic():
            sign_and_store(prepared=late, send_within=SEND_WITHIN)
            backend.append(connection.connection.info.backend_pid)
            signed.set()
            may_commit.wait(20)

    with ThreadPoolExecutor(1) as pool:
        stalled = pool.submit(sign_and_stall)
        assert signed.wait(20)
        # As after a network partition: the server has given this session up, its process does not know.
        with psycopg.connect(processes.test_database_url(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", backend)
        row = store(other)
        may_commit.set()
        with pytest.raises(OperationalError):
            stalled.result()
    assert (row.nonce, Signer.objects.get().next_nonce) == (0, 1)
    assert OutboundTransaction.objects.get().pk == row.pk
    assert wait(row).state == "MINED"
    assert world.mined_nonces() == 1


def test_p14_one_writer_per_signer_at_a_time(world: World) -> None:
    """The second waits for the first's commit, and takes the nonce after it."""
    first, second = world.prepare_open(), world.prepare_open()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            held = sign_and_store(prepared=first, send_within=SEND_WITHIN)

            def sign_second() -> int:
                with other_host():
                    return store(second).nonce

            waiting = pool.submit(sign_second)
            wait_until(is_somebody_waiting, seconds=10, purpose="the second writer's wait for the lock")
            assert not waiting.done()
        assert (held.nonce, waiting.result()) == (0, 1)


def test_p14_eight_processes_follow_one_row(world: World) -> None:
    row = store(world.prepare_open())
    at_once(lambda: broadcast(transaction_id=row.pk), 8)
    mined = wait(row)
    at_once(lambda: advance(transaction_id=row.pk), 8)
    assert (mined.state, mined.attempts.count(), world.mined_nonces()) == ("MINED", 1, 1)
    reasons = [reason for _, _, reason in story(mined)]
    assert (reasons.count("signed and stored"), reasons.count("receipt with status 1")) == (1, 1)


def test_p14_eight_processes_replace_and_cancel_at_once(world: World) -> None:
    """One replacement and one cancellation come of it, and no call is stored after the cancellation."""
    row = store(world.prepare_open())
    key = composition.vault().delegate_key(Network.TESTNET, world.delegate)
    fee = Wei(row.attempts.get().max_fee_per_gas * 2)
    at_once(lambda: sign_replacement(transaction=row, key=key, max_fee=fee), 8)
    at_once(lambda: sign_cancellation(transaction=row, key=key, max_fee=Wei(2 * fee), why="deadline"), 8)
    at_once(lambda: sign_replacement(transaction=row, key=key, max_fee=Wei(4 * fee)), 8)
    assert list(row.attempts.order_by("id").values_list("purpose", flat=True)) == ["call", "call", "cancel"]


def test_p14_the_database_refuses_what_a_late_writer_brings(world: World) -> None:
    row = store(world.prepare_open())

    def add(purpose: str) -> None:
        TransactionAttempt.objects.create(
            transaction=row, purpose=purpose, tx_hash="0x" + "ab" * 32, raw=b"", max_fee_per_gas=1
        )

    def refused(error: type[DatabaseError], words: str, write: Callable[[], object]) -> None:
        with pytest.raises(error, match=words), transaction.atomic():
            write()

    signers = Signer.objects.filter(pk=row.signer_id)
    refused(ProgrammingError, "only grows", lambda: signers.update(next_nonce=0))
    refused(ProgrammingError, "only grows", lambda: signers.update(next_nonce=None))
    copy = {"signer": row.signer, "nonce": row.nonce, "deadline": row.deadline, "gas_limit": 1, "to": "", "data": b""}
    refused(IntegrityError, "one_transaction_per_nonce", lambda: OutboundTransaction.objects.create(**copy))
    OutboundTransaction.objects.filter(pk=row.pk).update(given_up="deadline")
    refused(ProgrammingError, "was given up", lambda: add("call"))
    OutboundTransaction.objects.filter(pk=row.pk).update(state="EXPIRED")
    refused(ProgrammingError, "is spent", lambda: add("cancel"))
    signers.update(state="retired")
    refused(ProgrammingError, "stays retired", lambda: signers.update(state="active"))
    assert (signers.get().next_nonce, OutboundTransaction.objects.count(), row.attempts.count()) == (1, 1, 1)


def test_p14_a_move_that_was_decided_on_an_old_reading_changes_nothing(world: World) -> None:
    row = store(world.prepare_open())
    read_earlier = OutboundTransaction.objects.select_related("signer").get(pk=row.pk)
    mined = wait(row)
    for late in ("SENT", "UNKNOWN", "EXPIRED", "CANCELLED", "REPLACED", "REVERTED"):
        stored = move(transaction=read_earlier, to=late, reason="late")
        assert (stored.state, stored.mined_hash) == ("MINED", mined.mined_hash)
    with pytest.raises(ProgrammingError, match="does not move"), transaction.atomic():
        OutboundTransaction.objects.filter(pk=row.pk).update(state="SENT")
    assert "late" not in [reason for _, _, reason in story(mined)]


def test_p14_a_process_that_wakes_after_its_row_ended_sends_to_no_effect(world: World) -> None:
    """It stood still between reading the row and sending; another has spent the nonce meanwhile."""
    before = world.usdc()
    row = store(world.prepare_open())
    read_earlier = OutboundTransaction.objects.select_related("signer").get(pk=row.pk)
    call = row.attempts.get()
    expire(row)
    ended = wait(row)
    sending._record(read_earlier, call, sending._put(read_earlier, call))
    assert wait(row).state == ended.state == "EXPIRED"
    assert (world.usdc(), world.mined_nonces()) == (before, 1)
    assert story(ended)[-1][1] == "EXPIRED"


def test_only_nonce_signature_and_storing_happen_under_the_signers_lock(world: World) -> None:
    prepared = world.prepare_open()
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        sign_and_store(prepared=prepared, send_within=SEND_WITHIN)
    statements = [query["sql"] for query in asked.captured_queries]
    locked = next(i for i, sql in enumerate(statements) if '"relay_signer"' in sql and "FOR UPDATE" in sql)
    tables = ("relay_signer", "relay_outboundtransaction", "relay_transactionevent", "relay_transactionattempt")
    [under_lock] = [sql for sql in statements[locked + 1 :] if sql.split()[0] in {"SELECT", "INSERT", "UPDATE"}]
    assert [(sql.split()[0], table in sql) for sql, table in zip(under_lock.split("; "), tables, strict=True)] == [
        ("UPDATE", True),
        *[("INSERT", True)] * 3,
    ]
    assert any('"safeguards_grant"' in sql and "FOR NO KEY UPDATE" in sql for sql in statements[:locked])


def test_p18_relayers_share_the_load_and_the_oldest_of_equals_is_first(world: World) -> None:
    """One request signs for one intent, so nothing queues for a key but in the signer's lock; the load is spread."""
    assert relayer_for(Network.MAINNET) is None
    first, second = (
        Signer.objects.create(network="testnet", address="0x" + digit * 40, purpose="relayer") for digit in "12"
    )

    def give(signer: Signer, nonce: int, state: str = "SIGNED") -> None:
        OutboundTransaction.objects.create(
            signer=signer, nonce=nonce, state=state, deadline=database_now(), gas_limit=1, to="", data=b""
        )

    def chosen() -> Signer | None:
        return relayer_for(Network.TESTNET)

    assert chosen() == first
    give(first, 0)
    assert chosen() == second
    give(second, 0)
    assert chosen() == first
    give(second, 1, "FINAL")
    assert chosen() == first
    Signer.objects.filter(pk=first.pk).update(state="halted")
    assert chosen() == second
    Signer.objects.filter(pk=second.pk).update(state="retiring")
    found = chosen()
    assert found is not None and found.address == world.delegate


def test_p18_one_row_that_cannot_be_confirmed_keeps_no_other_from_it(world: World, liar: LyingNode) -> None:
    """Oldest first, and the oldest one's answer is never to be believed."""
    poisoned, other = (wait(store(world.prepare_open(collateral=20_000_000))) for _ in range(2))

    def lie(params: list[object], honest: object) -> object:
        return {**honest, "status": "1"} if params == [poisoned.mined_hash] and isinstance(honest, dict) else honest

    liar.lies["eth_getTransactionReceipt"] = lie
    actors.mine(rpc_url=world.rpc_url, blocks=100)
    assert confirm_transactions(network=Network.TESTNET) == 2
    states = dict(OutboundTransaction.objects.values_list("pk", "state"))
    assert states == {poisoned.pk: "MINED", other.pk: "FINAL"}
    liar.be_honest()
    assert confirm_transactions(network=Network.TESTNET) == 1

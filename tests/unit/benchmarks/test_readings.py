"""What the benchmarks conclude from what they have seen."""

from benchmarks.figures import format_ratios
from benchmarks.herd import Herd
from benchmarks.ledger import join_turns, reads_all
from benchmarks.locks import read_locks

LOG = """\
1795640000.100 11 LOG:  duration: 0.050 ms  statement: BEGIN
1795640000.103 11 LOG:  duration: 2.000 ms  statement: SELECT "relay_signer"."id" FROM "relay_signer" WHERE a FOR UPDATE
1795640000.104 12 LOG:  duration: 0.020 ms  statement: COMMIT
1795640000.105 12 LOG:  duration: 9.000 ms  statement: SELECT 1 FROM "relay_signer" WHERE b
\tLIMIT 1
1795640000.109 11 LOG:  duration: 0.900 ms  statement: COMMIT
1795640000.120 11 LOG:  duration: 0.900 ms  statement: COMMIT
1795640000.130 12 LOG:  duration: 1.000 ms  execute s0: SELECT "relay_signer"."id" FROM "relay_signer" FOR UPDATE
1795640000.150 12 LOG:  duration: 0.010 ms  statement: ROLLBACK
"""


def test_a_lock_lasts_from_its_grant_to_the_end_of_its_own_session() -> None:
    rounded = [(one.waited, round(one.held, 4), one.statements, one.in_server) for one in read_locks(LOG.splitlines())]
    assert rounded == [(0.002, 0.006, 1, 0.0009), (0.001, 0.02, 1, 0.00001)]


def test_a_big_table_read_from_end_to_end_is_seen_and_a_small_one_may_be() -> None:
    assert reads_all([["perps_executions: execution_by_trader"], ["perps_executions: Seq Scan"]])
    assert not reads_all([["perps_executions: execution_by_trader", "relay_signer: Seq Scan"]])


def test_turns_are_joined_question_by_question() -> None:
    turns = [{"sweep": {"seconds": [1.0], "plans": [["a"]]}}, {"sweep": {"seconds": [3.0], "plans": [["b"]]}}]
    assert join_turns(turns) == {"sweep": {"seconds": [1.0, 3.0], "plans": [["b"]]}}


def test_only_the_first_second_of_a_herd_counts() -> None:
    assert Herd(seconds=(), failed=0, asked=(0.01, 0.9, 1.0, 1.8, 3.0)).in_that_second == 2
    assert Herd(seconds=(), failed=0, asked=()).in_that_second == 0


def test_ratios_near_one_are_shown_with_their_digits() -> None:
    assert format_ratios([0.4, 0.6, 0.5], digits=2) == "0.50x (0.40..0.60)"

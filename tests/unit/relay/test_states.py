"""The moves of Python and of the database's trigger are the same list."""

import importlib
import re

from relay.models import OutboundTransaction
from relay.states import MOVES


def moves_of_the_trigger() -> set[tuple[str, str]]:
    migration = importlib.import_module("relay.migrations.0005_reconsidered")
    return set(re.findall(r"\('([A-Z]+)', '([A-Z]+)'\)", migration.FORWARD))


def test_the_trigger_knows_the_same_moves() -> None:
    """A move added on one side only: add it to relay/states.py and to a new migration of the trigger."""
    assert {(before, str(after)) for before, moves in MOVES.items() for after in moves} == moves_of_the_trigger()


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(OutboundTransaction.State.values)

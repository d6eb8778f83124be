"""No text that may reach a caller holds a word by which today's callers know another error.

The answers are reworded on their way out; these tests make sure that there is nothing to reword but names of the
venue's own, so that what a developer writes is what a caller reads.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_framework import exceptions, serializers

from ostium_service.gateways.failures import System, Unreachable
from ostium_service.gateways.ostium_contracts import ERROR_SELECTORS
from ostium_service.http.envelope import build_failure
from ostium_service.http.errors import CATALOGUE, TxReverted
from ostium_service.http.wording import MEANT_BY
from positions.cancel_reasons import CANCEL_REASONS, RECLAIMED, name_cancel_reason
from tests.support.callers import check_wording

ROOT = Path(__file__).parents[3]
ROOMS = ("ostium_service", "markets", "positions", "delegations", "relay", "safeguards")
NOT_FOR_CALLERS = {
    "ostium_service/settings.py": "options of the database driver",
    "ostium_service/http/wording.py": "the words themselves",
    "delegations/representation.py": "the label of an action item, in an answer that worked: `Delegate gas`",
}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def list_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module with its line, docstrings left out."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def list_modules() -> list[Path]:
    modules = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]
    return [path for path in modules if str(path.relative_to(ROOT)) not in NOT_FOR_CALLERS]


def words_in(text: str) -> set[str]:
    return {word for word in MEANT_BY if word in text.lower()}


def test_no_text_of_the_product_holds_another_errors_word() -> None:
    """Messages, details and tokens alike. Names of the venue's functions and events are no texts."""
    own = {error.message for error in CATALOGUE.values()} | {"insufficient allowance"}
    found = [
        f"{path.relative_to(ROOT)}:{line} {text!r}"
        for path in list_modules()
        for line, text in list_texts(path)
        if words_in(text) and text not in own and not IDENTIFIER.fullmatch(text)
    ]
    assert found == []


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_a_catalogue_error_is_not_taken_for_another_one(code: str) -> None:
    error = CATALOGUE[code]()
    check_wording(build_failure(error=error, request_id="r")["error"])
    assert build_failure(error=error, request_id="r")["error"]["message"] == error.message


def test_no_message_of_the_framework_about_a_field_does() -> None:
    kinds = [*vars(serializers).values(), *vars(exceptions).values()]
    messages = [
        str(message)
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, serializers.Field)
        for cls in kind.__mro__
        for message in vars(cls).get("default_error_messages", {}).values()
    ]
    assert len(messages) > 50
    assert [message for message in messages if words_in(message)] == []


@pytest.mark.parametrize("name", [*sorted(ERROR_SELECTORS), *CANCEL_REASONS, RECLAIMED, name_cancel_reason(99)])
def test_a_name_of_the_venue_as_a_reason_is_not_taken_for_another_error(name: str) -> None:
    error = TxReverted(details={"reason": name, "nested": [{"reason": name}]})
    check_wording(build_failure(error=error, request_id="r")["error"])


def test_a_gateways_token_for_slowness_is_none_of_the_words() -> None:
    assert words_in(Unreachable(System.RPC, "too_slow").token) == set()

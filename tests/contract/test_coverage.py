"""Guards: every code of the catalogue has a page and a test, every row of the fault list in our tier a name.

They read the tests' own text: a code that nobody produces any more, and a row whose test was renamed, show themselves.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostium_service.http.errors import CATALOGUE
from ostium_service.http.openapi import build_document
from tests.support.conformance import list_codes

TESTS = Path(__file__).parents[1]
SELF = {Path(__file__), TESTS / "unit" / "http" / "test_errors.py"}
DOCUMENT = build_document()
OPERATIONS = {path: item["post"] for path, item in DOCUMENT["paths"].items() if path.startswith("/v1/")}

NOT_ON_A_PAGE = {"NOT_FOUND": "it is what a path without an operation answers"}
"""Codes that no operation can answer with, and why."""

OF_THE_EDGE = {
    *("METHOD_NOT_ALLOWED", "UNSUPPORTED_MEDIA_TYPE", "NOT_FOUND", "RATE_LIMITED", "OSTIUM_DISABLED"),
    *("SERVER_MISCONFIGURED", "OSTIUM_INTERNAL_ERROR"),
}
"""Codes that the edge answers before any operation: produced over HTTP in tests/unit/http, with a tiny service."""

ROWS = {
    *(f"w{row}" for row in (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24)),
    *(f"n{row}" for row in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
    *("m1", "m2", "m3", "m4", "m6"),
}
"""Sections E1, E2 and E10 of the fault list."""


def read_tests(folder: str) -> Iterator[str]:
    for path in sorted((TESTS / folder).rglob("*.py")):
        if path not in SELF:
            yield path.read_text()


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_a_code_is_on_a_page_and_is_produced_by_a_test(code: str) -> None:
    pages = {
        path for path, operation in OPERATIONS.items() if code in set().union(*list_codes(DOCUMENT, operation).values())
    }
    assert bool(pages) is (code not in NOT_ON_A_PAGE), f"no @describe(errors=) names {code}"
    folder = "unit/http" if code in OF_THE_EDGE else "contract"
    assert any(f'"{code}"' in text for text in read_tests(folder)), f"no test in tests/{folder} expects {code}"


def test_every_row_of_the_fault_list_has_a_test_of_its_name() -> None:
    named: set[str] = set()
    for text in read_tests("."):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                told = f"{node.name} {ast.get_docstring(node) or ''}".lower()
                named.update(re.findall(r"(?<![a-z0-9])([wnm][0-9]{1,2})(?![0-9])", told.replace("_", " ")))
    assert sorted(ROWS - named) == []

"""CSV that a spreadsheet takes for nothing but text."""

import csv
import io

import pytest

from sandbox.second_factor import compute_code
from staff.export import defuse, write_lines


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "|cmd", "%0a=1"])
def test_what_would_start_a_formula_gets_an_apostrophe(value: str) -> None:
    assert defuse(value) == f"'{value}"


@pytest.mark.parametrize(("value", "text"), [("0x52", "0x52"), (None, ""), (7, "7"), ("a=b", "a=b"), (True, "True")])
def test_other_values_stay_what_they_are(value: object, text: str) -> None:
    assert defuse(value) == text


def test_lines_survive_quotes_commas_and_line_ends() -> None:
    lines = "".join(write_lines(["a", "b"], [['x"y', "1,2"], ["two\nlines", "=evil()"]]))
    assert list(csv.reader(io.StringIO(lines))) == [["a", "b"], ['x"y', "1,2"], ["two\nlines", "'=evil()"]]


@pytest.mark.parametrize(("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924")])
def test_the_sandbox_code_is_that_of_rfc_6238(at: int, code: str) -> None:
    assert compute_code(secret=b"12345678901234567890", at=at) == code

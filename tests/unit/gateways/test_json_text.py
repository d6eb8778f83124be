"""Answers of outside systems: exact numbers, and no text that could end the process."""

import sys
from decimal import Decimal

import pytest

from ostium_service.gateways.json_text import parse_json


def test_fractions_are_exact() -> None:
    assert parse_json(b'[0.1, 3314.9199999999996, 1e-7, 7, "NaN"]') == [
        Decimal("0.1"),
        Decimal("3314.9199999999996"),
        Decimal("1E-7"),
        7,
        "NaN",
    ]
    assert parse_json(b"[NaN, -Infinity]") == ["NaN", "-Infinity"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": 1', b"<html>", b"\xff\xfe", b'"\xff"', b"[1] x", b"1" * 5000, b"1e" + b"9" * 30]
)
def test_anything_else_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"]":'])
def test_depth_is_refused_before_the_decoder_recurses(opening: bytes) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        with pytest.raises(ValueError, match="deep"):
            parse_json(opening * 50_000)
    finally:
        sys.setrecursionlimit(before)


def test_a_long_flat_answer_is_no_deep_one() -> None:
    body = b"[" + b",".join([b'{"a": "[[[\\"{{{", "b": [[]]}'] * 2_000) + b"]"
    assert parse_json(body) == [{"a": '[[["{{{', "b": [[]]}] * 2_000

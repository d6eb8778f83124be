"""JSON of outside systems, decoded without trusting its depth."""

import json
import re
from decimal import Decimal
from typing import Any

DEEPEST = 64
FEW_BRACKETS = 500
"""An answer with no more opening brackets than this cannot nest deeply enough to matter."""

_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def parse_json(body: bytes) -> Any:
    """The value of a JSON text, numbers with a fraction or exponent as Decimal; ValueError for anything else.

    The decoder recurses in C, and libraries around eth-account raise the recursion limit of the process so far that a
    deep answer would end it with a segmentation fault instead of a RecursionError: depth is counted beforehand.
    """
    if body.count(b"[") + body.count(b"{") > FEW_BRACKETS:
        _check_depth(body)
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=str)
    except ArithmeticError:
        raise ValueError("a number beyond any use") from None


def _check_depth(body: bytes) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(body):
        first = found.group()[0]
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
        if depth > DEEPEST:
            raise ValueError("nested too deeply")

"""Strict JSON into Decimal: one object, every key once, numbers exact and bounded, text that a database can hold."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, Final, NoReturn

from rest_framework.parsers import BaseParser

from ostium_service.http.errors import InvalidJson, SecretInPayload
from ostium_service.http.secrets import find_secret

MAX_BODY_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32
MAX_NUMBER_CHARACTERS: Final = 128
MAX_EXPONENT: Final = 96

_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_UNUSABLE_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`; numbers become Decimal.

    Refused with INVALID_JSON and a reason token: empty, not UTF-8, a byte order mark, deeper than 32 levels, a key
    that occurs twice (also when spelled with escapes), NaN and Infinity, numbers of more than 128 characters or
    beyond 10**96, text with NUL or half a surrogate pair, anything after the object, and anything but an object.
    Refused with SECRET_IN_PAYLOAD: a user's secret at any depth; only its path is named.
    """
    text = _decode(raw)
    _check_depth(text)
    try:
        value = json.loads(
            text,
            parse_float=_parse_number,
            parse_int=_parse_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_build_object,
        )
    except json.JSONDecodeError as error:
        raise _invalid("trailing_bytes" if error.msg == "Extra data" else "syntax") from None
    if not isinstance(value, dict):
        raise _invalid("not_an_object")
    _check_text(value)
    secret = find_secret(value)
    if secret is not None:
        raise SecretInPayload(details={"field": secret})
    return value


class StrictJSONParser(BaseParser):
    """`parse_object` as a DRF parser."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return parse_object(stream.read(MAX_BODY_BYTES + 1))


def _invalid(reason: str) -> InvalidJson:
    return InvalidJson(details={"reason": reason})


def _decode(raw: bytes) -> str:
    if not raw.strip():
        raise _invalid("empty")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _invalid("not_utf8") from None
    if text.startswith("\ufeff"):
        raise _invalid("byte_order_mark")
    return text


def _check_depth(text: str) -> None:
    """Counted on the text, because the decoder recurses and a deep body would exhaust the stack first."""
    depth = 0
    for mark in _STRUCTURE.findall(text):
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _invalid("too_deep")
        elif mark in "]}":
            depth -= 1


def _parse_number(token: str) -> Decimal:
    if len(token) > MAX_NUMBER_CHARACTERS:
        raise _invalid("number_out_of_range")
    try:
        value = Decimal(token)
    except InvalidOperation:
        raise _invalid("number_out_of_range") from None
    if not value.is_finite() or abs(value.adjusted()) > MAX_EXPONENT:
        raise _invalid("number_out_of_range")
    return value


def _refuse_constant(_token: str) -> NoReturn:
    raise _invalid("not_a_number")


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _invalid("duplicate_key")
    return value


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if _UNUSABLE_TEXT.search(value):
            raise _invalid("text_invalid")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)

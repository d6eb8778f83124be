"""Strict JSON: what is one object with exact numbers, and each way of not being one."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostium_service.http.errors import InvalidJson, ServiceError
from ostium_service.http.parsers import StrictJSONParser, parse_object


def test_n6_an_object_is_read_with_exact_numbers() -> None:
    parsed = parse_object(
        b' {"a": 0.1234567890123456789, "b": [9007199254740993, -0.0, 1e3, 1.50],'
        b' "c": {"d": null, "e": true, "f": "\\u00e9"}}\r\n'
    )
    assert parsed == {
        "a": Decimal("0.1234567890123456789"),
        "b": [Decimal(9007199254740993), Decimal("-0.0"), Decimal("1E+3"), Decimal("1.50")],
        "c": {"d": None, "e": True, "f": "\u00e9"},
    }
    assert str(parsed["b"][3]) == "1.50"
    assert all(isinstance(number, Decimal) for number in parsed["b"])


def test_the_parser_reads_a_stream() -> None:
    assert StrictJSONParser().parse(BytesIO(b'{"a": 1}')) == {"a": Decimal(1)}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        ('{"a": 1}'.encode("utf-16"), "not_utf8"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b'{"a": "\xc0\xaf"}', "not_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "not_utf8"),
        (b'{"a": 1', "syntax"),
        (b"{'a': 1}", "syntax"),
        (b'{"a": 1,}', "syntax"),
        (b'{"a": 01}', "syntax"),
        (b'{"a": +1}', "syntax"),
        (b'{"a": .5}', "syntax"),
        (b'{"a": 1.}', "syntax"),
        (b'{"a": 0x10}', "syntax"),
        (b'{"a": 1_000}', "syntax"),
        ('{"a": \u0967\u0968}'.encode(), "syntax"),
        ('{"a": \uff11}'.encode(), "syntax"),
        (b'{"a": "\x01"}', "syntax"),
        (b'{"a": "\n"}', "syntax"),
        (b'{"a": "\\x41"}', "syntax"),
        (b"{a: 1}", "syntax"),
        ("{\u00a0}".encode(), "syntax"),
        (b'{"a": 1} {"b": 2}', "trailing_bytes"),
        (b'{"a": 1}x', "trailing_bytes"),
        (b'{"a": 1}\x00', "trailing_bytes"),
        (b"[]", "not_an_object"),
        (b'"a"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"1", "not_an_object"),
        (b'{"a": NaN}', "not_a_number"),
        (b'{"a": [Infinity]}', "not_a_number"),
        (b'{"a": -Infinity}', "not_a_number"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
        (b'{"x": [{"a": 1, "b": 2, "a": 1}]}', "duplicate_key"),
        (b'{"a": "\\ud800"}', "text_invalid"),
        (b'{"a": "\\udc00\\ud800"}', "text_invalid"),
        (b'{"\\ud800": 1}', "text_invalid"),
        (b'{"a": ["x\\u0000y"]}', "text_invalid"),
        (b'{"a": 1e999999999}', "number_out_of_range"),
        (b'{"a": 1e-999999999}', "number_out_of_range"),
        (b'{"a": 0e999999999}', "number_out_of_range"),
        (b'{"a": 1e99999999999999999999999}', "number_out_of_range"),
        (b'{"a": 1e97}', "number_out_of_range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number_out_of_range"),
        (b'{"a": -' + b"9" * 129 + b"}", "number_out_of_range"),
        (b'{"a": 0.' + b"0" * 5000 + b"1}", "number_out_of_range"),
        (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "too_deep"),
        (b"[" * 60_000, "too_deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too_deep"),
    ],
)
def test_w16_w18_w20_n1_n3_anything_else_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        parse_object(raw)
    assert caught.value.details == {"reason": reason}


def test_brackets_in_text_do_not_count_as_depth() -> None:
    assert parse_object(b'{"a": "' + b"[" * 100 + b'", "b": "\\"[[["}') == {"a": "[" * 100, "b": '"[[['}


def test_thirty_two_levels_are_read() -> None:
    value: Any = parse_object(b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")["a"]
    for _ in range(30):
        (value,) = value
    assert value == []


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@given(st.binary(max_size=200))
def test_no_bytes_cause_anything_but_a_catalogue_error(raw: bytes) -> None:
    try:
        assert isinstance(parse_object(raw), dict)
    except ServiceError as error:
        assert error.code in {"INVALID_JSON", "SECRET_IN_PAYLOAD"}


@given(st.text(alphabet='{}[]":,0123456789.eE+-\\u trufalsn', max_size=120))
def test_no_near_json_causes_anything_but_a_catalogue_error(text: str) -> None:
    try:
        assert isinstance(parse_object(text.encode()), dict)
    except ServiceError as error:
        assert error.code in {"INVALID_JSON", "SECRET_IN_PAYLOAD"}
